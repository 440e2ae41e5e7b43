"""Which pods a canary wants and who should get requests, per phase.

Both follow from what is on record, the phase and the step, so they come out the same after a crash, a lost write or a
restart. No rule here takes a pod from stable: that is full until the promotion is complete, the bake included.
"""

from collections.abc import Mapping

from serin.api.v1alpha1.rollout import Phase
from serin.core.facts import Route
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.phases import COMPARING
from serin.core.rollout.ramp import Position

# Percent of the requests that the old version keeps while the new one bakes: enough to compare, few to be old.
CONTROL_WEIGHT = 5.0


def wanted_pods(attempt: Attempt, phase: Phase) -> Mapping[Route, int]:
    """Pods per route beside stable's own."""
    canary, baseline = attempt.canary_route, attempt.baseline_route
    if attempt.is_first:
        return {canary: attempt.replicas}
    assert baseline is not None
    if phase in ("Preparing", "Preflight", *COMPARING):
        return {canary: attempt.size, baseline: attempt.size}
    # The canary grows and does not shrink here: the pods that were judged are the pods that serve.
    full = max(attempt.replicas, attempt.size)
    if phase == "Promoting" or (phase == "Baking" and attempt.facts.splits_exactly):
        return {canary: full, baseline: attempt.size}
    return {canary: full} if phase == "Baking" else {}


def wanted_weights(attempt: Attempt, phase: Phase, position: Position | None = None) -> Mapping[Route, float]:
    """Percent of the requests per route; `position` is the step after this look, else the one on record counts."""
    stable, baseline, canary = attempt.stable_route, attempt.baseline_route, attempt.canary_route
    if stable is None:
        return {canary: 100.0}
    if phase == "Baking":
        return _weights_in_bake(attempt, canary, baseline)
    if phase == "Promoting" and attempt.has_ready(canary, attempt.replicas) and not is_held_before_switch(attempt):
        return {canary: 100.0}
    if baseline and phase in (*COMPARING, "Promoting") and has_been_compared(attempt, phase):
        if attempt.facts.splits_exactly and not (attempt.has_ready(canary, 1) and attempt.has_ready(baseline, 1)):
            return {stable: 100.0}  # a share would go to nobody
        weight = attempt.schedule.at(position or attempt.position).weight
        return {stable: 100.0 - 2 * weight, baseline: weight, canary: weight}
    return {stable: 100.0}


def _weights_in_bake(attempt: Attempt, canary: Route, baseline: Route | None) -> Mapping[Route, float]:
    if baseline and attempt.has_control:
        control = min(CONTROL_WEIGHT, attempt.bearable_weight)
        return {canary: 100.0 - control, baseline: control}
    return {canary: 100.0}


def has_been_compared(attempt: Attempt, phase: Phase) -> bool:
    """A person may promote before the comparison began: the canary then gets nothing until it is full."""
    return phase == "Analyzing" or any(stage.phase == "Analyzing" for stage in attempt.rollout.status.stages)


def is_held_before_switch(attempt: Attempt) -> bool:
    """A pause keeps the weights, also when the last pod gets ready meanwhile."""
    weights = attempt.rollout.status.weights
    return attempt.is_held and (weights is None or weights.nominal.canary < 100)


def has_converged(wanted: Mapping[Route, float], shares: Mapping[Route, float]) -> bool:
    """Whoever should get requests gets some, and nobody else does. How much is the provider's to say."""
    meant = {route for route, weight in wanted.items() if weight > 0}
    served = {route for route, share in shares.items() if share > 0}
    return meant == served
