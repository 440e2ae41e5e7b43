"""Whether the baseline can be believed: it runs the stable version, so it must not fail more often than stable.

Where it does, something other than the version differs, a warm-up, a bad node, uneven routing, and the canary next to
it may look good for no reason. The same test as for harm, with stable in the place of the baseline. A rejection needs
no such guard: the canary shares what the baseline suffers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from serin.core.evidence.base_rate import Memory, plug_in_rate, remember
from serin.core.evidence.counts import Counts, Increments
from serin.core.evidence.dispersion import Dispersion
from serin.core.evidence.harm import Harm, add_harm
from serin.core.evidence.settings import Settings

LOG_SUSPECT = math.log(20.0)
"""Equal pods are under suspicion in at most one rollout of twenty, and then only for as long as the evidence lasts."""


@dataclass(frozen=True)
class Guard:
    """The running evidence that the baseline fails more often than the stable pods. Bounded."""

    intervals: int = 0
    memory: Memory = field(default_factory=Memory)
    harm: Harm = field(default_factory=Harm)
    stable: Counts = field(default_factory=Counts)
    baseline: Counts = field(default_factory=Counts)

    def is_suspect(self, settings: Settings) -> bool:
        """Only by the likelihood of failures: stable has more pods, so there is no symmetry to bet on."""
        return self.harm.log_likelihood(self.intervals, settings) >= LOG_SUSPECT

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into an equal guard, bit for bit."""
        return {
            "intervals": self.intervals,
            "memory": [self.memory.requests, self.memory.failures],
            "harm": self.harm.to_json(),
            "stable": [self.stable.requests, self.stable.failures],
            "baseline": [self.baseline.requests, self.baseline.failures],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Guard":
        """The guard that `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        return Guard(
            intervals=int(data["intervals"]),
            memory=Memory(*map(float, data["memory"])),
            harm=Harm.from_json(data["harm"]),
            stable=Counts(*map(float, data["stable"])),
            baseline=Counts(*map(float, data["baseline"])),
        )


LOG_MOST = 2 * LOG_SUSPECT
"""No more evidence is kept, or the suspicion of an hour would outlive its cause by an hour. Giving up what was won
keeps an e-value one."""


def watch(guard: Guard, increments: Increments, dispersion: Dispersion, settings: Settings) -> Guard:
    """The guard after one more interval of the comparison."""
    # The stable pods are one of the two sides here, so the rate may use nothing of this interval.
    base_rate = plug_in_rate(guard.memory, Counts())
    sides = Increments(
        stable=Counts(),
        baseline=increments.stable,
        canary=increments.baseline,
        seconds=increments.seconds,
        is_symmetric=False,
    )
    harm = add_harm(guard.harm, sides, base_rate, dispersion, guard.intervals + 1, settings)
    is_compared = sides.is_compared
    return Guard(
        intervals=min(guard.intervals + 1, settings.planned_intervals),
        memory=remember(guard.memory, sides),
        harm=_capped(harm, guard.intervals + 1, settings),
        stable=guard.stable + increments.stable if is_compared else guard.stable,
        baseline=guard.baseline + increments.baseline if is_compared else guard.baseline,
    )


def _capped(harm: Harm, intervals: int, settings: Settings) -> Harm:
    excess = harm.log_likelihood(intervals, settings) - LOG_MOST
    if excess <= 0:
        return harm
    return replace(harm, log_bets=tuple(log_bet - excess for log_bet in harm.log_bets))
