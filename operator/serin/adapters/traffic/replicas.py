"""Provider Replicas: plain Kubernetes. The user Service's selector decides whose pods get requests.

One route with weight: the selector names its revision and track. Several: it names the ModelDeployment alone, so that
stable, baseline and canary share the requests by the number of their ready pods. The weights themselves cannot be
set; what they amount to is told as shares. kube-proxy spreads connections, so a client that keeps one open stays
with its pod: the verdict counts requests and never trusts a nominal weight.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from serin.core.facts import PodFacts, Route
from serin.core.model_deployment.names import MODEL_DEPLOYMENT_LABEL, REVISION_LABEL, TRACK_LABEL, pod_labels
from serin.core.plan import TrafficIntent
from serin.runtime.ports import JsonObject


class ReplicasProvider:
    """Implements the port `TrafficProvider`."""

    splits_exactly = False

    def render(self, intent: TrafficIntent) -> Sequence[JsonObject]:
        routes = [route for route, weight in intent.weights.items() if weight > 0]
        owner = intent.service["metadata"]["labels"][MODEL_DEPLOYMENT_LABEL]
        selector = pod_labels(owner, routes[0]) if len(routes) == 1 else {MODEL_DEPLOYMENT_LABEL: owner}
        return [{**intent.service, "spec": {**intent.service["spec"], "selector": selector}}]

    def shares(self, service: JsonObject | None, pods: Sequence[PodFacts]) -> Mapping[Route, float]:
        selector = (service or {}).get("spec", {}).get("selector")
        if not selector:
            return {}
        chosen = Counter(pod.route for pod in pods if pod.ready and not pod.terminating and _selects(selector, pod))
        return {route: 100.0 * count / chosen.total() for route, count in chosen.items()}


def _selects(selector: Mapping[str, str], pod: PodFacts) -> bool:
    """Serin's own selectors name nothing but these; the pods are all of one ModelDeployment."""
    labels = {REVISION_LABEL: pod.route.revision, TRACK_LABEL: pod.route.track.value}
    return all(labels.get(name, value) == value for name, value in selector.items())
