"""Traffic intents in the middle of a rollout; a test names what matters to it."""

import copy
from collections.abc import Collection, Mapping
from typing import Any

from serin.api.v1alpha1.traffic import RouterSettings, Sticky, Traffic
from serin.core.facts import Route, Track
from serin.core.plan import Backend, Mirror, TrafficIntent

STABLE, BASELINE = Route("weather-11111111", Track.PRIMARY), Route("weather-11111111", Track.BASELINE)
CANARY = Route("weather-22222222", Track.PRIMARY)
ALL = (STABLE, BASELINE, CANARY)
USER = Sticky(header="x-user-id")
COOKIE = Sticky(cookie=True)

SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "weather",
        "namespace": "ml",
        "labels": {"app.kubernetes.io/managed-by": "serin", "serin.dev/model-deployment": "weather"},
        "ownerReferences": [
            {
                "apiVersion": "serin.dev/v1alpha1",
                "kind": "ModelDeployment",
                "name": "weather",
                "uid": "uid-of-weather",
                "controller": True,
            }
        ],
    },
    "spec": {"type": "ClusterIP", "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]},
}


def service_of(name: str) -> dict[str, Any]:
    """The user Service of a model of this name."""
    service = copy.deepcopy(SERVICE)
    metadata: dict[str, Any] = service["metadata"]
    metadata["name"] = metadata["labels"]["serin.dev/model-deployment"] = name
    metadata["ownerReferences"][0] |= {"name": name, "uid": f"uid-of-{name}"}
    return service


def an_intent(
    weights: Mapping[Route, float],
    *,
    sticky: Sticky | None = None,
    mirror: Mirror | None = None,
    backends: tuple[Route, ...] = ALL,
    grpc: Collection[Route] = (),
    **other: Any,
) -> TrafficIntent:
    """`grpc`: the routes whose pods speak it."""
    service = service_of(other.pop("name", "weather"))
    settings = Traffic(
        provider="Router", sticky=sticky or Sticky(), router=other.pop("router", None) or RouterSettings()
    )
    return TrafficIntent(
        service=service,
        weights=weights,
        settings=settings,
        backends=tuple(Backend(route, 8080, 9000 if route in grpc else None) for route in backends),
        mirror=mirror,
        **{"stable": STABLE, "salt": CANARY.revision, **other},
    )


def a_split(canary: float, baseline: float | None = None, **other: Any) -> TrafficIntent:
    """The canary and the baseline get as much each, stable the rest."""
    baseline = canary if baseline is None else baseline
    return an_intent({STABLE: 100 - canary - baseline, BASELINE: baseline, CANARY: canary}, **other)
