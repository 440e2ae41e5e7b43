"""Provider Router: Envoys of Serin's own between the user Service and the pods. docs/traffic.md says how they are fed.

The user Service leads to the router's pods while at least one of them is ready and knows the present weights, and to
the pods of one revision otherwise: before the first router runs, and should all of them be gone. What each router
really does is read from it: the version of its routes holds the weights, and it tells how many pods of each it knows.

With `scope: Namespace` they are those of the namespace, a listener at a port of its own for each model
(shared_router.py); this file then renders the model's part and asks the routers for the model.

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
    make_listener_part,
    make_route_service,
    make_router_deployment,
    owner_name,
)
from serin.adapters.traffic.selected_pods import is_ready, leads_to, selected_shares
from serin.adapters.traffic.shared_router import SHARED_LABELS, read_ports
from serin.adapters.traffic.shared_router_plan import SharedRouterPlanner
from serin.core.facts import Key, Route, RouterPod, TrafficFacts
from serin.core.model_deployment.names import (
    COMPONENT_LABEL,
    ROUTER,
    SHARED_ROUTER,
    listener_name,
    pod_labels,
    route_of,
    router_labels,
    router_name,
)
from serin.core.plan import AnnotatePods, Apply, Manifest, TrafficIntent
from serin.runtime.pod_trouble import find_trouble
from serin.runtime.ports import Clock, JsonObject, SharedPlan, SharedView, TrafficView, Unknown, find_named

SOON_SECONDS = 0.2
LATEST_SECONDS = 10.0
"""A router that does not follow is asked again ever later, up to this."""

NUDGE_AGAIN_SECONDS = 2.0
"""A kubelet that was nudged and did not renew the files is nudged again."""


NO_ROOM = (
    "The routers of this namespace have no room for another model: set spec.traffic.router.scope to Model, or move it "
    "to another namespace."
)


@dataclass(frozen=True, slots=True)
class RouterState:
    """What one router says: the version of its routes, and the pods it knows per cluster."""

    version: str
    pods: Mapping[str, int]


class RouterReader(Protocol):
    async def read(self, address: str, model: str | None) -> RouterState | Unknown:
        """Of the router pod with this IP address; `model` when several share it."""
        ...


@dataclass(frozen=True, slots=True)
class _Way:
    """The routers of one model. `version` is what they should follow, None before it has been written."""

    pods: Sequence[JsonObject]
    version: str | None
    is_open: bool
    shared_by: str | None = None  # the model's name, where several share them
    port: int | None = None


class RouterProvider:
    """Implements the ports `TrafficProvider` and `SharedDataPlane`."""

    def __init__(self, image: str, reader: RouterReader, clock: Clock) -> None:
        self._image = image
        self._reader = reader
        self._clock = clock
        self._settled: dict[Key, dict[str, str]] = {}  # by uid the version that a router need not be asked for again
        self._unsettled_since: dict[Key, float] = {}
        self._planner = SharedRouterPlanner(image, clock)
        self._refusals: dict[str, str] = {}  # by namespace, of what its models share

    def render(self, intent: TrafficIntent) -> Sequence[Apply | AnnotatePods]:
        name = owner_name(intent)
        settings = intent.settings.router
        is_bypassed = settings.idle == "Bypass" and intent.may_stand_aside
        leads_to_routers = intent.takes_users and not is_bypassed
        service = _lead_to_routers(intent) if leads_to_routers else _lead_to_pods(intent)
        if settings.scope == "Namespace":
            return _render_shared(intent, service)
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
        way = _find_shared(view) if view.settings.router.scope == "Namespace" else _find_own(view)
        facts = await self._observe(view, way)
        routers = tuple(RouterPod(pod["metadata"]["name"], is_ready(pod)) for pod in way.pods)
        return replace(facts, routers=routers, port=way.port)

    def plan_shared(self, view: SharedView) -> SharedPlan:
        return self._planner.plan(view)

    def tell_refusal(self, namespace: str, why: str | None) -> None:
        if why is None:
            self._refusals.pop(namespace, None)
        else:
            self._refusals[namespace] = why

    async def _observe(self, view: TrafficView, way: _Way) -> TrafficFacts:
        wanted, is_open = way.version, way.is_open
        routers = [pod for pod in way.pods if is_ready(pod)]
        if wanted is None or not routers or (way.shared_by and way.port is None):
            obstacle = self._find_obstacle(view, way)
            return TrafficFacts(
                selected_shares(view),
                splits_exactly=True,
                takes_users=False,
                holds_users=is_open,
                trouble=obstacle or _find_trouble(way.pods),
                obstacle=obstacle,
            )
        lagging = await self._find_lagging(view.key, routers, wanted, way.shared_by)
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
            trouble=self._find_refusal(view, way) or lagging if seconds >= NUDGE_AGAIN_SECONDS else None,
        )

    def _find_obstacle(self, view: TrafficView, way: _Way) -> str | None:
        """What a person must put right before the routers of the namespace take the users of this model."""
        if way.shared_by is None or way.port is not None:
            return None
        if way.shared_by in read_ports(_find_shared_config_map(view)):
            return NO_ROOM
        return self._find_refusal(view, way)

    def _find_refusal(self, view: TrafficView, way: _Way) -> str | None:
        return self._refusals.get(view.key.namespace) if way.shared_by else None

    async def _find_lagging(
        self, key: Key, routers: Sequence[JsonObject], wanted: str, shared_by: str | None
    ) -> str | None:
        """Why not every router does what is wanted, as a sentence; None when all do."""
        known = self._settled.get(key, {})
        unknown = [pod for pod in routers if known.get(pod["metadata"]["uid"]) != wanted]
        states = await asyncio.gather(*(self._reader.read(_address(pod), shared_by) for pod in unknown))
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
    is_shared = intent.settings.router.scope == "Namespace"
    ports = [{**port, "targetPort": intent.port if is_shared else "http"} for port in spec["ports"]]
    selector = SHARED_LABELS if is_shared else router_labels(owner_name(intent))
    return {**intent.service, "spec": {**spec, "ports": ports, "selector": selector}}


def _lead_to_pods(intent: TrafficIntent) -> Manifest:
    labels = pod_labels(owner_name(intent), _heaviest(intent))
    return {**intent.service, "spec": {**intent.service["spec"], "selector": labels}}


def _render_shared(intent: TrafficIntent, service: Manifest) -> Sequence[Apply | AnnotatePods]:
    """With Bypass, too: another model may need the routers, and to be in the files of theirs costs next to nothing."""
    nudge = AnnotatePods(SHARED_LABELS, {NUDGE_ANNOTATION: f"{owner_name(intent)} {intent.nudges}"})
    return (
        *(Apply(make_route_service(intent, backend)) for backend in intent.backends),
        Apply(make_listener_part(intent, render_config(intent))),
        *([nudge] if intent.nudges else []),
        Apply(service),
    )


def _nudge(version: str, nudges: int) -> dict[str, str]:
    again = {NUDGE_ANNOTATION: str(nudges)} if nudges else {}
    return {VERSION_ANNOTATION: version.split(maxsplit=1)[0], **again}


def _find_trouble(pods: Sequence[JsonObject]) -> str | None:
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


def _find_own(view: TrafficView) -> _Way:
    return _Way(
        pods=[pod for pod in view.objects["Pod"] if _is_router(pod)],
        version=_wanted_version(view, router_name(view.key.name)),
        is_open=leads_to(view.user_service, router_labels(view.key.name)),
    )


def _find_shared(view: TrafficView) -> _Way:
    return _Way(
        pods=view.shared["Pod"],
        version=_wanted_version(view, listener_name(view.key.name)),
        is_open=leads_to(view.user_service, SHARED_LABELS),
        shared_by=view.key.name,
        port=read_ports(_find_shared_config_map(view)).get(view.key.name),
    )


def _find_shared_config_map(view: TrafficView) -> JsonObject | None:
    return find_named(view.shared["ConfigMap"], SHARED_ROUTER)


def _wanted_version(view: TrafficView, config_map: str) -> str | None:
    live = view.find("ConfigMap", config_map) or {"metadata": {}}
    version: str | None = (live["metadata"].get("annotations") or {}).get(VERSION_ANNOTATION)
    return version


def _is_router(pod: JsonObject) -> bool:
    return (pod["metadata"].get("labels") or {}).get(COMPONENT_LABEL) == ROUTER


def _address(pod: JsonObject) -> str:
    return str((pod.get("status") or {}).get("podIP", ""))


def _heaviest(intent: TrafficIntent) -> Route:
    return max(intent.weights, key=lambda route: intent.weights[route])
