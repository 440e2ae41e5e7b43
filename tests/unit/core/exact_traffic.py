"""A traffic provider on paper that sends the very shares it is asked for, like a proxy with weights."""

from collections.abc import Mapping, Sequence

from serin.core.facts import Route, Track, TrafficFacts
from serin.core.plan import AnnotatePods, Apply, TrafficIntent
from serin.runtime.ports import TrafficView

PREFIX = "weight-of/"


class ExactTraffic:
    """Implements the port `TrafficProvider`. The weights stand in annotations of the user Service."""

    def render(self, intent: TrafficIntent) -> Sequence[Apply | AnnotatePods]:
        asked = {f"{PREFIX}{of}.{track}": str(weight) for (of, track), weight in intent.weights.items() if weight > 0}
        metadata = {**intent.service["metadata"], "annotations": asked}
        return [Apply({**intent.service, "metadata": metadata, "spec": {**intent.service["spec"], "selector": {}}})]

    async def observe(self, view: TrafficView) -> TrafficFacts:
        asked = read_weights((view.user_service or {}).get("metadata", {}).get("annotations", {}))
        ready = {pod.route for pod in view.pods if pod.ready and not pod.terminating}
        shares = {route: weight for route, weight in asked.items() if route in ready}
        return TrafficFacts(shares, splits_exactly=True)


def read_weights(annotations: Mapping[str, str]) -> dict[Route, float]:
    found = {}
    for name, weight in annotations.items():
        revision, _, track = name.removeprefix(PREFIX).rpartition(".")
        found[Route(revision, Track(track))] = float(weight)
    return found
