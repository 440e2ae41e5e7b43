"""Promoted: what is told of a new version that has become stable."""

from typing import Final

from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move

FIRST_IS_READY: Final = Move("Promoted", "FirstRevision", "The first version is ready and serves all traffic.")


def promoted(attempt: Attempt) -> Move:
    verdict, decided_by = attempt.rollout.status.verdict, attempt.rollout.status.decided_by
    how = decided_by.how if decided_by else "Person"
    sentence = verdict.sentence if verdict and how == "Evidence" else None
    by_whom = "Promoted by a person: the" if how == "Person" else "The"
    return Move("Promoted", "Promoted", sentence or f"{by_whom} new version serves all traffic.")
