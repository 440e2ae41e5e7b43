"""Waiting for pods: no longer than the plan's deadline, and with the reason that Kubernetes or the container gives."""

from datetime import datetime

from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move


def wait_for_pods(attempt: Attempt, what: str, deadline: datetime | None = None) -> Move:
    """`deadline`: that of the phase when left out."""
    deadline = deadline or attempt.deadline()
    if attempt.facts.now >= deadline:
        return failed_by_deadline(attempt)
    trouble = attempt.trouble()
    return Move(
        attempt.phase,
        attempt.phase,
        f"{what}; {trouble}." if trouble else f"{what}.",
        look_again_at=deadline,
    )


def failed_by_deadline(attempt: Attempt) -> Move:
    why = attempt.trouble() or _no_reason(attempt)
    return Move("Failed", "ProgressDeadlineExceeded", f"Not ready within {attempt.plan.progress_deadline}: {why}.")


def _no_reason(attempt: Attempt) -> str:
    found = attempt.facts.deployment(attempt.canary_route)
    ready = f"{found.ready} of {found.replicas}" if found else "none"
    return f"{ready} pods of the new version are ready and Kubernetes gives no reason"
