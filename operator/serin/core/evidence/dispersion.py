"""How far failures are from independent, learned from the stable pods, which are not part of the comparison.

The stable pods are split into two halves. Where these differ by more than chance, failures come in bursts, and every
piece of evidence is worth less: its logarithm is divided by a dispersion. A divisor >= 1 that was known before the
interval keeps the mean of an e-value <= 1, so a wrong one costs speed and, where it is too small, the protection
against bursts, but never the error bounds for independent failures.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from serin.core.evidence import pairs
from serin.core.evidence.base_rate import is_outage
from serin.core.evidence.counts import Counts, StableHalves
from serin.core.evidence.settings import Settings

# Pseudo-observations (sum of squares, failures): with history independent failures are believed soon, without it not.
PRIOR_WITH_HISTORY = (20.0, 20.0)
PRIOR_WITHOUT_HISTORY = (90.0, 30.0)
LEAST_REJECT_WITHOUT_HISTORY = 10.0
# Expected square of a score times twice the intervals of a block: how much the prior "no serial dependence" weighs.
SERIAL_PRIOR_PER_INTERVAL = 2 * 0.3
# A burst counts beyond 3 standard deviations, and only 4 times as large a one may reject alone.
BURST_DEVIATIONS, BURST_SCALE = 3.0, 4.0


class Source(StrEnum):
    """Where the dispersion comes from."""

    HISTORY = "History"
    RUNNING = "Running"
    PRIOR = "Prior"
    FIXED = "Fixed"


@dataclass(frozen=True)
class Dispersion:
    """Divisors >= 1 of the logarithms of evidence: for E_bad's likelihood, for E_good, and for E_bad's pairs."""

    reject: float
    promote: float
    serial: float
    source: Source


@dataclass(frozen=True)
class HistoryInterval:
    """What the stable pods did in an interval before the comparison."""

    halves: StableHalves
    seconds: float


@dataclass(frozen=True)
class Block:
    """Some intervals of both halves together: bursts reach over the end of a short interval."""

    seconds: float = 0.0
    first: Counts = field(default_factory=Counts)
    second: Counts = field(default_factory=Counts)

    def add(self, halves: StableHalves, seconds: float) -> "Block":
        return Block(self.seconds + seconds, self.first + halves.first, self.second + halves.second)

    @property
    def is_comparable(self) -> bool:
        return self.first.requests > 0 and self.second.requests > 0

    @property
    def failures(self) -> float:
        return self.first.failures + self.second.failures

    @property
    def square(self) -> float:
        """Squared difference of the halves, in units of what one independent failure adds on average."""
        share = self.second.requests / (self.first.requests + self.second.requests)
        return (self.second.failures - share * self.failures) ** 2 / (share * (1 - share))

    @property
    def burst(self) -> float:
        """The dispersion at which this block, had it hit one variant, would not have rejected alone."""
        return (math.sqrt(self.square) - BURST_DEVIATIONS * math.sqrt(self.failures)) / BURST_SCALE


@dataclass(frozen=True)
class SerialBlock:
    """The pair scores of the halves in some intervals in a row: what lasts over intervals adds up in their sum."""

    seconds: float = 0.0
    score: float = 0.0
    squares: float = 0.0

    def add(self, score: float, seconds: float) -> "SerialBlock":
        return SerialBlock(self.seconds + seconds, self.score + score, self.squares + score * score)


@dataclass(frozen=True)
class Bursts:
    """Sums over the closed blocks, and the blocks that are still open. Bounded."""

    has_history: bool = False
    squares: float = 0.0
    failures: float = 0.0
    largest_burst: float = 0.0  # in history
    score_squares: float = 0.0
    squares_of_sums: float = 0.0
    block: Block = field(default_factory=Block)
    serial_block: SerialBlock = field(default_factory=SerialBlock)

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into equal sums, bit for bit."""
        first, second = self.block.first, self.block.second
        return {
            "hasHistory": self.has_history,
            "squares": self.squares,
            "failures": self.failures,
            "largestBurst": self.largest_burst,
            "scoreSquares": self.score_squares,
            "squaresOfSums": self.squares_of_sums,
            "block": [self.block.seconds, first.requests, first.failures, second.requests, second.failures],
            "serialBlock": [self.serial_block.seconds, self.serial_block.score, self.serial_block.squares],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Bursts":
        """The sums that `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        seconds, n1, f1, n2, f2 = map(float, data["block"])
        return Bursts(
            has_history=bool(data["hasHistory"]),
            squares=float(data["squares"]),
            failures=float(data["failures"]),
            largest_burst=float(data["largestBurst"]),
            score_squares=float(data["scoreSquares"]),
            squares_of_sums=float(data["squaresOfSums"]),
            block=Block(seconds, Counts(n1, f1), Counts(n2, f2)),
            serial_block=SerialBlock(*map(float, data["serialBlock"])),
        )


def learn_history(history: Iterable[HistoryInterval], settings: Settings) -> Bursts:
    """What the intervals before the comparison, in their order, teach."""
    bursts = Bursts()
    for past in history:
        if is_outage(past.halves.first + past.halves.second):
            continue
        block = bursts.block.add(past.halves, past.seconds)
        bursts = learn(bursts, past.halves, past.seconds, settings)
        if bursts.block.seconds == 0 and block.is_comparable:
            bursts = replace(bursts, has_history=True, largest_burst=max(bursts.largest_burst, block.burst))
    # A block must not reach over the gap between history and comparison.
    return replace(bursts, block=Block(), serial_block=SerialBlock())


def learn(bursts: Bursts, halves: StableHalves, seconds: float, settings: Settings) -> Bursts:
    """The sums after one more interval of the stable halves."""
    block = bursts.block.add(halves, seconds)
    serial_block = bursts.serial_block.add(pairs.score(halves.first, halves.second), seconds)
    if _is_full(block.seconds, settings.block_seconds, settings):
        if block.is_comparable:
            bursts = replace(bursts, squares=bursts.squares + block.square, failures=bursts.failures + block.failures)
        block = Block()
    if _is_full(serial_block.seconds, settings.serial_block_seconds, settings):
        bursts = replace(
            bursts,
            score_squares=bursts.score_squares + serial_block.squares,
            squares_of_sums=bursts.squares_of_sums + serial_block.score**2,
        )
        serial_block = SerialBlock()
    return replace(bursts, block=block, serial_block=serial_block)


def _is_full(seconds: float, wanted_seconds: float, settings: Settings) -> bool:
    """To the nearest interval: scrapes are never exactly on time."""
    return seconds + settings.interval_seconds / 2 > wanted_seconds


def decide_dispersion(bursts: Bursts, settings: Settings) -> Dispersion:
    """The divisors for the next interval. They depend on earlier ones only; that keeps the tests valid."""
    if settings.fixed_dispersion is not None:
        return Dispersion(settings.fixed_dispersion, settings.fixed_dispersion, 1.0, Source.FIXED)
    squares, failures = PRIOR_WITH_HISTORY if bursts.has_history else PRIOR_WITHOUT_HISTORY
    promote = max(1.0, (squares + bursts.squares) / (failures + bursts.failures))
    least_reject = bursts.largest_burst if bursts.has_history else LEAST_REJECT_WITHOUT_HISTORY
    serial_prior = SERIAL_PRIOR_PER_INTERVAL * max(1.0, settings.serial_block_seconds / settings.interval_seconds)
    serial = max(1.0, (serial_prior + bursts.squares_of_sums) / (serial_prior + bursts.score_squares))
    return Dispersion(max(promote, least_reject), promote, serial, _source(bursts))


def _source(bursts: Bursts) -> Source:
    if bursts.has_history:
        return Source.HISTORY
    return Source.RUNNING if bursts.failures > 0 or bursts.score_squares > 0 else Source.PRIOR
