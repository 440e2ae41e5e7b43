"""Evidence that the canary is good enough, E_good: it does not fail more often by the margin or more.

One such test runs for each of 17 margins, from a quarter of the plan's to 64 times it. That of the plan's margin
decides on promotion; all together say which margin is proven by now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from serin.core.evidence.counts import Increments
from serin.core.evidence.likelihood import Rates, log_e_value
from serin.core.evidence.settings import Settings

FACTORS = tuple(2 ** (step / 2) for step in range(-4, 13))
PLAN = FACTORS.index(1.0)
LARGEST_SHIFT = 0.99  # "worse by 100 points" is impossible and leaves no null to test


@dataclass(frozen=True)
class Proof:
    """The ln E_good per factor, and which of them have once been at the threshold: a crossing counts for good."""

    log_goods: tuple[float, ...] = (0.0,) * len(FACTORS)
    reached: frozenset[int] = frozenset()

    @property
    def log_good(self) -> float:
        """The ln E_good of the plan's margin."""
        return self.log_goods[PLAN]

    def log_proven(self, log_believed: Sequence[float] | None) -> float:
        """The ln of what E_good counts for: at most what is believed of it, per factor."""
        return self.log_good if log_believed is None else min(self.log_good, log_believed[PLAN])

    @property
    def is_good_enough(self) -> bool:
        """The plan's margin is proven."""
        return PLAN in self.reached

    def worse_at_most(self, margin: float) -> float | None:
        """The smallest difference of rates that is proven together with all larger ones, given the plan's margin.

        Only together the error bound holds: with the largest margin first, the first false one ends the list.
        """
        proven = None
        for i in reversed(range(len(FACTORS))):
            if i not in self.reached:
                break
            proven = min(margin * FACTORS[i], LARGEST_SHIFT)
        return proven

    def to_json(self) -> dict[str, Any]:
        """Lists of numbers."""
        return {"logGoods": list(self.log_goods), "reached": sorted(self.reached)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Proof":
        """The evidence that `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        log_goods = tuple(map(float, data["logGoods"]))
        if len(log_goods) != len(FACTORS):
            raise ValueError(f"{len(log_goods)} margins, expected {len(FACTORS)}")
        return Proof(log_goods, frozenset(map(int, data["reached"])))


def log_e_by_factor(
    increments: Increments, base_rate: float, settings: Settings, *, is_capped: bool = False
) -> tuple[float, ...]:
    """The ln e-values of one interval, in the order of FACTORS.

    Capped, it can only speak against the canary: that is right whatever the reason for it.
    """
    equal, margin = Rates(base_rate, base_rate), settings.margin_at(base_rate)
    log_e_values = (
        log_e_value(increments.baseline, increments.canary, equal, min(margin * factor, LARGEST_SHIFT))
        for factor in FACTORS
    )
    return tuple(min(log_e, 0.0) if is_capped else log_e for log_e in log_e_values)


def add_proof(proof: Proof, log_e_values: Sequence[float], phi: float) -> Proof:
    """The evidence after one more interval; whether it is enough, `conclude` says."""
    added = zip(proof.log_goods, log_e_values, strict=True)
    return replace(proof, log_goods=tuple(log_good + log_e / phi for log_good, log_e in added))


def conclude(proof: Proof, log_believed: Sequence[float] | None, settings: Settings) -> Proof:
    """The proof with the margins that are proven now. `log_believed` is the most that the evidence counts for."""
    threshold = settings.log_promote
    crossed = {i for i, log_good in enumerate(proof.log_goods) if log_good >= threshold}
    if log_believed is not None:
        crossed = {i for i in crossed if log_believed[i] >= threshold}
    return replace(proof, reached=proof.reached | crossed) if crossed else proof
