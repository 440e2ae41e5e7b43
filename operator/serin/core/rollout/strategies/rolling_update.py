"""RollingUpdate: pods of the new version take the place of the old ones, `size` at a time, and nothing is compared.

Each version has its Deployment, so the one grows as the other shrinks. Ready pods of both together are never fewer
than asked for: an old pod goes when a new one can answer in its place, and requests have gone over. What has been
replaced comes back the same way: `way_back.py`.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from serin.api.v1alpha1.rollout import Phase
from serin.api.v1alpha1.shared import duration_seconds
from serin.core.facts import Route
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.gates import await_gates, pass_gates
from serin.core.rollout.looking import reject_crash
from serin.core.rollout.move import Move
from serin.core.rollout.preflight import check_contract
from serin.core.rollout.preparing import begin, prepare
from serin.core.rollout.promoted import promoted
from serin.core.rollout.promoting import switch
from serin.core.rollout.ramp import Position
from serin.core.rollout.strategy import Strategy
from serin.core.rollout.waiting import wait_for_pods


def _begin(attempt: Attempt) -> Move:
    if attempt.is_first:
        return begin(attempt)
    return Move("Preparing", "Started", f"Starting the first {_first_step(attempt)} pod(s) of the new version.")


def _begin_rolling(attempt: Attempt) -> Move:
    told = f"Pods are replaced, {attempt.size} at a time."
    return pass_gates(attempt, "The first pods of the new version are ready.", Move("Promoting", "Rolling", told))


def _roll(attempt: Attempt) -> Move:
    crashed = reject_crash(attempt)
    if crashed:
        return crashed
    if not attempt.has_ready(attempt.canary_route, attempt.replicas):
        told = (
            f"{_ready(attempt)} of {attempt.replicas} pods of the new version are ready, old ones go as new ones come"
        )
        return wait_for_pods(attempt, told, _deadline(attempt))
    return switch(attempt) or promoted(attempt)


def _deadline(attempt: Attempt) -> datetime:
    """Each step has the plan's time, counted from its youngest pod; all of them together no more than their sum."""
    step = timedelta(seconds=duration_seconds(attempt.plan.progress_deadline))
    first = attempt.deadline()
    born = (pod.created_at for pod in attempt.facts.pods_of(attempt.canary_route))
    last = first + step * (math.ceil(attempt.replicas / attempt.size) - 1)
    return min(max([first, *(at + step + timedelta(seconds=attempt.held_seconds()) for at in born)]), last)


def _wanted_pods(attempt: Attempt, phase: Phase) -> Mapping[Route, int]:
    stable = attempt.stable_route
    if stable is None:
        return {attempt.canary_route: attempt.replicas}
    if phase in ("Preparing", "Preflight", "AwaitingApproval"):
        return {attempt.canary_route: _first_step(attempt)}
    if phase != "Promoting":
        return {}
    new, old = _live(attempt, attempt.canary_route), _live(attempt, stable)
    # A pod that is no longer ready is not taken away for it: it comes back, or the deadline ends this.
    room = attempt.replicas + attempt.size - old
    grown = min(attempt.replicas, max(min(_ready(attempt) + attempt.size, room), new))
    left = max(attempt.replicas - _ready(attempt), min(attempt.replicas, 1))
    if attempt.is_held:
        return {stable: max(left, min(attempt.replicas, old)), attempt.canary_route: min(attempt.replicas, new)}
    if not _have_requests_gone_over(attempt):
        left = max(left, min(attempt.replicas, old))
    return {stable: left, attempt.canary_route: grown}


def _wanted_weights(attempt: Attempt, phase: Phase, _position: Position | None = None) -> Mapping[Route, float]:
    """Each ready pod gets the same. A pause keeps what each version has."""
    stable, canary = attempt.stable_route, attempt.canary_route
    if stable is None:
        return {canary: 100.0}
    if phase != "Promoting" or _ready(attempt) < min(attempt.replicas, 1):
        return {stable: 100.0}
    share = _share(attempt)
    if attempt.is_held:
        weights = attempt.rollout.status.weights
        share = weights.nominal.canary if weights else 0.0
    return {route: weight for route, weight in ((stable, 100.0 - share), (canary, share)) if weight > 0}


def _share(attempt: Attempt) -> float:
    return round(100.0 * _ready(attempt) / attempt.replicas, 1) if attempt.replicas else 100.0


def _have_requests_gone_over(attempt: Attempt) -> bool:
    """Where a Service leads to all pods they go over by themselves."""
    return (
        not attempt.facts.splits_exactly or attempt.facts.shares.get(attempt.canary_route, 0) >= _share(attempt) - 0.1
    )


def _first_step(attempt: Attempt) -> int:
    return min(attempt.size, max(attempt.replicas, 1))


def _ready(attempt: Attempt) -> int:
    found = attempt.facts.deployment(attempt.canary_route)
    return min(found.ready, attempt.replicas) if found else 0


def _live(attempt: Attempt, route: Route) -> int:
    found = attempt.facts.deployment(route)
    return found.replicas if found else 0


ROLLING_UPDATE: Final = Strategy(
    rules={
        "Pending": _begin,
        "Preparing": prepare,
        "Preflight": check_contract,
        "AwaitingApproval": await_gates,
        "Promoting": _roll,
    },
    begin_trial=_begin_rolling,
    wanted_pods=_wanted_pods,
    wanted_weights=_wanted_weights,
    has_baseline=lambda _attempt: False,
    role="successor",
)
