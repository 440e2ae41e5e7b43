"""The HTTPRoute of the provider GatewayAPI, and what it tells of itself. Pure.

It is Serin's whole: its lists of rules and backends are atomic for server-side apply, so nobody can own a weight alone.
One rule, and a backend for every Deployment that has pods, with weight 0 for who shall get nothing: a weight never
names what the Gateway's controller has not seen yet. Only fields of the standard channel.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from serin.adapters.traffic.router_objects import make_route_service
from serin.api.v1alpha1.traffic import ParentRef
from serin.core.facts import Route
from serin.core.model_deployment.names import COMPONENT_LABEL, TRAFFIC, deployment_name, route_of
from serin.core.plan import Apply, Backend, Manifest, TrafficIntent
from serin.runtime.kinds import GATEWAY_GROUP
from serin.runtime.ports import JsonObject

_Conditions = Mapping[str, Mapping[str, Any]]

WHOLE: Final = 10_000

# Of no use to an owned route, but one that was handed over with serin.dev/adopt may still be somebody's in Git.
LEAVE_ALONE: Final = {
    "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
    "helm.toolkit.fluxcd.io/driftDetection": "disabled",
}


def make_route_services(intent: TrafficIntent) -> tuple[Apply, ...]:
    """Headless, the very objects of the provider Router: going over from one to the other makes none anew.

    A Service with an address could not become one without, and controllers of Gateways send to the pods themselves.
    """
    return tuple(Apply(make_route_service(intent, backend)) for backend in intent.backends)


def make_http_route(intent: TrafficIntent) -> Manifest:
    settings = intent.settings.gateway_api
    assert settings is not None, "the API server admits no provider GatewayAPI without its settings"
    of_service = intent.service["metadata"]
    return {
        "apiVersion": f"{GATEWAY_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": of_service["name"],
            "namespace": of_service["namespace"],
            "labels": {**of_service["labels"], COMPONENT_LABEL: TRAFFIC},
            "annotations": LEAVE_ALONE,
            "ownerReferences": of_service["ownerReferences"],
        },
        "spec": {
            "parentRefs": [_render_parent(parent) for parent in settings.parent_refs],
            "hostnames": list(settings.hostnames),
            # Spelt out although these are the defaults: what somebody adds is then noticed, and put right.
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "filters": _render_mirror(intent),
                    "backendRefs": _render_backends(intent),
                }
            ],
        },
    }


def _render_parent(parent: ParentRef) -> dict[str, Any]:
    return {"group": GATEWAY_GROUP, "kind": "Gateway", **parent.to_written()}


def _render_backends(intent: TrafficIntent) -> list[dict[str, Any]]:
    weights = _whole_weights(intent)
    return [
        {**_refer_to(backend), "weight": weights[backend.route]}
        for backend in sorted(intent.backends, key=lambda backend: backend.route)
    ]


def _whole_weights(intent: TrafficIntent) -> Mapping[Route, int]:
    """Hundredths of a percent; what rounding leaves goes to the largest."""
    weights = {
        backend.route: round(intent.weights.get(backend.route, 0.0) * WHOLE / 100) for backend in intent.backends
    }
    largest = max(weights, key=lambda route: weights[route])
    return {**weights, largest: weights[largest] + WHOLE - sum(weights.values())}


def _render_mirror(intent: TrafficIntent) -> list[dict[str, Any]]:
    mirrored = [backend for backend in intent.backends if intent.mirror and backend.route == intent.mirror.route]
    if intent.mirror is None or not mirrored:
        return []
    share = round(intent.mirror.percent * WHOLE / 100)
    if share == 0:
        return []
    # All of them need no fraction, which fewer implementations know.
    fraction = {"fraction": {"numerator": share, "denominator": WHOLE}} if share < WHOLE else {}
    return [{"type": "RequestMirror", "requestMirror": {"backendRef": _refer_to(mirrored[0]), **fraction}}]


def _refer_to(backend: Backend) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": deployment_name(backend.route), "port": backend.port}


def read_shares(route: JsonObject) -> Mapping[Route, float]:
    """Percent of the requests per Deployment, as the route has them."""
    backends = [backend for rule in route["spec"].get("rules") or () for backend in rule.get("backendRefs") or ()]
    total = sum(backend.get("weight", 1) for backend in backends)
    return {
        route_of(backend["name"]): 100.0 * backend.get("weight", 1) / total
        for backend in backends
        if backend.get("weight", 1) > 0
    }


@dataclass(frozen=True, slots=True)
class Lag:
    """What a Gateway has not agreed to, as a part of a sentence. `is_refusal`: it has said no."""

    sentence: str
    is_refusal: bool = False


NOT_MADE: Final = Lag("the HTTPRoute is not there yet")


def find_lag(route: JsonObject) -> Lag | None:
    """None when every Gateway does what the route says now."""
    for parent, statuses in _find_statuses(route):
        name = parent["name"]
        if not statuses:
            return Lag(f"Gateway {name} has not taken HTTPRoute {route['metadata']['name']} on yet")
        for conditions in statuses:
            lag = _find_lag_of(conditions, name, route["metadata"].get("generation", 0))
            if lag is not None:
                return lag
    return None


def _find_lag_of(conditions: _Conditions, gateway: str, generation: int) -> Lag | None:
    for kind in ("Accepted", "ResolvedRefs"):
        found = conditions.get(kind)
        if found is None or found.get("observedGeneration", 0) < generation:
            return Lag(f"Gateway {gateway} has not got the present weights yet")
        if found.get("status") != "True":
            words = found.get("message") or found.get("reason") or "without a reason"
            sentence = f"Gateway {gateway} does not serve the route, {kind} is {found.get('status')}: {words}"
            return Lag(sentence.rstrip(" ."), is_refusal=True)
    return None


def is_accepted(route: JsonObject) -> bool:
    """Whether each of its Gateways has taken it on at some time: users get answers then, if by earlier weights."""
    return all(
        any(conditions.get("Accepted", {}).get("status") == "True" for conditions in statuses)
        for _, statuses in _find_statuses(route)
    )


def _find_statuses(route: JsonObject) -> Iterator[tuple[Mapping[str, Any], list[_Conditions]]]:
    """Of each of its parents the conditions that controllers have written, by type."""
    own = route["metadata"]["namespace"]
    entries = (route.get("status") or {}).get("parents") or ()
    for parent in route["spec"].get("parentRefs") or ():
        yield (
            parent,
            [
                {condition["type"]: condition for condition in entry.get("conditions") or ()}
                for entry in entries
                if _name_place(entry["parentRef"], own) == _name_place(parent, own)
            ],
        )


def _name_place(reference: Mapping[str, Any], own_namespace: str) -> tuple[str, str, str | None]:
    return reference["name"], reference.get("namespace") or own_namespace, reference.get("sectionName")
