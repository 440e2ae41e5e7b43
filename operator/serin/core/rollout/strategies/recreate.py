"""Recreate: the old pods go, then the new ones start. For models of which two cannot run at once.

Nobody is served between the two, and the status says so. That time is kept short where it can be: gates are passed
while the old version serves, a crash ends the attempt at once, and every end but Promoted starts the old version again.
"""

from collections.abc import Mapping
from typing import Final

from serin.api.v1alpha1.rollout import Phase
from serin.core.facts import Route
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.gates import pass_gates
from serin.core.rollout.looking import find_crash
from serin.core.rollout.move import Move
from serin.core.rollout.preflight import check_contract
from serin.core.rollout.preparing import begin, prepare
from serin.core.rollout.promoted import promoted
from serin.core.rollout.promoting import switch
from serin.core.rollout.ramp import Position
from serin.core.rollout.routes import is_held_before_switch
from serin.core.rollout.strategy import Strategy
from serin.core.rollout.waiting import wait_for_pods

UNSERVED: Final = "Users are not served"


def _begin(attempt: Attempt) -> Move:
    if attempt.is_first:
        return begin(attempt)
    told = f"{UNSERVED} from now on: the old pods go, then the new ones start."
    return pass_gates(attempt, "The old version is to be replaced.", Move("Preparing", "Started", told))


def _prepare(attempt: Attempt) -> Move:
    if attempt.is_first:
        return prepare(attempt)
    waiting = _wait_for_service(attempt, _full(attempt))
    if waiting:
        return waiting
    preflight = attempt.plan.preflight
    if preflight.requests and preflight.contract != "Off":
        return Move("Preflight", "CheckingContract", f"{UNSERVED}: the new version is asked before any user is.")
    return _begin_service(attempt)


def _serve(attempt: Attempt) -> Move:
    return _wait_for_service(attempt, attempt.replicas) or switch(attempt) or promoted(attempt)


def _wait_for_service(attempt: Attempt, count: int) -> Move | None:
    """None when so many pods of the new version are ready."""
    crash = find_crash(attempt)
    if crash:
        told = f"Rejected: the new version crashes, {crash}. The old one starts again."
        return Move("Rejected", "CanaryCrashed", told, how="Evidence")
    leaving = _pods_of_others(attempt)
    if leaving:
        return wait_for_pods(attempt, f"{UNSERVED}: {leaving} old pod(s) are still to go")
    if not attempt.has_ready(attempt.canary_route, count):
        return wait_for_pods(attempt, f"{UNSERVED}: waiting for pods of the new version")
    return None


def _begin_service(_attempt: Attempt) -> Move:
    return Move("Promoting", "Switching", "All requests go to the new version.")


def _wanted_pods(attempt: Attempt, phase: Phase) -> Mapping[Route, int]:
    stable, canary = attempt.stable_route, attempt.canary_route
    if stable is None:
        return {canary: attempt.replicas}
    if phase not in ("Preparing", "Preflight", "Promoting"):
        return {}
    return {stable: 0, canary: 0 if _pods_of_others(attempt) else _full(attempt)}


def _wanted_weights(attempt: Attempt, phase: Phase, _position: Position | None = None) -> Mapping[Route, float]:
    stable, canary = attempt.stable_route, attempt.canary_route
    if stable is None:
        return {canary: 100.0}
    # One pod is better than none, until the others are ready, too.
    is_ready = phase == "Promoting" and attempt.has_ready(canary, min(attempt.replicas, 1))
    return {canary: 100.0} if is_ready and not is_held_before_switch(attempt) else {stable: 100.0}


def _pods_of_others(attempt: Attempt) -> int:
    """Pods that may still hold what only one version can have; a terminating one does until it is gone."""
    return sum(pod.route != attempt.canary_route and not pod.finished for pod in attempt.facts.pods)


def _full(attempt: Attempt) -> int:
    return max(attempt.replicas, 1)


RECREATE: Final = Strategy(
    rules={
        "Pending": _begin,
        "AwaitingApproval": _begin,
        "Preparing": _prepare,
        "Preflight": check_contract,
        "Promoting": _serve,
    },
    begin_trial=_begin_service,
    wanted_pods=_wanted_pods,
    wanted_weights=_wanted_weights,
    has_baseline=lambda _attempt: False,
    runs_both=False,
)
