"""Evidence of harm, E_bad: the canary fails more often than the baseline by more than the tolerance.

Half of the stake is on the likelihood of independent failures, which is fast, and half on the symmetry of the pair,
which stays right when failures come in bursts; an average of two e-processes is one. With a tolerance, or
with the stable pods on the baseline's side, there is no symmetry to bet on, and the likelihood part is the whole.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serin.core.evidence import pairs
from serin.core.evidence.counts import Increments
from serin.core.evidence.dispersion import Dispersion
from serin.core.evidence.late_starts import log_wealth, not_started, place_and_settle
from serin.core.evidence.likelihood import Rates, log_e_value
from serin.core.evidence.settings import Settings

HIGHEST_ALTERNATIVE = 0.99  # a canary that fails always must still leave a likelihood for the odd success


@dataclass(frozen=True)
class Effect:
    """One alternative: the canary fails more often by `margins` times the margin; `weight` is its part of the stake."""

    margins: float
    weight: float


EFFECTS = (Effect(1.0, 0.4), Effect(2.5, 0.3), Effect(8.0, 0.2), Effect(40.0, 0.1))
_EFFECT_WEIGHTS = tuple(effect.weight for effect in EFFECTS)


@dataclass(frozen=True)
class Harm:
    """The logarithms of all bets so far, in the order of EFFECTS and of `pairs.STAKES`."""

    log_bets: tuple[float, ...] = not_started(len(EFFECTS))
    log_pair_bets: tuple[float, ...] = not_started(len(pairs.STAKES))

    def log_likelihood(self, intervals: int, settings: Settings) -> float:
        """The ln of the likelihood part after so many closed intervals."""
        return log_wealth(self.log_bets, intervals, settings.planned_intervals)

    def log_pairs(self, intervals: int, settings: Settings) -> float:
        """The ln of the part that rests on symmetry."""
        return log_wealth(self.log_pair_bets, intervals, settings.planned_intervals)

    def log_bad(self, intervals: int, settings: Settings) -> float:
        """The ln E_bad."""
        by_likelihood = self.log_likelihood(intervals, settings)
        if settings.tolerance > 0 or settings.control_includes_stable:
            return by_likelihood
        by_symmetry = self.log_pairs(intervals, settings)
        high, low = max(by_likelihood, by_symmetry), min(by_likelihood, by_symmetry)
        return high + math.log1p(math.exp(low - high)) - math.log(2)

    def to_json(self) -> dict[str, Any]:
        """Lists of numbers; empty before the first interval, because JSON knows no -inf."""
        is_started = self.log_bets[0] > -math.inf
        return {
            "logBets": list(self.log_bets) if is_started else [],
            "logPairBets": list(self.log_pair_bets) if is_started else [],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Harm":
        """The evidence that `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        if not data["logBets"]:
            return Harm()
        bets, pair_bets = tuple(map(float, data["logBets"])), tuple(map(float, data["logPairBets"]))
        if (len(bets), len(pair_bets)) != (len(EFFECTS), len(pairs.STAKES)):
            raise ValueError(f"{len(bets)} and {len(pair_bets)} bets, expected {len(EFFECTS)} and {len(pairs.STAKES)}")
        return Harm(bets, pair_bets)


def add_harm(
    harm: Harm, increments: Increments, base_rate: float, dispersion: Dispersion, interval: int, settings: Settings
) -> Harm:
    """The evidence after one more interval, which is number `interval`, counted from 1."""
    planned = settings.planned_intervals
    log_e_by_effect = _log_e_by_effect(increments, base_rate, dispersion.reject, settings)
    # Without symmetry the pair says nothing: every bet is returned as it was placed.
    log_e_by_stake = (0.0,) * len(pairs.STAKES)
    if increments.is_compared and increments.is_symmetric:
        log_e_by_stake = pairs.log_e_values(increments.baseline, increments.canary, dispersion.serial)
    return Harm(
        log_bets=place_and_settle(harm.log_bets, log_e_by_effect, _EFFECT_WEIGHTS, interval, planned),
        log_pair_bets=place_and_settle(harm.log_pair_bets, log_e_by_stake, pairs.WEIGHTS, interval, planned),
    )


def _log_e_by_effect(
    increments: Increments, base_rate: float, phi_reject: float, settings: Settings
) -> tuple[float, ...]:
    """Tempered log e-values against "worse by at most the tolerance", in the order of EFFECTS."""
    margin_now = settings.margin_at(base_rate)
    shift = settings.tolerance * margin_now
    log_e_values = []
    for effect in EFFECTS:
        worse = Rates(base_rate, min(base_rate + effect.margins * margin_now, HIGHEST_ALTERNATIVE))
        # A base rate near the ceiling leaves no room for an alternative; inside the null it would test the opposite.
        is_outside_null = worse.canary - worse.baseline > shift
        log_e = log_e_value(increments.baseline, increments.canary, worse, shift) if is_outside_null else 0.0
        log_e_values.append(log_e / phi_reject)
    return tuple(log_e_values)
