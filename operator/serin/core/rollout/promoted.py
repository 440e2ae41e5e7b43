"""Promoted: what is told of a new version that has become stable."""

from typing import Final

from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move

FIRST_IS_READY: Final = Move("Promoted", "FirstRevision", "The first version is ready and serves all traffic.")


def promoted(attempt: Attempt) -> Move:
    verdict, decided_by = attempt.rollout.status.verdict, attempt.rollout.status.decided_by
    by_evidence = decided_by is not None and decided_by.how == "Evidence"
    sentence = verdict.sentence if verdict and by_evidence else None
    return Move("Promoted", "Promoted", sentence or "Promoted by a person: the new version serves all traffic.")
