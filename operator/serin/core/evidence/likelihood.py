"""The e-value of one interval: how much likelier the alternative makes the counts than the nearest null point.

Safe test for two Bernoulli streams: R. Turner, A. Ly, P. Grünwald, "Generic E-variables for exact sequential k-sample
tests that allow for optional stopping" (2024, arXiv 2106.02693); with a shifted null boundary: R. Turner, P. Grünwald,
"Exact anytime-valid confidence intervals for contingency tables and beyond" (2023, arXiv 2203.09785).
"""

import math
from dataclasses import dataclass

from serin.core.evidence.counts import Counts


@dataclass(frozen=True)
class Rates:
    """Failure rates (0 < rate < 1) that a hypothesis claims for the two variants."""

    baseline: float
    canary: float


def nearest_null(baseline_requests: float, canary_requests: float, alternative: Rates, shift: float) -> Rates:
    """The point of the null boundary `canary = baseline + shift` that is nearest to the alternative.

    Nearest in Kullback-Leibler divergence weighted by the requests of each variant. Only with this point the e-value
    has mean <= 1 over the *whole* null: any other point of the boundary would favour some null points.
    """
    if shift == 0:
        requests = baseline_requests + canary_requests
        pooled = (baseline_requests * alternative.baseline + canary_requests * alternative.canary) / requests
        return Rates(pooled, pooled)

    def slope(x: float) -> float:
        y = x + shift
        return baseline_requests * (x - alternative.baseline) / (x * (1 - x)) + canary_requests * (
            y - alternative.canary
        ) / (y * (1 - y))

    unshifted_canary = alternative.canary - shift
    low = max(min(alternative.baseline, unshifted_canary), 0.0)
    high = min(max(alternative.baseline, unshifted_canary), 1.0 - shift)
    # Down to neighbouring floats: an absolute tolerance would be too coarse for rates of 1e-6.
    while low < (middle := (low + high) / 2) < high:
        if slope(middle) < 0:
            low = middle
        else:
            high = middle
    return Rates(high, high + shift)


def log_e_value(baseline: Counts, canary: Counts, alternative: Rates, shift: float) -> float:
    """Natural logarithm of the e-value of one interval against the null bounded by `canary = baseline + shift`.

    The null is the side of the boundary on which the alternative does not lie. 0 (no evidence) unless both variants
    had requests. Mean of exp(result) <= 1 under every null point if requests are independent given the past.
    """
    if baseline.requests == 0 or canary.requests == 0:
        return 0.0
    null = nearest_null(baseline.requests, canary.requests, alternative, shift)
    return _log_ratio(baseline, alternative.baseline, null.baseline) + _log_ratio(
        canary, alternative.canary, null.canary
    )


def divergence(rate: float, other: float) -> float:
    """Kullback-Leibler divergence KL(rate || other) of two Bernoulli rates in nats per request."""
    return rate * math.log(rate / other) + (1 - rate) * (math.log1p(-rate) - math.log1p(-other))


def _log_ratio(counts: Counts, alternative: float, null: float) -> float:
    successes = counts.requests - counts.failures
    return counts.failures * math.log(alternative / null) + successes * (math.log1p(-alternative) - math.log1p(-null))
