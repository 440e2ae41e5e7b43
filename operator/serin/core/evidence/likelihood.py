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

    x = _nearest_on_boundary(baseline_requests, canary_requests, alternative, shift)
    return Rates(x, x + shift)


def _nearest_on_boundary(n_b: float, n_c: float, alternative: Rates, shift: float) -> float:
    """The x where the divergence of (x, x + shift) from the alternative has the slope 0.

    Newton's steps on the slope times x(1-x)y(1-y), a cubic without poles, and halving where they leave the bracket.
    Down to neighbouring floats: an absolute tolerance would be too coarse for rates of 1e-6.
    """
    q_b, q_c = alternative.baseline, alternative.canary
    low, high = max(min(q_b, q_c - shift), 0.0), min(max(q_b, q_c - shift), 1.0 - shift)
    x = (low + high) / 2
    while low < x < high:
        y = x + shift
        variance_b, variance_c = x * (1 - x), y * (1 - y)
        off_b, off_c = n_b * (x - q_b), n_c * (y - q_c)
        value = off_b * variance_c + off_c * variance_b
        if value < 0:
            low = x
        else:
            high = x
        slope = n_b * variance_c + off_b * (1 - 2 * y) + n_c * variance_b + off_c * (1 - 2 * x)
        step = value / slope if slope > 0 else math.inf
        if abs(step) <= 4e-16 * x:
            break
        is_inside = low < x - step < high
        x = x - step if is_inside else (low + high) / 2
        # The steps become smaller by their square: the next one would be below the precision of floats.
        if is_inside and abs(step) <= 1e-9 * x:
            break
    return x


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
