"""The whole operator in a thread and an event loop of its own, wired as `python -m serin` wires it.

Its own loop, because kopf takes every task of its loop for its own and cancels it at the end. Only four things differ
from production: the clock, the source of the counters, who answers the preflight, and a Kubernetes client that keeps a
list of its writes.
"""

import asyncio
import gc
import threading
import warnings
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from kubernetes.aio.client import Configuration
from serin.__main__ import Operator, assemble
from serin.adapters.kube_client import KubeClient
from serin.adapters.kube_login import load_configuration
from serin.adapters.settings import Settings
from serin.adapters.traffic.router import RouterReader
from serin.runtime.kinds import WATCHED
from serin.runtime.ports import Clock, Cluster, JsonObject, MetricSource, ModelClient, ObjectRef

from serin_testkit.clock import settle
from serin_testkit.cluster_user import Json
from serin_testkit.history import FOLLOWED

STOP_SECONDS = 15.0
"""A stop takes some milliseconds; kopf itself gives up after 5 s."""

SOON_SECONDS = 0.3
"""What is due so soon belongs to what happens now; the shortest interval of a test's plan is longer."""

Write = tuple[str, str, str]
"""Verb, kind, name."""

_T = TypeVar("_T")


class OperatorInProcess:
    """One operator for one namespace; after `stop` or `kill` it can be started again."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        metric_source: MetricSource,
        models: ModelClient,
        router_reader: RouterReader,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._metric_source = metric_source
        self._models = models
        self._router_reader = router_reader
        self._run: _Run | None = None
        self.writes: list[Write] = []
        """Every write request, also the ones that the API server refused or that changed nothing."""

    @property
    def is_running(self) -> bool:
        return self._run is not None

    def start(self, metric_source: MetricSource | None = None) -> None:
        assert self._run is None, "the operator runs already"
        self._metric_source = metric_source or self._metric_source
        self._run = _Run(self.settings, self._make, self.writes)
        self._run.thread.start()

    def _make(self, cluster: Cluster) -> Operator:
        return assemble(self.settings, cluster, self._clock, self._metric_source, self._models, self._router_reader)

    def stop(self) -> None:
        """As SIGTERM: kopf ends its watches and the runtime."""
        self._end(_Run.stop)

    def kill(self) -> None:
        """As SIGKILL: everything ends where it waits, nothing is finished or handed over."""
        self._end(_Run.kill)
        with warnings.catch_warnings():
            # Of a killed process the kernel closes the connections, of a thread nobody does before they are collected.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    def resync(self) -> None:
        """One sweep, as every few minutes: lists everything and looks at every ModelDeployment again."""
        assert self._run is not None
        assert self._run.operator is not None
        self._run.call(self._run.operator.sweep.sweep())

    def find_unrest(self, objects: Mapping[tuple[str, str], Json]) -> str | None:
        """Why the operator has not come to rest yet beside these objects; None when it has."""
        if self._run is None:
            return None
        if not self._run.thread.is_alive():
            raise AssertionError("the operator has ended by itself") from self._run.failure
        operator = self._run.operator
        if operator is None or not operator.cache.is_primed:
            return "the cache is not primed"
        queue = operator.queue
        if queue.depth or queue._working or queue._failures:
            return f"it is at work: {queue.depth} waiting, {queue._working} in work, {queue._failures} failed"
        if any(due - self._clock.monotonic_seconds() < SOON_SECONDS for due in list(queue._due.values())):
            return "it looks again at once"
        return _find_lag(operator, self.settings.namespaces[0], objects)

    def _end(self, how: Any) -> None:
        assert self._run is not None, "the operator does not run"
        run, self._run = self._run, None
        how(run)
        run.thread.join(STOP_SECONDS)
        assert not run.thread.is_alive(), "the operator does not stop"
        if run.failure is not None:
            raise run.failure


class _Run:
    """One life of the operator."""

    def __init__(self, settings: Settings, make: Callable[[Cluster], Operator], writes: list[Write]) -> None:
        self._settings = settings
        self._make = make
        self._writes = writes
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._is_killed = False
        self._life = self._loop.create_task(self._operate())
        self.operator: Operator | None = None
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._live, name="operator", daemon=True)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    def kill(self) -> None:
        def cut_off() -> None:
            # All that Serin decides and writes happens below this task; each part of it ends where it waits.
            if self.operator is not None and self.operator.app._runtime is not None:
                self.operator.app._runtime.cancel()
            self._life.cancel()

        self._is_killed = True
        self._loop.call_soon_threadsafe(cut_off)

    def call(self, coroutine: Coroutine[Any, Any, _T]) -> "Future[_T]":
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._life)
        except asyncio.CancelledError:
            if not self._is_killed:
                raise
        except BaseException as error:  # noqa: BLE001 (told to the test's thread)
            if not self._is_killed:
                self.failure = error
        finally:
            self._loop.run_until_complete(_end_other_tasks())
            self._loop.run_until_complete(settle())  # a closed connection is gone some turns of its loop later
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _operate(self) -> None:
        cluster = RecordingClient(
            await load_configuration(self._settings.kubeconfig), self._settings.namespaces, self._writes
        )
        self.operator = self._make(cluster)
        try:
            await self.operator.app.run(self._stop)
        finally:
            await cluster.close()


async def _end_other_tasks() -> None:
    """What kopf has begun and not ended, because it was killed while it began."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class RecordingClient(KubeClient):
    """Keeps a list of the writes that were sent."""

    def __init__(self, configuration: Configuration, namespaces: tuple[str, ...], writes: list[Write]) -> None:
        super().__init__(configuration, namespaces)
        self._writes = writes

    async def apply(self, manifest: Mapping[str, Any]) -> JsonObject:
        self._record("apply", manifest)
        return await super().apply(manifest)

    async def apply_status(self, manifest: Mapping[str, Any]) -> JsonObject:
        self._record("status", manifest)
        return await super().apply_status(manifest)

    async def create(self, manifest: Mapping[str, Any]) -> JsonObject:
        self._record("create", manifest)
        return await super().create(manifest)

    async def annotate(self, ref: ObjectRef, uid: str, annotations: Mapping[str, str]) -> JsonObject:
        self._writes.append(("annotate", ref.kind, ref.name))
        return await super().annotate(ref, uid, annotations)

    async def delete(self, ref: ObjectRef, uid: str) -> None:
        self._writes.append(("delete", ref.kind, ref.name))
        await super().delete(ref, uid)

    def _record(self, verb: str, manifest: Mapping[str, Any]) -> None:
        self._writes.append((verb, manifest["kind"], manifest["metadata"]["name"]))


def _find_lag(operator: Operator, namespace: str, objects: Mapping[tuple[str, str], Json]) -> str | None:
    """What the cache has not seen yet, or has seen before the test did."""
    for kind, its in WATCHED.items():
        if kind not in FOLLOWED:
            continue
        required = its.label_selector.split("=") if its.label_selector else None
        expected = {
            name: found["metadata"]["resourceVersion"]
            for (found_kind, name), found in objects.items()
            if found_kind == kind and (required is None or _matches(found, required))
        }
        cached = {
            place[1]: known["metadata"]["resourceVersion"]
            for place, known in list(operator.cache._views[kind].objects.items())
            if place[0] == namespace
        }
        if expected != cached:
            return f"its view of {kind}s is {cached}, the cluster has {expected}"
    return None


def _matches(found: Json, required: list[str]) -> bool:
    labels = found["metadata"].get("labels") or {}
    return required[0] in labels and (len(required) == 1 or labels[required[0]] == required[1])
