"""What is believed of the evidence for a canary where no history told how failures cluster.

There the dispersion is learned on the way, and the first intervals are divided by little more than its prior: where
failures come in bursts, they count for too much for good. So besides E_good the same ln e-values are summed up
undivided, and that sum is divided by the dispersion known *now*: what the stable pods teach late holds for early
intervals, too. Because little time teaches little, it is measured over intervals as well as over blocks of them, the
larger one counts, and nothing is proven before the stable pods have told of five blocks, or for minDuration if that is
shorter.

A divisor that is chosen when the evidence is known makes no e-value. So this stands beside E_good and can only withhold
a promotion: the bound for independent failures stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serin.core.evidence.counts import StableHalves
from serin.core.evidence.dispersion import PRIOR_WITHOUT_HISTORY, Block, Bursts
from serin.core.evidence.proof import FACTORS
from serin.core.evidence.settings import Settings

BLOCKS_TO_LEARN = 5


@dataclass(frozen=True)
class Doubt:
    """Undivided sums per margin, and what the stable halves told, interval by interval. Bounded."""

    log_e_values: tuple[float, ...] = (0.0,) * len(FACTORS)
    seconds: float = 0.0  # in which both halves had requests
    squares: float = 0.0
    failures: float = 0.0

    def add(self, log_e_values: Sequence[float]) -> "Doubt":
        """After one more interval of the comparison."""
        sums = tuple(a + b for a, b in zip(self.log_e_values, log_e_values, strict=True))
        return Doubt(sums, self.seconds, self.squares, self.failures)

    def learn(self, halves: StableHalves, seconds: float) -> "Doubt":
        """After one more interval of the stable pods."""
        block = Block(seconds, halves.first, halves.second)
        if not block.is_comparable:
            return self
        squares, failures = self.squares + block.square, self.failures + block.failures
        return Doubt(self.log_e_values, self.seconds + seconds, squares, failures)

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into an equal doubt, bit for bit."""
        return {
            "logEValues": list(self.log_e_values),
            "seconds": self.seconds,
            "squares": self.squares,
            "failures": self.failures,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Doubt":
        """The doubt that `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        log_e_values = tuple(map(float, data["logEValues"]))
        if len(log_e_values) != len(FACTORS):
            raise ValueError(f"{len(log_e_values)} margins, expected {len(FACTORS)}")
        return Doubt(log_e_values, float(data["seconds"]), float(data["squares"]), float(data["failures"]))


def log_believed(doubt: Doubt | None, bursts: Bursts, settings: Settings) -> Sequence[float] | None:
    """The ln of the most that E_good counts for now, per margin; None where it counts in full."""
    if doubt is None or not _is_doubted(doubt, settings):
        return None
    squares, failures = PRIOR_WITHOUT_HISTORY
    by_interval = (squares + doubt.squares) / (failures + doubt.failures)
    by_block = (squares + bursts.squares) / (failures + bursts.failures)
    divisor = max(1.0, by_interval, by_block)
    return tuple(log_e / divisor for log_e in doubt.log_e_values)


def seconds_to_learn(doubt: Doubt | None, settings: Settings) -> float:
    """Until the stable pods have told enough, to the nearest interval: scrapes are never exactly on time."""
    if doubt is None or not _is_doubted(doubt, settings):
        return 0.0
    left = min(BLOCKS_TO_LEARN * settings.block_seconds, settings.min_duration_seconds) - doubt.seconds
    return left if left >= settings.interval_seconds / 2 else 0.0


def _is_doubted(doubt: Doubt, settings: Settings) -> bool:
    """Not where there are no two stable pods to learn from: the prior is then all that there is."""
    return doubt.seconds > 0 and settings.fixed_dispersion is None
