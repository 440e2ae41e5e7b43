"""The plug-in base rate: the failure rate that the alternatives are built around.

It must be known before baseline and canary of the interval are looked at (predictable), or the e-values lose their
guarantee. So it uses stable and baseline of *earlier* intervals, and of the current interval the stable pods alone,
which are not part of the comparison. A wrong rate costs speed, never the error bounds.
"""

from dataclasses import dataclass

from serin.core.evidence.counts import Counts, Increments

HALF_LIFE_SECONDS = 120.0  # an incident of minutes must move the rate; shorter memories are too noisy at 99.9 %
PRIOR = Counts(requests=100.0, failures=0.5)
LOWEST, HIGHEST = 1e-6, 0.95
# Beyond this the tracks fail together, whatever the canary is like: nothing of it may speak for the canary.
OUTAGE_RATE = 0.5
LEAST_STABLE_REQUESTS = 10  # fewer may all fail by chance, and leaving those out would make the rate look better


@dataclass(frozen=True)
class Memory:
    """Requests and failures of stable and baseline in earlier intervals, halved every HALF_LIFE_SECONDS."""

    requests: float = 0.0
    failures: float = 0.0


def plug_in_rate(memory: Memory, stable: Counts) -> float:
    """Failure rate (0..1) expected of baseline and canary in an interval in which stable saw `stable`."""
    failures = memory.failures + PRIOR.failures + stable.failures
    requests = memory.requests + PRIOR.requests + stable.requests
    return min(max(failures / requests, LOWEST), HIGHEST)


def is_outage(stable: Counts) -> bool:
    """More than half of the stable pods' requests fail.

    Known before baseline and canary are looked at, like the rate itself: leaving the interval out keeps a test valid.
    """
    return stable.requests >= LEAST_STABLE_REQUESTS and stable.failure_rate > OUTAGE_RATE


def forget(memory: Memory, seconds: float) -> Memory:
    """The memory after a time in which nothing is to be learned."""
    kept = 0.5 ** (seconds / HALF_LIFE_SECONDS)
    return Memory(kept * memory.requests, kept * memory.failures)


def remember(memory: Memory, increments: Increments) -> Memory:
    """The memory for the next interval: this interval added, then everything aged by the time it covered."""
    seen = increments.stable + increments.baseline
    return forget(Memory(memory.requests + seen.requests, memory.failures + seen.failures), increments.seconds)


def margin(base_rate: float, absolute: float, relative: float) -> float:
    """Difference of failure rates (0..1) that counts as harm: the larger of a constant and a share of the base rate.

    The constant alone would ask a 99.99 % service for too little and a 90 % service for the impossible.
    """
    return max(absolute, relative * base_rate)
