"""A traffic provider on paper that sends the very shares it is asked for, like a proxy with weights."""

from collections.abc import Mapping, Sequence

from serin.core.facts import PodFacts, Route, Track
from serin.core.plan import TrafficIntent
from serin.runtime.ports import JsonObject

PREFIX = "weight-of/"


class ExactTraffic:
    """Implements the port `TrafficProvider`. The weights stand in annotations of the user Service."""

    splits_exactly = True

    def render(self, intent: TrafficIntent) -> Sequence[JsonObject]:
        asked = {f"{PREFIX}{of}.{track}": str(weight) for (of, track), weight in intent.weights.items() if weight > 0}
        metadata = {**intent.service["metadata"], "annotations": asked}
        return [{**intent.service, "metadata": metadata, "spec": {**intent.service["spec"], "selector": {}}}]

    def shares(self, service: JsonObject | None, pods: Sequence[PodFacts]) -> Mapping[Route, float]:
        asked = read_weights((service or {}).get("metadata", {}).get("annotations", {}))
        ready = {pod.route for pod in pods if pod.ready and not pod.terminating}
        return {route: weight for route, weight in asked.items() if route in ready}


def read_weights(annotations: Mapping[str, str]) -> dict[Route, float]:
    found = {}
    for name, weight in annotations.items():
        revision, _, track = name.removeprefix(PREFIX).rpartition(".")
        found[Route(revision, Track(track))] = float(weight)
    return found
