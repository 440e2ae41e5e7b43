"""One namespace of a real API server with everything in it that a cluster has: users, kubelet, Prometheus, operator.

Tests tell a story with it: apply, wait for what a user would see, let traffic flow, let time pass.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from serin.adapters.settings import Settings
from serin.core.rollout.phases import is_terminal
from serin.runtime.ports import MetricSource

from serin_testkit.builders import NAME
from serin_testkit.cluster_user import ClusterUser, Json
from serin_testkit.control_plane import ControlPlane
from serin_testkit.history import PATIENCE_SECONDS, History
from serin_testkit.jumping_clock import JumpingClock
from serin_testkit.kubelet import Kubelet, version_of
from serin_testkit.operator_in_process import OperatorInProcess
from serin_testkit.rights import grant_operator_rights
from serin_testkit.scripted_gateways import ScriptedGateways
from serin_testkit.scripted_models import ScriptedModels
from serin_testkit.scripted_prometheus import ScriptedPrometheus
from serin_testkit.scripted_routers import ScriptedRouters

INTERVAL_SECONDS = 10.0
"""Of the analysis in `builders.QUICK_PLAN`."""

QUIET_SECONDS = 0.05
"""Nothing is said for so long: the controllers answer an event within a few milliseconds."""


class World:
    def __init__(self, user: ClusterUser, kubeconfig: str) -> None:
        self.user = user
        self.history = History(user)
        self.kubelet = Kubelet(user, self.history)
        self.models = ScriptedModels(self._version_at)
        self.prometheus = ScriptedPrometheus()
        self.clock = JumpingClock()
        settings = Settings(
            namespaces=(user.namespace,), kubeconfig=kubeconfig, metrics_port=0, liveness_port=0, workers=8
        )
        self.routers = ScriptedRouters(self.history)
        self.gateways = ScriptedGateways(user, self.history)
        self.operator = OperatorInProcess(settings, self.clock, self.prometheus, self.models, self.routers)
        self.outage_excuse: str | None = None
        self._activity = (0, 0, 0)
        self._quiet_since = time.monotonic()

    @staticmethod
    @asynccontextmanager
    async def begin(control_plane: ControlPlane) -> "AsyncIterator[World]":
        """A new namespace with the operator running; both end with the block."""
        async with ClusterUser.in_new_namespace(control_plane) as user:
            await grant_operator_rights(user, control_plane)
            world = World(user, str(control_plane.operator_kubeconfig))
            await world.history.begin()
            world.kubelet.begin()
            world.gateways.begin()
            world.operator.start()
            try:
                yield world
            finally:
                if world.operator.is_running:
                    await asyncio.to_thread(world.operator.stop)
                await world.gateways.end()
                await world.kubelet.end()
                await world.history.end()

    def users_may_be_hurt(self, because: str) -> None:
        """The test itself takes pods from users; the oracle that guards them is told why."""
        self.outage_excuse = because

    # What people do.

    async def apply(self, manifest: Json) -> Json:
        return await self.user.apply(manifest)

    async def decide(self, rollout: str, decision: str) -> None:
        await self.user.patch("Rollout", rollout, {"spec": {"decision": decision}})

    async def pause(self, kind: str, name: str, *, paused: bool = True) -> None:
        await self.user.patch(kind, name, {"spec": {"paused": paused}})

    async def restart_operator(self, *, by_kill: bool = True, metric_source: MetricSource | None = None) -> None:
        """With another source of the counters, if one is given."""
        await asyncio.to_thread(self.operator.kill if by_kill else self.operator.stop)
        self.operator.start(metric_source)

    # What people see.

    def model_deployment(self, name: str = NAME) -> Json:
        return self._need("ModelDeployment", name)

    def rollout(self, name: str) -> Json:
        return self._need("Rollout", name)

    def phase(self, rollout: str) -> str | None:
        found = self.history.get("Rollout", rollout)
        phase: str | None = (found or {}).get("status", {}).get("phase")
        return phase

    def condition(self, found: Json, kind: str) -> tuple[str, str] | None:
        """Status and reason of a condition, None when it is not there."""
        conditions = found.get("status", {}).get("conditions") or ()
        return next(((c["status"], c["reason"]) for c in conditions if c["type"] == kind), None)

    def revision(self, version: str, name: str = NAME) -> str:
        """The name of the revision that serves this version."""
        for found in self.history.all("ControllerRevision"):
            if found["data"]["content"]["model"].get("version") == version:
                owner: str = found["metadata"]["labels"]["serin.dev/model-deployment"]
                if owner == name:
                    return str(found["metadata"]["name"])
        raise AssertionError(f"no revision of {name} has version {version}\n{self.history.tell()}")

    def pods(self, version: str | None = None, track: str | None = None) -> list[Json]:
        """Pods that are not on their way out."""
        revision = self.revision(version) if version is not None else None
        wanted = {"serin.dev/revision": revision, "serin.dev/track": track}
        return [
            pod
            for pod in self.history.all("Pod")
            if "deletionTimestamp" not in pod["metadata"]
            and all(value in (None, pod["metadata"]["labels"].get(label)) for label, value in wanted.items())
        ]

    def uids(self, version: str, track: str = "primary") -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.pods(version, track)}

    def replicas(self, version: str, track: str = "primary") -> int | None:
        """What the Deployment of this version asks for; None without a Deployment."""
        suffix = "" if track == "primary" else f"-{track}"
        found = self.history.get("Deployment", self.revision(version) + suffix)
        return None if found is None else int(found["spec"]["replicas"])

    def serving_pods(self, name: str = NAME) -> list[Json]:
        """Ready pods of the model that users reach: through its Gateway, else its Service or the routers behind."""
        service = self.history.get("Service", name)
        if service is None:
            return []
        if self.history.get("HTTPRoute", name) is not None:
            routes = list(self.gateways.weights(name))
        elif "serin.dev/component" in service["spec"]["selector"]:
            routes = list(self.routers.weights(name))
        else:
            routes = [name]
        services = (self.history.get("Service", route) for route in routes)
        return [pod for found in services if found for pod in select_ready_pods(found, self.history.all("Pod"))]

    def reached_pods(self, name: str = NAME) -> list[Json]:
        """Those that users reach, and those that copies of their requests do: the comparer and both that it asks."""
        copied_to = self.routers.mirror(name)
        if copied_to is None:
            return self.serving_pods(name)
        services = (self.history.get("Service", found) for found in (copied_to, f"{name}-canary", f"{name}-baseline"))
        copies = [pod for found in services if found for pod in select_ready_pods(found, self.history.all("Pod"))]
        return [*self.serving_pods(name), *copies]

    def router_pods(self) -> list[Json]:
        """Those that requests go through."""
        pods = (pod for pod in self.history.all("Pod") if "deletionTimestamp" not in pod["metadata"])
        return [
            pod for pod in pods if pod["metadata"]["labels"].get("serin.dev/component") == "router" and is_ready(pod)
        ]

    async def events(self) -> list[tuple[str, str, str]]:
        """Object, reason and message of the Events on Serin's own kinds, in the order of their making.

        Of the others some tell that the pods' node is missing: there are no nodes here.
        """
        found, _ = await self.user.list("Event")
        items = [event for event in found if event["involvedObject"]["kind"] in ("ModelDeployment", "Rollout")]
        items.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [(event["involvedObject"]["name"], event["reason"], event["message"]) for event in items]

    def _version_at(self, address: str) -> str | None:
        """The model version of the pod with this address."""
        pods = (pod for pod in self.history.all("Pod") if pod["status"].get("podIP") == address)
        return next((version_of(pod) for pod in pods), None)

    # Waiting and time.

    async def until(self, what: str, look: Callable[[], Any]) -> Any:
        return await self.history.until(what, look)

    async def until_phase(self, rollout: str, *phases: str) -> Json:
        """Until the Rollout is in one of these phases, without any time passing."""
        await self.until(f"Rollout {rollout} is {' or '.join(phases)}", lambda: self.phase(rollout) in phases)
        await self.settle()
        return self.rollout(rollout)

    async def until_told(self, name: str, phase: str) -> Json:
        """Until the ModelDeployment tells this phase for its present spec."""

        def look() -> bool:
            found = self.history.get("ModelDeployment", name) or {}
            status = found.get("status", {})
            is_current: bool = status.get("observedGeneration") == found.get("metadata", {}).get("generation")
            return is_current and status.get("phase") == phase

        await self.until(f"ModelDeployment {name} is {phase}", look)
        await self.settle()
        return self.model_deployment(name)

    async def serve_first(self, manifest: Json) -> Json:
        """Applies the first version and waits until it serves."""
        await self.apply(manifest)
        return await self.until_told(manifest["metadata"]["name"], "Healthy")

    async def begin_comparison(self, manifest: Json, rollout: str) -> Json:
        """Applies a new version and waits until its pods are compared with the baseline's."""
        await self.apply(manifest)
        return await self.until_compared(rollout)

    async def until_compared(self, rollout: str) -> Json:
        """Until requests are counted for this Rollout."""

        def look() -> Any:
            return (self.history.get("Rollout", rollout) or {}).get("status", {}).get("engine")

        await self.until(f"the comparison of Rollout {rollout} has begun", look)
        await self.settle()
        return self.rollout(rollout)

    async def pass_interval(self, *, seconds: float = INTERVAL_SECONDS) -> None:
        """Users send their requests, Prometheus scrapes, time moves on, and the operator does what follows."""
        await self.settle()
        pods = {pod["metadata"]["name"]: pod for owner in self._owners() for pod in self.reached_pods(owner)}
        self.clock.jump(seconds)
        # The moment of the scrape is the moment of the look, give or take nothing: the script is exact.
        self.prometheus.scrape(pods.values(), self.clock.now())
        routers = [pod["metadata"]["name"] for pod in self.router_pods()]
        if routers:
            self.prometheus.scrape_routers(routers)
        await self.settle()

    async def let_traffic_decide(self, rollout: str, *, intervals: int = 40) -> Json:
        """Lets intervals pass until the Rollout has ended."""
        for _ in range(intervals):
            if is_terminal(self.phase(rollout)):  # type: ignore[arg-type]
                return self.rollout(rollout)
            await self.pass_interval()
        raise AssertionError(f"no end of {rollout} after {intervals} intervals\n{self.history.tell()}")

    async def settle(self) -> None:
        """Until nothing moves any more: controllers, kubelet, the operator's view and its queue."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            activity, now = self._count_activity(), time.monotonic()
            unrest: str | None = "events go on"
            if activity != self._activity:
                self._activity, self._quiet_since = activity, now
            elif now - self._quiet_since >= QUIET_SECONDS:
                # Only now and then: the operator shares this process, and a look at everything takes its time.
                unrest = self._find_unrest()
                if unrest is None:
                    return
                self._quiet_since = now - QUIET_SECONDS / 2
            assert now < deadline, f"no rest: {unrest}\n{self.history.tell()}"
            await asyncio.sleep(0.005)

    def _count_activity(self) -> tuple[int, int, int]:
        return self.history.length, self.user.requests, len(self.operator.writes)

    async def resync(self, times: int = 1) -> None:
        """Sweeps of the operator, each waited for."""
        await self.settle()
        for _ in range(times):
            self.operator.resync()
            await self.settle()

    def _find_unrest(self) -> str | None:
        if not self.kubelet.is_done:
            return "the kubelet is at work"
        if not self.gateways.is_done:
            return "a Gateway is at work"
        lag = self.history.find_lag()
        if lag:
            return lag
        for deployment in self.history.all("Deployment"):
            unrest = _find_unrest_of(deployment, self.history.all("Pod"))
            if unrest:
                return unrest
        return self.operator.find_unrest(self.history.objects)

    def _owners(self) -> list[str]:
        return [found["metadata"]["name"] for found in self.history.all("ModelDeployment")]

    def _need(self, kind: str, name: str) -> Json:
        found = self.history.get(kind, name)
        assert found is not None, f"there is no {kind} {name}\n{self.history.tell()}"
        return found


def select_ready_pods(service: Json, pods: Any) -> list[Json]:
    """The pods that kube-proxy sends requests to."""
    selector = service["spec"].get("selector") or {}
    return [
        pod
        for pod in pods
        if selector
        and "deletionTimestamp" not in pod["metadata"]
        and selector.items() <= pod["metadata"]["labels"].items()
        and is_ready(pod)
    ]


def is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)


def _find_unrest_of(deployment: Json, pods: Iterator[Json]) -> str | None:
    name, status, wanted = deployment["metadata"]["name"], deployment.get("status", {}), deployment["spec"]["replicas"]
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return f"the controller has not seen Deployment {name}"
    is_refused = any(c["type"] == "ReplicaFailure" and c["status"] == "True" for c in status.get("conditions") or ())
    if not is_refused and not status.get("replicas", 0) == status.get("updatedReplicas", 0) == wanted:
        return f"Deployment {name} has not got its pods yet"
    selector = deployment["spec"]["selector"]["matchLabels"]
    ready = len(select_ready_pods({"spec": {"selector": selector}}, pods))
    if status.get("readyReplicas", 0) != ready:
        return f"the controller of Deployment {name} counts {status.get('readyReplicas', 0)} ready pods of {ready}"
    return None
