"""Which pods a Service leads to, and what that amounts to in shares: kube-proxy gives each ready pod the same."""

from collections import Counter
from collections.abc import Mapping

from serin.core.facts import PodFacts, Route
from serin.core.model_deployment.names import REVISION_LABEL, TRACK_LABEL
from serin.runtime.ports import JsonObject, TrafficView


def selected_shares(view: TrafficView) -> Mapping[Route, float]:
    """Percent of the requests per route that the live user Service and the pods amount to."""
    selector = (view.user_service or {}).get("spec", {}).get("selector")
    if not selector:
        return {}
    chosen = Counter(pod.route for pod in view.pods if pod.ready and not pod.terminating and _selects(selector, pod))
    return {route: 100.0 * count / chosen.total() for route, count in chosen.items()}


def leads_to(user_service: JsonObject | None, labels: Mapping[str, str]) -> bool:
    """Whether it chooses pods by these labels and no others."""
    return user_service is not None and user_service["spec"].get("selector") == labels


def _selects(selector: Mapping[str, str], pod: PodFacts) -> bool:
    """Serin's own selectors name nothing but these; the pods are all of one ModelDeployment."""
    labels = {REVISION_LABEL: pod.route.revision, TRACK_LABEL: pod.route.track.value}
    return all(labels.get(name, value) == value for name, value in selector.items())


def is_ready(pod: JsonObject) -> bool:
    """Ready and not on its way out."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return "deletionTimestamp" not in pod["metadata"] and any(
        found.get("type") == "Ready" and found.get("status") == "True" for found in conditions
    )
