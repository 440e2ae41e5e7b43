"""Pending and Preparing: the pods of the new version and of the baseline start. Nobody is sent to them yet."""

from serin.core.facts import PodFacts
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move
from serin.core.rollout.promoted import FIRST_IS_READY
from serin.core.rollout.waiting import wait_for_pods


def begin(attempt: Attempt) -> Move:
    if attempt.is_first:
        return Move("Preparing", "FirstRevision", "The first version starts and becomes stable directly.")
    return Move("Preparing", "Started", f"Starting {attempt.size} pod(s) each of the new version and of the baseline.")


def prepare(attempt: Attempt) -> Move:
    wanted = attempt.strategy.wanted_pods(attempt, "Preparing")
    if all(attempt.has_ready(route, count) for route, count in wanted.items()):
        if attempt.is_first:
            return FIRST_IS_READY
        leaving = _pods_of_others(attempt)
        if not leaving and attempt.plan.preflight.contract == "Off":
            return attempt.strategy.begin_trial(attempt)
        if not leaving:
            return Move("Preflight", "CheckingContract", "The new version is asked before any user is.")
        return Move("Preparing", "Preparing", f"Waiting until {len(leaving)} pod(s) of an earlier attempt are gone.")
    return wait_for_pods(attempt, "Waiting for pods of the new version")


def _pods_of_others(attempt: Attempt) -> tuple[PodFacts, ...]:
    """Pods of superseded or rejected revisions: behind the same Service they would get requests of the comparison.

    Only ready ones count: an evicted pod can stay in the cluster for ever.
    """
    ours = {attempt.canary_route, attempt.stable_route, attempt.baseline_route, attempt.comparer_route}
    return tuple(pod for pod in attempt.facts.pods if pod.route not in ours and pod.ready and not pod.terminating)
