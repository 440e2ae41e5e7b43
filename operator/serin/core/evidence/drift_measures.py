"""How far two distributions over the same classes lie apart. Described with, and but for the first never decided on.

Under equality the expected PSI is about (classes - 1)(1/n_b + 1/n_c), so the customary alarm at 0.1 is noise at 100
predictions and a movement of some 15 % of all predictions at 10,000. The total variation says what people ask.
"""

import math
from collections.abc import Iterator, Sequence

LEAST_COUNT = 0.5
"""Instead of 0 where a logarithm of a ratio would be infinite."""


def total_variation(baseline: Sequence[float], canary: Sequence[float]) -> float:
    """Share of the predictions, 0..1, that would have to change their class to make both equal; 0 without any."""
    return sum(abs(q - p) for p, q in _shares(baseline, canary)) / 2


def population_stability_index(baseline: Sequence[float], canary: Sequence[float]) -> float:
    """PSI: sum of (q - p) ln(q / p)."""
    n_b, n_c = sum(baseline), sum(canary)
    if n_b == 0 or n_c == 0:
        return 0.0
    both = [(b, c) for b, c in zip(baseline, canary, strict=True) if b + c > 0]
    pairs = [(max(b, LEAST_COUNT) / n_b, max(c, LEAST_COUNT) / n_c) for b, c in both]
    return sum((q - p) * math.log(q / p) for p, q in pairs)


def jensen_shannon_bits(baseline: Sequence[float], canary: Sequence[float]) -> float:
    """Jensen-Shannon divergence, 0..1 bit, both distributions with equal weight."""
    return sum(_to_middle(p, (p + q) / 2) + _to_middle(q, (p + q) / 2) for p, q in _shares(baseline, canary)) / (
        2 * math.log(2)
    )


def g_statistic(baseline: Sequence[float], canary: Sequence[float]) -> float:
    """Likelihood ratio statistic of equality, 2 sum of O ln(O / E): about chi-square with (classes - 1) degrees."""
    n_b, n_c = sum(baseline), sum(canary)
    total = 0.0
    for b, c in zip(baseline, canary, strict=True):
        pooled = (b + c) / (n_b + n_c) if n_b + n_c else 0.0
        total += _to_middle(b, n_b * pooled) + _to_middle(c, n_c * pooled)
    return 2 * total


def _shares(baseline: Sequence[float], canary: Sequence[float]) -> Iterator[tuple[float, float]]:
    n_b, n_c = sum(baseline), sum(canary)
    if n_b == 0 or n_c == 0:
        return
    for b, c in zip(baseline, canary, strict=True):
        yield b / n_b, c / n_c


def _to_middle(part: float, middle: float) -> float:
    return part * math.log(part / middle) if part > 0 else 0.0
