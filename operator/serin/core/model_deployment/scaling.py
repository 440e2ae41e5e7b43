"""What scales the pods of a model and what guards them from drained nodes.

One autoscaler for the life of the model, aimed at the ModelDeployment and never at a Deployment: Serin stays the only
writer of the Deployments' sizes, so nothing is handed over at a promotion. What moves is whose load it is measured by.
"""

from collections.abc import Collection, Mapping

from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin.api.v1alpha1.shared import count_pods
from serin.core.facts import Facts, Route, Track
from serin.core.model_deployment.children import make_autoscaler, make_disruption_budget
from serin.core.model_deployment.names import MODEL_DEPLOYMENT_LABEL, REVISION_LABEL, pod_labels, service_name
from serin.core.plan import Action, Apply, Delete, Manifest


def select_measured(model_deployment: str, serving: str, weights: Mapping[Route, float]) -> str:
    """The pods that an autoscaler adds up, as a label selector: all that share the requests of the users.

    Without canary and baseline it would see stable's part of the load alone, and take pods away that the promotion
    needs. From their sum it gets the pods that all requests need, however many share them.
    """
    revisions = {route.revision for route, weight in weights.items() if weight > 0} or {serving}
    if len(revisions) > 1:
        return f"{MODEL_DEPLOYMENT_LABEL}={model_deployment},{REVISION_LABEL} in ({','.join(sorted(revisions))})"
    labels = pod_labels(model_deployment, Route(revisions.pop(), Track.PRIMARY))
    return ",".join(f"{name}={value}" for name, value in labels.items())


def plan_scaling(facts: Facts, spec: ModelDeploymentSpec, serving: Route | None) -> tuple[Action, ...]:
    """Both are about pods that serve, so there is neither before any do (`serving` None)."""
    owner = facts.model_deployment
    autoscaler, budget = None, None
    if serving and spec.autoscaling:
        autoscaler = make_autoscaler(owner, spec.autoscaling)
    if serving and _spares_some(spec.disruption_budget.max_unavailable, spec.wanted_replicas):
        budget = make_disruption_budget(owner, serving, spec.disruption_budget.max_unavailable)
    name = service_name(owner.key.name)
    return (
        *_apply_or_delete(autoscaler, Delete("HorizontalPodAutoscaler", name), facts.autoscalers),
        *_apply_or_delete(budget, Delete("PodDisruptionBudget", name), facts.disruption_budgets),
    )


def _spares_some(max_unavailable: int | str, replicas: int) -> bool:
    """A budget that lets all go does nothing, and one that let none go would keep the node of a single pod for ever."""
    return count_pods(max_unavailable, replicas) < replicas


def _apply_or_delete(wanted: Manifest | None, deletion: Delete, own: Collection[str]) -> tuple[Action, ...]:
    if wanted is not None:
        return (Apply(wanted),)
    return (deletion,) if deletion.name in own else ()
