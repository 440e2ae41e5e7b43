"""Tests of baseline against canary from the textbook and from the field, one look every 10 s; all at 5 % and 5 %.

Each has two one-sided halves: rejected when "not worse" is refuted, promoted when "worse by the margin" is.
"""

from __future__ import annotations

import math

import numpy as np
from verdict.decisions import NEVER, Decisions, decide_first, first_true
from verdict.scenarios import MINUTE, Scenario
from verdict.traffic import BASELINE, CANARY, Floats, Ints, Paths

ALPHA = BETA = 0.05
Z_95 = 1.6448536269514722
KAYENTA_TOLERANCE, KAYENTA_Z_98 = 0.25, 2.3263478740408408


def _sums(paths: Paths) -> tuple[Ints, Ints, Ints, Ints]:
    """Requests and failures of baseline and of canary from the start until each interval."""
    n, f = paths.requests.cumsum(axis=1), paths.failures.cumsum(axis=1)
    return n[..., BASELINE], f[..., BASELINE], n[..., CANARY], f[..., CANARY]


def _z_scores(paths: Paths, margin: float) -> tuple[Floats, Floats]:
    """Of "equal" and of "worse by the margin", by run and interval; half a failure is added, so that 0 has a spread."""
    n_b, f_b, n_c, f_c = _sums(paths)
    p_b, p_c = (f_b + 0.5) / (n_b + 1), (f_c + 0.5) / (n_c + 1)
    pooled = (f_b + f_c + 1) / (n_b + n_c + 2)
    equal = (p_c - p_b) / np.sqrt(pooled * (1 - pooled) * (1 / (n_b + 1) + 1 / (n_c + 1)))
    worse = (p_c - p_b - margin) / np.sqrt(p_b * (1 - p_b) / (n_b + 1) + p_c * (1 - p_c) / (n_c + 1))
    return equal, worse


def decide_z_peeking(paths: Paths, scenario: Scenario) -> Decisions:
    """The same two z-tests at every look, as a dashboard invites to."""
    equal, worse = _z_scores(paths, scenario.margin)
    return decide_first(paths, first_true(equal > Z_95), first_true(worse < -Z_95))


def decide_z_fixed(paths: Paths, scenario: Scenario) -> Decisions:
    """One look, after 30 minutes."""
    equal, worse = _z_scores(paths, scenario.margin)
    horizon = equal.shape[1]
    return decide_first(
        paths, np.where(equal[:, -1] > Z_95, horizon, NEVER), np.where(worse[:, -1] < -Z_95, horizon, NEVER)
    )


def decide_sprt(paths: Paths, scenario: Scenario) -> Decisions:
    """Wald's test on whose failure each is; the true base rate is declared, hence the ratio of rates at the margin."""
    n, f = paths.requests, paths.failures
    all_requests = np.maximum(n[..., BASELINE] + n[..., CANARY], 1)
    share = n[..., CANARY] / all_requests
    ratio = 1 + scenario.margin / scenario.base_rate
    grown = np.log(share * ratio + 1 - share)
    steps = f[..., CANARY] * (math.log(ratio) - grown) - f[..., BASELINE] * grown
    # A failure is nobody's choice where only one of the two had requests.
    log_ratio = np.where((n[..., BASELINE] > 0) & (n[..., CANARY] > 0), steps, 0.0).cumsum(axis=1)
    rejects = log_ratio >= math.log((1 - BETA) / ALPHA)
    return decide_first(paths, first_true(rejects), first_true(log_ratio <= math.log(BETA / (1 - ALPHA))))


def decide_msprt(paths: Paths, scenario: Scenario) -> Decisions:
    """Mixture SPRT (Johari et al., Optimizely), normal approximation, mixed over N(0, margin²)."""
    n_b, f_b, n_c, f_c = _sums(paths)
    pooled = (f_b + f_c + 1) / (n_b + n_c + 2)
    variance = pooled * (1 - pooled) * (1 / (n_b + 1) + 1 / (n_c + 1))
    difference = f_c / np.maximum(n_c, 1) - f_b / np.maximum(n_b, 1)
    tau_squared = scenario.margin**2

    def log_lambda(distance: Floats) -> Floats:
        exponent = tau_squared * distance**2 / (2 * variance * (variance + tau_squared))
        result: Floats = 0.5 * np.log(variance / (variance + tau_squared)) + exponent
        return result

    off = difference - scenario.margin
    rejects = (difference > 0) & (log_lambda(difference) >= -math.log(ALPHA))
    promotes = (off < 0) & (log_lambda(off) >= -math.log(BETA))
    return decide_first(paths, first_true(rejects), first_true(promotes))


def decide_asymptotic(paths: Paths, scenario: Scenario) -> Decisions:
    """Asymptotic confidence sequence (Waudby-Smith et al., arXiv 2103.06476) on the differences of interval rates.

    One-sided by twice the level; tuned to be tightest after 60 intervals, first looked at after 6.
    """
    n, f = paths.requests, paths.failures
    is_compared = (n[..., BASELINE] > 0) & (n[..., CANARY] > 0)
    rates = f / np.maximum(n, 1)
    difference = np.where(is_compared, rates[..., CANARY] - rates[..., BASELINE], 0.0)
    seen = is_compared.cumsum(axis=1)
    count = np.maximum(seen, 1)
    mean = difference.cumsum(axis=1) / count
    deviation = np.sqrt(np.maximum((difference**2).cumsum(axis=1) / count - mean**2, 0.0))
    level = 2 * ALPHA
    rho_squared = (-2 * math.log(level) + math.log(-2 * math.log(level)) + 1) / 60
    spread = count * rho_squared + 1
    radius = deviation * np.sqrt(2 * spread / (count**2 * rho_squared) * np.log(np.sqrt(spread) / level))
    may_look = (seen >= MINUTE) & (deviation > 0)
    rejects, promotes = may_look & (mean - radius > 0), may_look & (mean + radius < scenario.margin)
    return decide_first(paths, first_true(rejects), first_true(promotes))


def decide_kayenta(paths: Paths, scenario: Scenario) -> Decisions:
    """NetflixACAJudge on 30 points of one minute: Mann-Whitney interval (98 %) of the Hodges-Lehmann shift.

    Rejected when the lower end is above a quarter of the estimate. The interval's ends are order statistics of all
    differences of two points; a minute without requests has the rate 0.
    """
    runs, horizon, _ = paths.requests.shape
    points = horizon // MINUTE
    n = paths.requests.reshape(runs, points, MINUTE, -1).sum(axis=2)
    f = paths.failures.reshape(runs, points, MINUTE, -1).sum(axis=2)
    rates = f / np.maximum(n, 1)
    shifts = np.sort((rates[:, :, None, CANARY] - rates[:, None, :, BASELINE]).reshape(runs, -1), axis=1)
    off_centre = KAYENTA_Z_98 * math.sqrt(points * points * (2 * points + 1) / 12)
    lower = shifts[:, max(0, math.floor(points * points / 2 - off_centre))]
    is_high = lower > KAYENTA_TOLERANCE * np.maximum(np.median(shifts, axis=1), 0.0)
    return decide_first(paths, np.where(is_high, horizon, NEVER), np.full(runs, horizon))
