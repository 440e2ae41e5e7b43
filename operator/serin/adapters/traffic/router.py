"""Provider Router: Envoys of Serin's own between the user Service and the pods. docs/traffic.md says how they are fed.

The user Service leads to the router's pods while at least one of them is ready and knows the present weights, and to
the pods of one revision otherwise: before the first router runs, and should all of them be gone. What each router
really does is read from it: the version of its routes holds the weights, and it tells how many pods of each it knows.

With `idle: Bypass` there is nothing of it while nothing is on trial. It goes only when every router sends all requests
where the user Service will: who is still connected to one gets the same from it until it has drained.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from serin.adapters.traffic.router_config import read_weights, render_config
from serin.adapters.traffic.router_objects import (
    NUDGE_ANNOTATION,
    VERSION_ANNOTATION,
    make_config_map,
    make_disruption_budget,
    make_route_service,
    make_router_deployment,
    owner_name,
)
from serin.adapters.traffic.selected_pods import is_ready, selected_shares
from serin.core.facts import Key, Route, RouterPod, TrafficFacts
from serin.core.model_deployment.names import (
    COMPONENT_LABEL,
    ROUTER,
    pod_labels,
    route_of,
    router_labels,
    router_name,
)
from serin.core.plan import AnnotatePods, Apply, Manifest, TrafficIntent
from serin.runtime.pod_trouble import find_trouble
from serin.runtime.ports import Clock, JsonObject, TrafficView, Unknown

SOON_SECONDS = 0.2
LATEST_SECONDS = 10.0
"""A router that does not follow is asked again ever later, up to this."""

NUDGE_AGAIN_SECONDS = 2.0
"""A kubelet that was nudged and did not renew the files is nudged again."""


@dataclass(frozen=True, slots=True)
class RouterState:
    """What one router says: the version of its routes, and the pods it knows per cluster."""

    version: str
    pods: Mapping[str, int]


class RouterReader(Protocol):
    async def read(self, address: str) -> RouterState | Unknown:
        """Of the router pod with this IP address."""
        ...


class RouterProvider:
    """Implements the port `TrafficProvider`."""

    def __init__(self, image: str, reader: RouterReader, clock: Clock) -> None:
        self._image = image
        self._reader = reader
        self._clock = clock
        self._settled: dict[Key, dict[str, str]] = {}  # by uid the version that a router need not be asked for again
        self._unsettled_since: dict[Key, float] = {}

    def render(self, intent: TrafficIntent) -> Sequence[Apply | AnnotatePods]:
        name = owner_name(intent)
        is_bypassed = intent.settings.router.idle == "Bypass" and intent.may_stand_aside
        leads_to_routers = intent.takes_users and not is_bypassed
        service = _lead_to_routers(intent) if leads_to_routers else _lead_to_pods(intent)
        if is_bypassed:
            return (Apply(service),)
        config = render_config(intent)
        return (
            *(Apply(make_route_service(intent, backend)) for backend in intent.backends),
            Apply(make_config_map(intent, config)),
            AnnotatePods(router_labels(name), _nudge(config.version, intent.nudges)),
            Apply(make_router_deployment(intent, self._image)),
            Apply(make_disruption_budget(intent)),
            Apply(service),
        )

    async def observe(self, view: TrafficView) -> TrafficFacts:
        pods = [pod for pod in view.objects["Pod"] if _is_router(pod)]
        facts = await self._observe(view, pods)
        return replace(facts, routers=tuple(RouterPod(pod["metadata"]["name"], is_ready(pod)) for pod in pods))

    async def _observe(self, view: TrafficView, pods: Sequence[JsonObject]) -> TrafficFacts:
        wanted = _wanted_version(view)
        routers = [pod for pod in pods if is_ready(pod)]
        is_open = _leads_to_routers(view)
        if wanted is None or not routers:
            return TrafficFacts(
                selected_shares(view),
                splits_exactly=True,
                takes_users=False,
                holds_users=is_open,
                trouble=_find_obstacle(pods),
            )
        lagging = await self._find_lagging(view.key, routers, wanted)
        weights = {route_of(name): weight for name, weight in read_weights(wanted).items()}
        if lagging is None:
            self._unsettled_since.pop(view.key, None)
            shares = weights if is_open else selected_shares(view)
            return TrafficFacts(shares, splits_exactly=True, holds_users=is_open)
        now = self._clock.monotonic_seconds()
        seconds = now - self._unsettled_since.setdefault(view.key, now)
        return TrafficFacts(
            {} if is_open else selected_shares(view),
            splits_exactly=True,
            takes_users=is_open,
            holds_users=is_open,
            look_again_after_seconds=min(max(SOON_SECONDS, seconds / 4), LATEST_SECONDS),
            nudges=int(seconds // NUDGE_AGAIN_SECONDS),
            # Every change takes a moment: only what lasts is worth a word in a status.
            trouble=lagging if seconds >= NUDGE_AGAIN_SECONDS else None,
        )

    async def _find_lagging(self, key: Key, routers: Sequence[JsonObject], wanted: str) -> str | None:
        """Why not every router does what is wanted, as a sentence; None when all do."""
        known = self._settled.get(key, {})
        unknown = [pod for pod in routers if known.get(pod["metadata"]["uid"]) != wanted]
        states = await asyncio.gather(*(self._reader.read(_address(pod)) for pod in unknown))
        lagging = [_describe_lag(pod, state, wanted) for pod, state in zip(unknown, states, strict=True)]
        settled = {pod["metadata"]["uid"] for pod, lag in zip(unknown, lagging, strict=True) if lag is None}
        settled |= {pod["metadata"]["uid"] for pod in routers} - {pod["metadata"]["uid"] for pod in unknown}
        # A comparison wants to know at every look; of one version alone nothing can change unseen.
        is_alone = len(read_weights(wanted)) == 1
        self._settled[key] = dict.fromkeys(settled, wanted) if is_alone else {}
        return next((lag for lag in lagging if lag), None)


def _lead_to_routers(intent: TrafficIntent) -> Manifest:
    """They take HTTP and gRPC at one port."""
    spec = intent.service["spec"]
    ports = [{**port, "targetPort": "http"} for port in spec["ports"]]
    return {**intent.service, "spec": {**spec, "ports": ports, "selector": router_labels(owner_name(intent))}}


def _lead_to_pods(intent: TrafficIntent) -> Manifest:
    labels = pod_labels(owner_name(intent), _heaviest(intent))
    return {**intent.service, "spec": {**intent.service["spec"], "selector": labels}}


def _nudge(version: str, nudges: int) -> dict[str, str]:
    again = {NUDGE_ANNOTATION: str(nudges)} if nudges else {}
    return {VERSION_ANNOTATION: version.split(maxsplit=1)[0], **again}


def _find_obstacle(pods: Sequence[JsonObject]) -> str | None:
    """Why no router is ready, as far as Kubernetes tells."""
    troubles = ((pod["metadata"]["name"], find_trouble(pod)) for pod in pods)
    return next((f"router {name}: {trouble}" for name, trouble in troubles if trouble), None)


def _describe_lag(pod: JsonObject, state: RouterState | Unknown, wanted: str) -> str | None:
    name = pod["metadata"]["name"]
    if isinstance(state, Unknown):
        return f"router {name} cannot be asked: {state.reason}"
    if state.version != wanted:
        return f"router {name} has not got the present weights yet"
    missing = next((cluster for cluster in read_weights(wanted) if not state.pods.get(cluster)), None)
    return f"router {name} knows no pod of {missing} yet" if missing else None


def _wanted_version(view: TrafficView) -> str | None:
    config_map = view.find("ConfigMap", router_name(view.key.name)) or {"metadata": {}}
    version: str | None = (config_map["metadata"].get("annotations") or {}).get(VERSION_ANNOTATION)
    return version


def _leads_to_routers(view: TrafficView) -> bool:
    service = view.user_service
    return service is not None and service["spec"].get("selector") == router_labels(view.key.name)


def _is_router(pod: JsonObject) -> bool:
    return (pod["metadata"].get("labels") or {}).get(COMPONENT_LABEL) == ROUTER


def _address(pod: JsonObject) -> str:
    return str((pod.get("status") or {}).get("podIP", ""))


def _heaviest(intent: TrafficIntent) -> Route:
    return max(intent.weights, key=lambda route: intent.weights[route])
