"""Waiting for pods: no longer than the plan's deadline, and with the reason that Kubernetes or the container gives."""

from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move


def wait_for_pods(attempt: Attempt, what: str) -> Move:
    if attempt.facts.now >= attempt.deadline():
        return failed_by_deadline(attempt)
    trouble = attempt.trouble()
    return Move(
        attempt.phase,
        attempt.phase,
        f"{what}; {trouble}." if trouble else f"{what}.",
        look_again_at=attempt.deadline(),
    )


def failed_by_deadline(attempt: Attempt) -> Move:
    why = attempt.trouble() or _no_reason(attempt)
    return Move("Failed", "ProgressDeadlineExceeded", f"Not ready within {attempt.plan.progress_deadline}: {why}.")


def _no_reason(attempt: Attempt) -> str:
    found = attempt.facts.deployment(attempt.canary_route)
    ready = f"{found.ready} of {found.replicas}" if found else "none"
    return f"{ready} pods of the new version are ready and Kubernetes gives no reason"
