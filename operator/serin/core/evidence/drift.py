"""Whether a canary predicts other classes than the baseline: the effect is judged, not its significance.

Every retrained model differs from the old one, and with enough predictions every test of equality says so. So the
question is whether more than `limit` of all predictions moved to another class (total variation), and two sequential
tests answer it, valid at every look as those of `verdict` are:
- E_bad tests "at most the limit moved". It bets on the classes that looked inflated in *earlier* intervals: that a
  prediction falls into one of them more often by more than the limit. Any choice made beforehand is a fair one.
- E_good tests "more than the limit moved", once for each set of classes: if that many moved, there is a set into which
  they moved. Each of these tests must once have reached 1 / false_promote; a canary beyond the limit passes the one for
  its set with probability at most false_promote, so nothing is to be corrected.
Both are tempered by a dispersion that the stable pods' two halves tell: predictions come in batches and sessions.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from serin.core.evidence.base_rate import HALF_LIFE_SECONDS
from serin.core.evidence.categories import ByClass, CategoryIncrements
from serin.core.evidence.counts import Counts
from serin.core.evidence.drift_measures import (
    g_statistic,
    jensen_shannon_bits,
    population_stability_index,
    total_variation,
)
from serin.core.evidence.likelihood import Rates, log_e_value
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import LARGEST_LOG_SHOWN

BET_FROM_LIMITS = 1.2
"""A bet is placed only while the difference looks larger than so many limits, and so many predictions are known."""
BET_FROM_PREDICTIONS = 50

SMALLEST_SHARE = 1e-6

# Imagined chi-square and degrees of freedom. Of intervals: doubt at first, which some of them settle. Of longer blocks,
# which come slowly and show what lasts over intervals: evenness.
INTERVAL_PRIOR = (30.0, 10.0)
BLOCK_PRIOR = (10.0, 10.0)


@dataclass(frozen=True)
class DriftSettings:
    """`limit` is a share of all predictions; what all metrics of a plan have in common is in `shared`."""

    shared: Settings
    limit: float = 0.05
    is_enforced: bool = False  # rejects and holds a promotion; else it is only told

    def __post_init__(self) -> None:
        if not 0 < self.limit < 1:
            raise ValueError(f"limit is {self.limit}, expected a number between 0 and 1")


@dataclass(frozen=True)
class Spread:
    """How much more than by chance the halves of the stable pods differ: chi-squares and their degrees of freedom.

    In single intervals, where batches show, and in blocks of a minute, where sessions do.
    """

    interval_squares: float = 0.0
    interval_degrees: float = 0.0
    block_squares: float = 0.0
    block_degrees: float = 0.0
    open_seconds: float = 0.0
    open_halves: tuple[ByClass, ByClass] = ((), ())

    @property
    def dispersion(self) -> float:
        """Divisor of the logarithms of evidence, at least 1."""
        by_interval = (INTERVAL_PRIOR[0] + self.interval_squares) / (INTERVAL_PRIOR[1] + self.interval_degrees)
        by_block = (BLOCK_PRIOR[0] + self.block_squares) / (BLOCK_PRIOR[1] + self.block_degrees)
        return max(1.0, by_interval, by_block)

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into an equal spread, bit for bit."""
        return {
            "intervals": [self.interval_squares, self.interval_degrees],
            "blocks": [self.block_squares, self.block_degrees],
            "openSeconds": self.open_seconds,
            "openHalves": [list(half) for half in self.open_halves],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Spread":
        """The spread that `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        first, second = (tuple(map(float, half)) for half in data["openHalves"])
        interval_squares, interval_degrees = map(float, data["intervals"])
        block_squares, block_degrees = map(float, data["blocks"])
        open_seconds = float(data["openSeconds"])
        return Spread(interval_squares, interval_degrees, block_squares, block_degrees, open_seconds, (first, second))


@dataclass(frozen=True)
class DriftState:
    """All running numbers of one comparison of classes. Bounded."""

    baseline: ByClass
    canary: ByClass
    memory: ByClass  # stable and baseline of earlier intervals, halved every HALF_LIFE_SECONDS
    log_goods: Mapping[int, float]  # ln E_good by set of classes, bit i for class i, of the sets not yet proven
    log_bad: float = 0.0
    has_drifted: bool = False  # E_bad has once been at its threshold
    spread: Spread = field(default_factory=Spread)
    data_seconds: float = 0.0

    @staticmethod
    def begin(classes: int) -> "DriftState":
        """Before the first interval, of so many classes, all others included."""
        nothing = (0.0,) * classes
        every_set = range(1, 2**classes - 1)
        return DriftState(nothing, nothing, nothing, dict.fromkeys(every_set, 0.0))

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into an equal state, bit for bit."""
        return {
            "baseline": list(self.baseline),
            "canary": list(self.canary),
            "memory": list(self.memory),
            "logGoods": {str(members): log_good for members, log_good in self.log_goods.items()},
            "logBad": self.log_bad,
            "hasDrifted": self.has_drifted,
            "spread": self.spread.to_json(),
            "dataSeconds": self.data_seconds,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "DriftState":
        """The state that `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        baseline, canary, memory = (tuple(map(float, data[name])) for name in ("baseline", "canary", "memory"))
        if not len(baseline) == len(canary) == len(memory):
            raise ValueError(f"{len(baseline)}, {len(canary)} and {len(memory)} classes, expected as many of each")
        return DriftState(
            baseline=baseline,
            canary=canary,
            memory=memory,
            log_goods={int(members): float(log_good) for members, log_good in data["logGoods"].items()},
            log_bad=float(data["logBad"]),
            has_drifted=bool(data["hasDrifted"]),
            spread=Spread.from_json(data["spread"]),
            data_seconds=float(data["dataSeconds"]),
        )


@dataclass(frozen=True)
class DriftJudgement:
    """What the state says, with the numbers that explain it to people. Predictions are those of compared intervals."""

    is_good_enough: bool
    has_drifted: bool
    good: float  # way to "at most the limit", 0..1, of the set of classes that is furthest from it
    bad: float  # way to "more than the limit", 0..1
    evidence_good: float
    evidence_bad: float
    baseline: ByClass
    canary: ByClass
    total_variation: float
    psi: float
    jensen_shannon_bits: float
    g: float
    dispersion: float
    data_seconds: float


def advance_drift(state: DriftState, increments: CategoryIncrements, settings: DriftSettings) -> DriftState:
    """The state after one more closed interval. One without predictions of both variants moves no evidence."""
    dispersion = state.spread.dispersion
    known = _add(_add(state.memory, increments.stable), (1.0,) * len(state.memory))
    shares = tuple(count / sum(known) for count in known)
    kept = 0.5 ** (increments.seconds / HALF_LIFE_SECONDS)
    memory = tuple(kept * count for count in _add(state.memory, _add(increments.stable, increments.baseline)))
    log_bad, log_goods = state.log_bad, state.log_goods
    if increments.is_compared:
        log_bad += _log_bet(state, increments, settings) / dispersion
        log_goods = _add_proof(log_goods, increments, shares, dispersion, settings)
    return DriftState(
        baseline=_add(state.baseline, increments.baseline) if increments.is_compared else state.baseline,
        canary=_add(state.canary, increments.canary) if increments.is_compared else state.canary,
        memory=memory,
        log_goods=log_goods,
        log_bad=log_bad,
        has_drifted=state.has_drifted or log_bad >= settings.shared.log_reject,
        spread=_learn(state.spread, increments, settings.shared),
        data_seconds=state.data_seconds + (increments.seconds if increments.is_compared else 0.0),
    )


def judge_drift(state: DriftState, settings: DriftSettings) -> DriftJudgement:
    """What the state says under these settings."""
    log_promote, log_reject = settings.shared.log_promote, settings.shared.log_reject
    log_good = min(state.log_goods.values(), default=log_promote)
    return DriftJudgement(
        is_good_enough=not state.log_goods,
        has_drifted=state.has_drifted,
        good=min(max(log_good / log_promote, 0.0), 1.0),
        bad=min(max(state.log_bad / log_reject, 0.0), 1.0),
        evidence_good=math.exp(min(log_good, LARGEST_LOG_SHOWN)),
        evidence_bad=math.exp(min(state.log_bad, LARGEST_LOG_SHOWN)),
        baseline=state.baseline,
        canary=state.canary,
        total_variation=total_variation(state.baseline, state.canary),
        psi=population_stability_index(state.baseline, state.canary),
        jensen_shannon_bits=jensen_shannon_bits(state.baseline, state.canary),
        g=g_statistic(state.baseline, state.canary),
        dispersion=state.spread.dispersion,
        data_seconds=state.data_seconds,
    )


def _log_bet(state: DriftState, increments: CategoryIncrements, settings: DriftSettings) -> float:
    """The ln e-value of this interval against "at most the limit moved"; 0 where nothing is bet."""
    n_b, n_c = sum(state.baseline), sum(state.canary)
    if min(n_b, n_c) < BET_FROM_PREDICTIONS:
        return 0.0
    inflated = sum(
        1 << i for i, (b, c) in enumerate(zip(state.baseline, state.canary, strict=True)) if c / n_c > b / n_b
    )
    expected = Rates(
        _clipped((_within(state.baseline, inflated) + 0.5) / (n_b + 1)),
        _clipped((_within(state.canary, inflated) + 0.5) / (n_c + 1)),
    )
    if expected.canary - expected.baseline <= BET_FROM_LIMITS * settings.limit:
        return 0.0
    return log_e_value(*_counts(increments, inflated), expected, settings.limit)


def _add_proof(
    log_goods: Mapping[int, float],
    increments: CategoryIncrements,
    shares: ByClass,
    dispersion: float,
    settings: DriftSettings,
) -> Mapping[int, float]:
    """The evidence per set of classes after this interval, without the sets for which it is enough."""
    after = {}
    for members, log_good in log_goods.items():
        share = _clipped(_within(shares, members))
        log_e = log_e_value(*_counts(increments, members), Rates(share, share), settings.limit)
        if log_good + log_e / dispersion < settings.shared.log_promote:
            after[members] = log_good + log_e / dispersion
    return after


def _learn(spread: Spread, increments: CategoryIncrements, settings: Settings) -> Spread:
    if increments.stable_halves is None:
        return spread
    square, degrees = _pearson(*increments.stable_halves)
    nothing = (0.0,) * len(increments.stable)
    first, second = (
        _add(before or nothing, new) for before, new in zip(spread.open_halves, increments.stable_halves, strict=True)
    )
    after = replace(
        spread,
        interval_squares=spread.interval_squares + square,
        interval_degrees=spread.interval_degrees + degrees,
        open_seconds=spread.open_seconds + increments.seconds,
        open_halves=(first, second),
    )
    # To the nearest interval: scrapes are never exactly on time.
    if after.open_seconds + settings.interval_seconds / 2 <= settings.block_seconds:
        return after
    square, degrees = _pearson(first, second)
    return replace(
        after,
        block_squares=spread.block_squares + square,
        block_degrees=spread.block_degrees + degrees,
        open_seconds=0.0,
        open_halves=(nothing, nothing),
    )


def _pearson(first: ByClass, second: ByClass) -> tuple[float, float]:
    """Chi-square of equal shares in both halves, and its degrees of freedom; its mean is these, but for bursts."""
    n_1, n_2 = sum(first), sum(second)
    if n_1 == 0 or n_2 == 0:
        return 0.0, 0.0
    square, seen = 0.0, 0
    for a, b in zip(first, second, strict=True):
        if a + b > 0:
            seen += 1
            share = (a + b) / (n_1 + n_2)
            square += (a - n_1 * share) ** 2 / (n_1 * share) + (b - n_2 * share) ** 2 / (n_2 * share)
    return square, float(seen - 1)


def _counts(increments: CategoryIncrements, members: int) -> tuple[Counts, Counts]:
    """Of baseline and canary: all predictions, and those in the set as its "failures"."""
    baseline, canary = (
        Counts(total, min(_within(counts, members), total))
        for counts in (increments.baseline, increments.canary)
        for total in (sum(counts),)
    )
    return baseline, canary


def _within(counts: ByClass, members: int) -> float:
    return sum(count for i, count in enumerate(counts) if members >> i & 1)


def _clipped(share: float) -> float:
    return min(max(share, SMALLEST_SHARE), 1 - SMALLEST_SHARE)


def _add(one: ByClass, other: ByClass) -> ByClass:
    return tuple(a + b for a, b in zip(one, other, strict=True))
