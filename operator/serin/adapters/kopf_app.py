"""kopf's part: login, discovery, watch streams, liveness endpoint, and the life of the process. Nothing else.

Its handlers only hand events over. Everything that makes kopf write to the cluster or keep state there is off: change
detection, progress annotations, finalizers, peering, event posting, scanning; so a restart costs no write.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import kopf
import structlog

from serin.adapters.kube_login import make_connection_info
from serin.runtime.intake import Intake
from serin.runtime.kinds import WATCHED, Kind

StopFlag = asyncio.Event | threading.Event

TLS_CLOSE_SECONDS = 0.1
"""aiohttp closes encrypted connections in the background and tells nobody when; a loop that ends first leaks them."""

_log = structlog.get_logger("serin.kopf")


class KopfApp:
    """`run_runtime` runs for as long as the operator does; `find_complaint` tells why the process should be restarted.

    `namespaces` empty: all of them. `liveness_port` 0: no endpoint.
    """

    def __init__(
        self,
        intake: Intake,
        run_runtime: Callable[[], Awaitable[None]],
        find_complaint: Callable[[], str | None],
        kubeconfig: str | None,
        namespaces: Sequence[str],
        liveness_port: int,
    ) -> None:
        self._intake = intake
        self._run_runtime = run_runtime
        self._find_complaint = find_complaint
        self._kubeconfig = kubeconfig
        self._namespaces = namespaces
        self._liveness_port = liveness_port
        self._runtime: asyncio.Task[None] | None = None

    async def run(self, stop: StopFlag) -> None:
        """Until `stop` is set, a signal arrives, or something fails for good: then it raises."""
        port = self._liveness_port
        await kopf.operator(
            registry=self._make_registry(stop),
            settings=make_settings(),
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            liveness_endpoint=f"http://0.0.0.0:{port}/healthz" if port else None,
            stop_flag=stop,
        )
        await asyncio.sleep(TLS_CLOSE_SECONDS)
        if self._runtime is not None and self._runtime.done() and not self._runtime.cancelled():
            self._runtime.result()

    def _make_registry(self, stop: StopFlag) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.startup(registry=registry)
        async def start_runtime(**_: Any) -> None:
            self._runtime = asyncio.create_task(self._guard_runtime(stop), name="runtime")

        @kopf.on.cleanup(registry=registry)
        async def stop_runtime(**_: Any) -> None:
            # kopf takes every task for its own: what is not cancelled here delays the exit by 5 s.
            if self._runtime is not None:
                self._runtime.cancel()
                await asyncio.wait([self._runtime])

        @kopf.on.login(registry=registry)
        async def login(**_: Any) -> kopf.ConnectionInfo:
            return await make_connection_info(self._kubeconfig)

        @kopf.on.probe(registry=registry, id="complaint")
        async def probe(**_: Any) -> str:
            complaint = self._find_complaint()
            if complaint is not None:
                # Any other error would be retried inside the request, which then hangs.
                raise kopf.PermanentError(complaint)
            return "none"

        for kind in WATCHED.values():
            if not kind.is_optional:  # kopf looks only once which kinds there are
                self._watch(kind, registry)
        return registry

    async def _guard_runtime(self, stop: StopFlag) -> None:
        try:
            await self._run_runtime()
        finally:
            # Watches without a runtime would look alive and do nothing.
            stop.set()

    def _watch(self, kind: Kind, registry: kopf.OperatorRegistry) -> None:
        @kopf.on.event(
            group=kind.group, version=kind.version, plural=kind.plural, registry=registry, id=f"see-{kind.plural}"
        )
        async def see(event: kopf.RawEvent, **_: Any) -> None:
            live: dict[str, Any] = {**event["object"], "apiVersion": kind.api_version, "kind": kind.name}
            self._intake.take_in(live, is_gone=event["type"] == "DELETED")


def make_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = _NoProgress()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.networking.error_backoffs = EndlessBackoff()
    settings.networking.connect_timeout = 10
    settings.watching.connect_timeout = 10
    settings.watching.server_timeout = 300
    settings.queueing.exit_timeout = 5
    for kind in WATCHED.values():
        if kind.label_selector:
            # The key must be a tuple: kopf takes "apps/v1/deployments" as well, and it matches nothing.
            settings.watching.label_selectors[kind.group, kind.version, kind.plural] = kind.label_selector
    return settings


class EndlessBackoff:
    """An API server that is away is waited for: when kopf's retries run out the process would end, and crash-loop.

    Not an iterator: kopf iterates anew for each request. It has no length either, so kopf never takes it for finite.
    """

    def __iter__(self) -> Iterator[float]:
        yield from (1.0, 2.0, 5.0, 10.0)
        while True:
            yield 15.0


class _NoDiffBase(kopf.DiffBaseStorage):
    """Spares a deep copy and a comparison of every object at every event."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        pass


class _NoProgress(kopf.ProgressStorage):
    """Our handlers have no progress to keep in annotations."""

    def fetch(self, **_: Any) -> kopf.ProgressRecord | None:
        return None

    def store(self, **_: Any) -> None:
        pass

    def purge(self, **_: Any) -> None:
        pass

    def touch(self, **_: Any) -> None:
        pass

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence
