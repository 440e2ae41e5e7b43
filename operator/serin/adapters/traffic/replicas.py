"""Provider Replicas: plain Kubernetes. The user Service's selector decides whose pods get requests.

One route with weight: the selector names its revision and track. Several: it names the ModelDeployment alone, so that
stable, baseline and canary share the requests by the number of their ready pods. The weights themselves cannot be
set; what they amount to is told as shares. kube-proxy spreads connections, so a client that keeps one open stays
with its pod: the verdict counts requests and never trusts a nominal weight.
"""

from collections.abc import Sequence

from serin.adapters.traffic.selected_pods import selected_shares
from serin.core.facts import TrafficFacts
from serin.core.model_deployment.names import MODEL_DEPLOYMENT_LABEL, pod_labels
from serin.core.plan import AnnotatePods, Apply, TrafficIntent
from serin.runtime.ports import TrafficView

NO_MIRROR = "The provider Replicas cannot copy requests to a candidate: set spec.traffic.provider to Router."
NO_STICKY = "The provider Replicas cannot keep a user with one version: set spec.traffic.provider to Router."


class ReplicasProvider:
    """Implements the port `TrafficProvider`."""

    def render(self, intent: TrafficIntent) -> Sequence[Apply | AnnotatePods]:
        routes = [route for route, weight in intent.weights.items() if weight > 0]
        owner = intent.service["metadata"]["labels"][MODEL_DEPLOYMENT_LABEL]
        selector = pod_labels(owner, routes[0]) if len(routes) == 1 else {MODEL_DEPLOYMENT_LABEL: owner}
        return (Apply({**intent.service, "spec": {**intent.service["spec"], "selector": selector}}),)

    async def observe(self, view: TrafficView) -> TrafficFacts:
        return TrafficFacts(selected_shares(view), no_mirror=NO_MIRROR, no_sticky=NO_STICKY)
