"""A shared incident: of a sudden both variants fail far more than is usual, so the version is not what is to blame.

It is only told. What counts it is the comparison itself: where both fail alike there is no evidence against the canary.
"""

from serin.core.evidence.counts import Counts
from serin.core.evidence.verdict import EvidenceState

LEAST_FAILURES = 5  # of each variant in one interval
TIMES_THE_USUAL = 5.0
LOWEST_USUAL_RATE = 0.01


def is_shared_incident(before: EvidenceState, after: EvidenceState) -> bool:
    """Whether there is one in the interval between the two states. One that lasts for minutes becomes the usual."""
    usual = max(before.base_rate, LOWEST_USUAL_RATE)
    return all(
        counts.failures >= LEAST_FAILURES and counts.failure_rate >= TIMES_THE_USUAL * usual
        for counts in (_between(before.baseline, after.baseline), _between(before.canary, after.canary))
    )


def _between(before: Counts, after: Counts) -> Counts:
    requests = max(0.0, after.requests - before.requests)
    return Counts(requests, min(max(0.0, after.failures - before.failures), requests))
