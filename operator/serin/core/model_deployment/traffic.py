"""What the traffic provider is asked for: weights, and which pods there are to send to."""

from collections.abc import Iterable, Mapping

from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin.core.facts import Facts, RevisionFacts, Route, Track
from serin.core.model_deployment.children import make_user_service
from serin.core.model_deployment.comparer import COMPARER_PORT
from serin.core.model_deployment.outcomes import Memory
from serin.core.plan import Backend, TrafficIntent

# The plan that changes the weights is carried out after this look, and the echo of our own write wakes nobody.
AFTER_CHANGE_SECONDS = 0.1


def make_intent(
    facts: Facts,
    spec: ModelDeploymentSpec,
    weights: Mapping[Route, float],
    stable: Route,
    backends: tuple[Backend, ...],
    *,
    is_idle: bool,
) -> TrafficIntent:
    """`is_idle`: nothing is on trial."""
    on_trial = next((route for route in weights if route != stable and route.track is Track.PRIMARY), None)
    return TrafficIntent(
        service=make_user_service(facts.model_deployment, spec),
        weights=weights,
        settings=spec.traffic,
        backends=backends,
        stable=stable,
        salt=on_trial.revision if on_trial else "",
        takes_users=facts.traffic.takes_users,
        port=facts.traffic.port,
        may_stand_aside=is_idle and (not facts.traffic.holds_users or _is_as_wanted(facts, weights)),
        nudges=facts.traffic.nudges,
    )


def stable_route(desired: RevisionFacts, memory: Memory) -> Route:
    """Who serves when nothing is on trial; the first revision before anything is stable."""
    return Route(memory.stable.revision if memory.stable else desired.name, Track.PRIMARY)


def find_backends(
    facts: Facts, spec: ModelDeploymentSpec, desired: RevisionFacts, targets: Iterable[Route]
) -> tuple[Backend, ...]:
    """Every route that has pods or is to have some. One that loses its pods stays until the last is gone."""
    routes = {*targets, *(pod.route for pod in facts.pods)}
    known = {desired.name: desired, **{revision.name: revision for revision in facts.revisions}}

    def backend(route: Route) -> Backend:
        if route.track is Track.COMPARER:
            return Backend(route, COMPARER_PORT)
        revision = known.get(route.revision)
        ports = (revision.content if revision else spec).server.ports
        return Backend(route, ports.http, ports.grpc)

    return tuple(backend(route) for route in sorted(routes))


def seconds_until_converged(facts: Facts, weights: Mapping[Route, float]) -> float | None:
    """When to look whether the data plane has followed; None when it has, or when an event will tell."""
    if facts.traffic.look_again_after_seconds is not None:
        return facts.traffic.look_again_after_seconds
    if not facts.splits_exactly or not facts.traffic.takes_users:
        return None
    return None if _is_as_wanted(facts, weights) else AFTER_CHANGE_SECONDS


def _is_as_wanted(facts: Facts, weights: Mapping[Route, float]) -> bool:
    shares = facts.shares
    return all(abs(weights.get(route, 0.0) - shares.get(route, 0.0)) < 0.01 for route in {*weights, *shares})
