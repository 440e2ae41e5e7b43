"""Evidence against a canary that may be bad from the start or turn bad later.

A bet that runs from the first interval has lost money by the time a late regression begins. So the stake of 1 is
divided in advance: 0.7 starts at once, the rest in equal parts at each later planned interval, and each part over the
alternatives. The wealth is the sum of all bets and of the stake not yet placed; a sum of e-processes with weights
that add up to 1 is an e-process. The idea is that of e-detectors: J. Shin, A. Ramdas, A. Rinaldo, "E-detectors: a
nonparametric framework for sequential change detection" (2024, arXiv 2203.03532), with weights summing to 1 instead
of one full stake per start, because here a false alarm at any time must stay rare.
"""

import math
from collections.abc import Sequence

FIRST_SHARE = 0.7


def start_share(interval: int, planned_intervals: int) -> float:
    """Part of the stake that is placed in this interval (counted from 1); nothing after the planned end."""
    if planned_intervals == 1:
        return 1.0 if interval == 1 else 0.0
    if interval == 1:
        return FIRST_SHARE
    return (1 - FIRST_SHARE) / (planned_intervals - 1) if interval <= planned_intervals else 0.0


def unstarted_share(intervals_closed: int, planned_intervals: int) -> float:
    """Part of the stake that is not placed yet after so many intervals."""
    if intervals_closed == 0:
        return 1.0
    if intervals_closed >= planned_intervals:
        return 0.0
    return (1 - FIRST_SHARE) * (1 - (intervals_closed - 1) / (planned_intervals - 1))


def place_and_settle(
    log_bets: Sequence[float],
    log_e_values: Sequence[float],
    weights: Sequence[float],
    interval: int,
    planned_intervals: int,
) -> tuple[float, ...]:
    """Logarithm of the wealth per alternative after an interval: new stakes are placed first, then the interval counts.

    The three sequences are in the same order, the weights add up to 1; `interval` counts from 1.
    """
    share = start_share(interval, planned_intervals)
    return tuple(
        log_e + _log_add(log_bet, _log(share * weight))
        for weight, log_bet, log_e in zip(weights, log_bets, log_e_values, strict=True)
    )


def log_wealth(log_bets: Sequence[float], intervals_closed: int, planned_intervals: int) -> float:
    """Natural logarithm of the evidence: all bets and the stake not yet placed. 0 before the first interval."""
    total = _log(unstarted_share(intervals_closed, planned_intervals))
    for log_bet in log_bets:
        total = _log_add(total, log_bet)
    return total


def not_started(alternatives: int) -> tuple[float, ...]:
    """The bets before the first interval: nothing is placed."""
    return (-math.inf,) * alternatives


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _log_add(a: float, b: float) -> float:
    """log(exp(a) + exp(b)) without overflow."""
    high, low = (a, b) if a > b else (b, a)  # some hundred times in a decision: no calls
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
