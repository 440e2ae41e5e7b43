"""Which pods an attempt wants and who should get requests, per phase.

Both follow from the phase alone, so they come out the same after a crash, a lost write or a restart. No rule here
takes a pod from stable: that is full until the promotion is complete.
"""

from collections.abc import Mapping

from serin.api.v1alpha1.rollout import Phase
from serin.core.facts import Route
from serin.core.rollout.attempt import Attempt


def wanted_pods(attempt: Attempt, phase: Phase) -> Mapping[Route, int]:
    """Pods per route beside stable's own."""
    canary, baseline = attempt.canary_route, attempt.baseline_route
    if attempt.is_first:
        return {canary: attempt.replicas}
    assert baseline is not None
    if phase in ("Preparing", "Preflight", "Analyzing"):
        return {canary: attempt.size, baseline: attempt.size}
    if phase == "Promoting":
        # The canary grows and does not shrink here: the pods that were judged are the pods that serve.
        return {canary: max(attempt.replicas, attempt.size), baseline: attempt.size}
    return {}


def wanted_weights(attempt: Attempt, phase: Phase) -> Mapping[Route, float]:
    """Percent of the requests per route."""
    stable, baseline, canary = attempt.stable_route, attempt.baseline_route, attempt.canary_route
    if stable is None or baseline is None:
        return {canary: 100.0}
    if phase == "Promoting" and attempt.has_ready(canary, attempt.replicas) and not _is_held_before_switch(attempt):
        return {canary: 100.0}
    if phase in ("Analyzing", "Promoting") and _has_been_compared(attempt, phase):
        pods = {stable: attempt.replicas, baseline: attempt.size, canary: attempt.size}
        total = sum(pods.values())
        return {route: 100.0 * count / total for route, count in pods.items()}
    return {stable: 100.0}


def _has_been_compared(attempt: Attempt, phase: Phase) -> bool:
    """A person may promote before the comparison began: the canary then gets nothing until it is full."""
    return phase == "Analyzing" or any(stage.phase == "Analyzing" for stage in attempt.rollout.status.stages)


def _is_held_before_switch(attempt: Attempt) -> bool:
    """A pause keeps the weights, also when the last pod gets ready meanwhile."""
    weights = attempt.rollout.status.weights
    return attempt.is_held and (weights is None or weights.nominal.canary < 100)


def has_converged(wanted: Mapping[Route, float], shares: Mapping[Route, float]) -> bool:
    """Whoever should get requests gets some, and nobody else does. How much is the provider's to say."""
    meant = {route for route, weight in wanted.items() if weight > 0}
    served = {route for route, share in shares.items() if share > 0}
    return meant == served
