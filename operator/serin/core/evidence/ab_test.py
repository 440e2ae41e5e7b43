"""Which of two versions does a share of users or sessions turn into a success more often: an A/B test at all looks.

Four running tests, each an e-process at every look (Ville's inequality), of the counts of both in each interval:
- better, worse: against "the canary succeeds no more often" and "no less often". The alternatives are differences of
  1, 2.5, 8 and 40 times the smallest difference that matters; what they have in common is the share of successes in
  earlier intervals. Each of the two has half of `falseReject`, so that two equal versions are called different with
  at most `falseReject`.
- no gain, no loss: against "the canary succeeds more often by the minimum effect or more" and the same of the baseline.
  Both at 1 / falsePromote say that no difference as large is there; of one that is, with at most `falsePromote`.
Each interval's e-value is that of R. Turner, A. Ly, P. Gruenwald (likelihood.py). Its logarithm is divided by a
dispersion >= 1, learned from how much the difference scatters over blocks of a minute, of earlier blocks alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from serin.core.evidence.counts import Counts
from serin.core.evidence.likelihood import Rates, log_e_value
from serin.core.evidence.verdict import LARGEST_LOG_SHOWN

EFFECTS: Final = ((1.0, 0.4), (2.5, 0.3), (8.0, 0.2), (40.0, 0.1))
"""Multiples of the minimum effect, and the part of the stake on each."""

BLOCK_SECONDS: Final = 60.0
# Squares and their expectation: without anything seen, logarithms are divided by 3.
DISPERSION_PRIOR: Final = (12.0, 4.0)
SMALLEST_SHARE, LARGEST_SHARE = 1e-6, 0.999


class AbOutcome(StrEnum):
    """What the counts say by now."""

    UNDECIDED = "Undecided"
    CANARY_WINS = "CanaryWins"
    STABLE_WINS = "StableWins"
    NO_DIFFERENCE = "NoDifference"


@dataclass(frozen=True)
class AbSettings:
    """`minimum_effect` is the smallest difference of the shares that matters; the error rates are those of the plan."""

    minimum_effect: float
    false_reject: float = 0.01
    false_promote: float = 0.05

    def __post_init__(self) -> None:
        for name in ("minimum_effect", "false_reject", "false_promote"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a number between 0 and 1")

    @property
    def log_winner(self) -> float:
        """The ln evidence that makes one of the two the winner."""
        return math.log(2 / self.false_reject)

    @property
    def log_no_difference(self) -> float:
        return -math.log(self.false_promote)


@dataclass(frozen=True)
class Scatter:
    """Of the standardized difference in whole blocks: how many, their mean, their squares around it; the open block."""

    blocks: float = 0.0
    mean: float = 0.0
    squares: float = 0.0
    seconds: float = 0.0
    baseline: Counts = field(default_factory=Counts)
    canary: Counts = field(default_factory=Counts)

    @property
    def dispersion(self) -> float:
        """A true difference shifts all blocks alike, and is no scatter."""
        squares, expected = DISPERSION_PRIOR
        return max(1.0, (squares + self.squares) / (expected + max(0.0, self.blocks - 1)))

    def add(self, baseline: Counts, canary: Counts, seconds: float) -> "Scatter":
        whole = Scatter(
            self.blocks,
            self.mean,
            self.squares,
            self.seconds + seconds,
            self.baseline + baseline,
            self.canary + canary,
        )
        if whole.seconds < BLOCK_SECONDS:
            return whole
        found = _standardized_difference(whole.baseline, whole.canary)
        if found is None:
            return Scatter(self.blocks, self.mean, self.squares)
        blocks = self.blocks + 1
        mean = self.mean + (found - self.mean) / blocks
        return Scatter(blocks, mean, self.squares + (found - self.mean) * (found - mean))

    def to_json(self) -> list[float]:
        sums = [self.blocks, self.mean, self.squares, self.seconds]
        return [*sums, self.baseline.requests, self.baseline.failures, self.canary.requests, self.canary.failures]

    @staticmethod
    def from_json(data: Any) -> "Scatter":
        blocks, mean, squares, seconds, n_b, s_b, n_c, s_c = map(float, data)
        return Scatter(blocks, mean, squares, seconds, Counts(n_b, s_b), Counts(n_c, s_c))


@dataclass(frozen=True)
class AbState:
    """All running numbers. Bounded. Of `Counts` here, what else is called a failure is a success."""

    baseline: Counts = field(default_factory=Counts)
    canary: Counts = field(default_factory=Counts)
    log_better: tuple[float, ...] = (0.0,) * len(EFFECTS)
    log_worse: tuple[float, ...] = (0.0,) * len(EFFECTS)
    log_no_gain: float = 0.0
    log_no_loss: float = 0.0
    reached: frozenset[str] = frozenset()  # a crossing counts for good
    scatter: Scatter = field(default_factory=Scatter)

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into an equal state, bit for bit."""
        return {
            "baseline": [self.baseline.requests, self.baseline.failures],
            "canary": [self.canary.requests, self.canary.failures],
            "logBetter": list(self.log_better),
            "logWorse": list(self.log_worse),
            "logNoGain": self.log_no_gain,
            "logNoLoss": self.log_no_loss,
            "reached": sorted(self.reached),
            "scatter": self.scatter.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "AbState":
        """The state that `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        better, worse = tuple(map(float, data["logBetter"])), tuple(map(float, data["logWorse"]))
        if not len(better) == len(worse) == len(EFFECTS):
            raise ValueError(f"{len(better)} and {len(worse)} bets, expected {len(EFFECTS)} of each")
        return AbState(
            baseline=Counts(*map(float, data["baseline"])),
            canary=Counts(*map(float, data["canary"])),
            log_better=better,
            log_worse=worse,
            log_no_gain=float(data["logNoGain"]),
            log_no_loss=float(data["logNoLoss"]),
            reached=frozenset(map(str, data["reached"])),
            scatter=Scatter.from_json(data["scatter"]),
        )


@dataclass(frozen=True)
class AbJudgement:
    """The outcome with the numbers that explain it. Evidence is that against the opposite; 1 is none."""

    outcome: AbOutcome
    baseline: Counts
    canary: Counts
    better: float
    worse: float
    no_gain: float
    no_loss: float
    dispersion: float

    @property
    def difference(self) -> float:
        """Share of successes of the canary minus that of the baseline, as counted."""
        return self.canary.failure_rate - self.baseline.failure_rate


def advance_ab(state: AbState, baseline: Counts, canary: Counts, seconds: float, settings: AbSettings) -> AbState:
    """The state after one more interval: totals, and successes in the place of failures."""
    if baseline.requests == 0 or canary.requests == 0:
        return state
    known = state.baseline + state.canary
    share = min(max((known.failures + 0.5) / (known.requests + 1), SMALLEST_SHARE), LARGEST_SHARE)
    phi, effect, equal = state.scatter.dispersion, settings.minimum_effect, Rates(share, share)
    better = _add_bets(state.log_better, (baseline, canary), share, phi, settings)
    worse = _add_bets(state.log_worse, (canary, baseline), share, phi, settings)
    no_gain = state.log_no_gain + log_e_value(baseline, canary, equal, effect) / phi
    no_loss = state.log_no_loss + log_e_value(canary, baseline, equal, effect) / phi
    crossed = {
        name
        for name, log_evidence, threshold in (
            ("better", _log_mean(better), settings.log_winner),
            ("worse", _log_mean(worse), settings.log_winner),
            ("noGain", no_gain, settings.log_no_difference),
            ("noLoss", no_loss, settings.log_no_difference),
        )
        if log_evidence >= threshold
    }
    return AbState(
        baseline=state.baseline + baseline,
        canary=state.canary + canary,
        log_better=better,
        log_worse=worse,
        log_no_gain=no_gain,
        log_no_loss=no_loss,
        reached=state.reached | crossed,
        scatter=state.scatter.add(baseline, canary, seconds),
    )


def judge_ab(state: AbState) -> AbJudgement:
    return AbJudgement(
        outcome=_decide(state.reached),
        baseline=state.baseline,
        canary=state.canary,
        better=_exp(_log_mean(state.log_better)),
        worse=_exp(_log_mean(state.log_worse)),
        no_gain=_exp(state.log_no_gain),
        no_loss=_exp(state.log_no_loss),
        dispersion=state.scatter.dispersion,
    )


def _decide(reached: frozenset[str]) -> AbOutcome:
    if "worse" in reached:
        return AbOutcome.STABLE_WINS
    if "better" in reached:
        return AbOutcome.CANARY_WINS
    return AbOutcome.NO_DIFFERENCE if {"noGain", "noLoss"} <= reached else AbOutcome.UNDECIDED


def _add_bets(
    bets: tuple[float, ...], sides: tuple[Counts, Counts], share: float, phi: float, settings: AbSettings
) -> tuple[float, ...]:
    """Bets that the second side succeeds more often than the first."""
    first, second = sides
    after = []
    for bet, (times, _) in zip(bets, EFFECTS, strict=True):
        claimed = Rates(share, min(share + times * settings.minimum_effect, LARGEST_SHARE))
        is_alternative = claimed.canary > claimed.baseline
        after.append(bet + (log_e_value(first, second, claimed, 0.0) / phi if is_alternative else 0.0))
    return tuple(after)


def _log_mean(bets: tuple[float, ...]) -> float:
    most = max(bets)
    return most + math.log(
        math.fsum(weight * math.exp(bet - most) for bet, (_, weight) in zip(bets, EFFECTS, strict=True))
    )


def _exp(log_evidence: float) -> float:
    return math.exp(min(log_evidence, LARGEST_LOG_SHOWN))


def _standardized_difference(baseline: Counts, canary: Counts) -> float | None:
    """None where every request or none succeeded: there is no scatter to see."""
    if baseline.requests == 0 or canary.requests == 0:
        return None
    share = (baseline.failures + canary.failures) / (baseline.requests + canary.requests)
    variance = share * (1 - share) * (1 / baseline.requests + 1 / canary.requests)
    return (canary.failure_rate - baseline.failure_rate) / math.sqrt(variance) if variance > 0 else None
