"""When a model comes to the routers that its namespace shares, when it has left them, and when they go.

A model that goes elsewhere keeps its listener until every node has noticed that the user Service leads there no more.
One that is deleted takes its part along, and a part without its model is passed over.
"""

from collections.abc import Mapping
from typing import Final

from serin.adapters.traffic.router_config import DRAIN_SECONDS
from serin.adapters.traffic.selected_pods import is_ready, leads_to
from serin.adapters.traffic.shared_router import (
    SHARED_LABELS,
    TOKEN_ANNOTATION,
    Part,
    assign_ports,
    read_part,
    read_ports,
    render_shared_objects,
)
from serin.core.model_deployment.names import SHARED_ROUTER, listener_name
from serin.core.plan import AnnotatePods, Apply, Delete
from serin.runtime.ports import Clock, JsonObject, SharedModel, SharedPlan, SharedView

_LIVES_ON: Final = ("PodDisruptionBudget", "ConfigMap")
"""What goes after the last of the pods."""


class SharedRouterPlanner:
    def __init__(self, image: str, clock: Clock) -> None:
        self._image = image
        self._clock = clock
        self._left_at_seconds: dict[str, dict[str, float]] = {}  # by namespace, by uid of the part
        self._last_good: dict[str, dict[str, tuple[str, Part]]] = {}  # likewise, with the version that was read

    def plan(self, view: SharedView) -> SharedPlan:
        rests = self._find_rests(view)
        staying = [model for model in view.models if rests.get(_uid(model.part), 1.0) > 0]
        gone = [model for model in view.models if model not in staying]
        waits = [rest for rest in rests.values() if rest > 0]
        parts = self._read(view.namespace, staying)
        actions: list[Apply | AnnotatePods | Delete] = [
            Delete("ConfigMap", listener_name(model.owner["metadata"]["name"])) for model in gone
        ]
        if not parts:
            actions += [] if staying else _plan_removal(view)
            return SharedPlan(tuple(actions), min(waits, default=None), {})
        ports = assign_ports(parts, read_ports(view.find("ConfigMap", SHARED_ROUTER)))
        deployment = view.find("Deployment", SHARED_ROUTER) or {"metadata": {}}
        token = (deployment["metadata"].get("annotations") or {}).get(TOKEN_ANNOTATION)
        actions += render_shared_objects(parts, ports, token, self._image)
        return SharedPlan(tuple(actions), min(waits, default=None), _news(view, parts, ports))

    def _find_rests(self, view: SharedView) -> Mapping[str, float]:
        """By uid of its part, for how many seconds a model that has gone elsewhere keeps its listener."""
        now = self._clock.monotonic_seconds()
        known = self._left_at_seconds.get(view.namespace, {})
        left = {
            uid: known.get(uid, now)
            for uid, model in ((_uid(model.part), model) for model in view.models)
            if not _is_wanted(model.owner) and not leads_to(model.user_service, SHARED_LABELS)
        }
        self._left_at_seconds[view.namespace] = left
        return {uid: since + DRAIN_SECONDS - now for uid, since in left.items()}

    def _read(self, namespace: str, models: list[SharedModel]) -> list[Part]:
        """What somebody has edited counts as it was before, until its own reconcile has put it right."""
        known, good = self._last_good.get(namespace, {}), {}
        for model in models:
            uid, version = _uid(model.part), model.part["metadata"]["resourceVersion"]
            before = known.get(uid)
            part = before[1] if before and before[0] == version else read_part(model.part) or (before and before[1])
            if part:
                good[uid] = (version, part)
        self._last_good[namespace] = good
        return [part for _, part in good.values()]


def _is_wanted(owner: JsonObject) -> bool:
    """As the API server has filled its spec in; read like this for a parsed one would cost as much as all the rest."""
    traffic = owner["spec"].get("traffic") or {}
    return traffic.get("provider") == "Router" and (traffic.get("router") or {}).get("scope") == "Namespace"


def _plan_removal(view: SharedView) -> list[Delete]:
    if view.find("Deployment", SHARED_ROUTER):
        return [Delete("Deployment", SHARED_ROUTER)]
    if view.objects["Pod"]:
        return []
    return [Delete(kind, SHARED_ROUTER) for kind in _LIVES_ON if view.find(kind, SHARED_ROUTER)]


def _news(view: SharedView, parts: list[Part], ports: Mapping[str, int | None]) -> dict[str, object]:
    """What a model looks again for when it changes."""
    routers = tuple((pod["metadata"]["uid"], is_ready(pod)) for pod in view.objects["Pod"])
    return {part.model: (ports.get(part.model), part.version, routers) for part in parts}


def _uid(live: JsonObject) -> str:
    uid: str = live["metadata"]["uid"]
    return uid
