"""Which Deployments should have how many pods, and in which order they get there.

Stable is always at full size; what a running attempt wants comes on top; every other revision goes to zero and keeps
its Deployment, so that going back to it needs no new object.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin.core.facts import DeploymentFacts, Facts, RevisionFacts, Route, Track
from serin.core.model_deployment.children import make_deployment, make_variant_service
from serin.core.model_deployment.names import deployment_name, service_name
from serin.core.model_deployment.outcomes import Memory
from serin.core.plan import Action, Apply, Delete
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.way_back import SUCCESSOR

Role = Literal["stable", "canary", "successor", "baseline", "comparer", "retired"]

_ROLES: Final[Mapping[Track, Role]] = {
    Track.PRIMARY: "canary",
    Track.BASELINE: "baseline",
    Track.COMPARER: "comparer",
}


class Target(NamedTuple):
    replicas: int
    role: Role


@dataclass(frozen=True, slots=True)
class PodChanges:
    """`grow` comes before the traffic, `shrink` after it. What is already as wanted is in `grow`, to be kept so."""

    grow: tuple[Action, ...]
    shrink: tuple[Action, ...]


def decide_targets(
    spec: ModelDeploymentSpec,
    memory: Memory,
    desired: RevisionFacts,
    attempt_pods: Mapping[Route, int],
    role: Role = "canary",
    staying: Mapping[Route, int] | None = None,
) -> dict[Route, Target]:
    """Pods per route. `attempt_pods` is what a running attempt wants, empty without one, `role` that of its revision.

    `staying` are pods of an ended attempt that serve until stable is back.
    """
    roles = {**_ROLES, Track.PRIMARY: role}
    targets = {route: Target(count, SUCCESSOR) for route, count in (staying or {}).items()}
    targets |= {route: Target(count, roles[route.track]) for route, count in attempt_pods.items()}
    if memory.stable:
        stable = Route(memory.stable.revision, Track.PRIMARY)
        targets[stable] = Target(attempt_pods.get(stable, spec.wanted_replicas), "stable")
    elif not targets and memory.awaits_late_pods:
        targets[Route(desired.name, Track.PRIMARY)] = Target(spec.wanted_replicas, "canary")
    return targets


def plan_pods(
    facts: Facts,
    desired: RevisionFacts,
    targets: Mapping[Route, Target],
    comparer_template: Mapping[str, Any] | None = None,
) -> PodChanges:
    """A comparer runs another program than its revision, so its template is given."""
    grow: list[Action] = []
    shrink: list[Action] = []
    for route, target in targets.items():
        live = facts.deployment(route)
        revision = desired if route.revision == desired.name else facts.revision(route.revision)
        if revision is None:
            continue  # its ControllerRevision was deleted by hand: the running pods are left as they are
        if route.track is Track.COMPARER and comparer_template is not None:
            revision = replace(revision, template=comparer_template)
        change = Apply(make_deployment(facts.model_deployment, revision, route, target.role, target.replicas))
        (shrink if live and target.replicas < live.replicas else grow).append(change)
    for live in facts.deployments:
        if live.route not in targets:
            shrink.extend(_retire(facts, live))
    return PodChanges(tuple(grow), tuple(shrink))


def _retire(facts: Facts, live: DeploymentFacts) -> list[Action]:
    if live.route.track is not Track.PRIMARY:
        return [Delete("Deployment", live.name)]
    revision = facts.revision(live.route.revision)
    is_retired = live.replicas == 0 and not live.is_stable and live.role != SUCCESSOR
    if is_retired or revision is None:
        return []
    return [Apply(make_deployment(facts.model_deployment, revision, live.route, "retired", 0))]


def plan_variant_services(facts: Facts, attempt: Attempt | None, spec: ModelDeploymentSpec) -> tuple[Action, ...]:
    """One headless Service per variant while they are compared; nothing of them stays behind."""
    owner = facts.model_deployment
    routes: dict[str, Route | None] = {"stable": None, "baseline": None, "canary": None}
    if attempt and not attempt.is_first:
        routes = {
            "stable": attempt.stable_route,
            "baseline": attempt.baseline_route,
            "canary": attempt.canary_route,
        }
    actions: list[Action] = []
    for variant, route in routes.items():
        name = service_name(owner.key.name, variant)
        if route:
            actions.append(Apply(make_variant_service(owner, variant, route, spec)))
        elif name in facts.services:
            actions.append(Delete("Service", name))
    return tuple(actions)


def retired_deployments(facts: Facts, revision: str) -> list[Delete]:
    """Deletes what is left of a revision that is forgotten."""
    names = {deployment_name(Route(revision, track)) for track in Track}
    return [Delete("Deployment", live.name) for live in facts.deployments if live.name in names]
