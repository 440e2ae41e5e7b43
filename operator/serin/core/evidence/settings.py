"""What one analysis is run with, as the engine's own numbers.

A change in the middle of a run voids the error bounds; the test must start again.
"""

import math
from dataclasses import dataclass

from serin.core.evidence.base_rate import margin


@dataclass(frozen=True)
class Settings:
    """What one analysis is run with. Rates, probabilities and margins are fractions of 1."""

    interval_seconds: float = 10.0
    min_duration_seconds: float = 300.0
    max_duration_seconds: float = 1800.0
    false_reject: float = 0.01
    false_promote: float = 0.05
    margin_absolute: float = 0.005
    margin_relative: float = 0.2
    tolerance: float = 0.0  # share of the margin that E_bad forgives
    control_includes_stable: bool = False  # the canary is compared with baseline and stable pods together
    fixed_dispersion: float | None = None  # None learns it from the stable pods
    block_seconds: float = 60.0  # over which bursts are measured
    serial_block_seconds: float = 120.0  # over which the dependence between intervals is measured

    def __post_init__(self) -> None:
        _require(0 < self.interval_seconds < math.inf, "interval_seconds", self.interval_seconds, "more than 0")
        _require(
            0 <= self.min_duration_seconds <= self.max_duration_seconds,
            "min_duration_seconds",
            self.min_duration_seconds,
            f"a number from 0 to max_duration_seconds ({self.max_duration_seconds})",
        )
        _require(
            self.interval_seconds <= self.max_duration_seconds < math.inf,
            "max_duration_seconds",
            self.max_duration_seconds,
            f"at least interval_seconds ({self.interval_seconds})",
        )
        for name in ("false_reject", "false_promote"):
            _require(0 < getattr(self, name) < 1, name, getattr(self, name), "a number between 0 and 1")
        for name in ("margin_absolute", "margin_relative", "tolerance"):
            _require(0 <= getattr(self, name) < 1, name, getattr(self, name), "a number from 0 to below 1")
        _require(
            self.margin_absolute + self.margin_relative > 0,
            "margin_absolute",
            self.margin_absolute,
            "more than 0 when margin_relative is 0",
        )
        for name in ("block_seconds", "serial_block_seconds"):
            _require(0 < getattr(self, name) < math.inf, name, getattr(self, name), "more than 0")
        if self.fixed_dispersion is not None:
            _require(1 <= self.fixed_dispersion < math.inf, "fixed_dispersion", self.fixed_dispersion, "at least 1")

    @property
    def planned_intervals(self) -> int:
        """Over how many intervals the late starts are spread."""
        return max(1, round(self.max_duration_seconds / self.interval_seconds))

    @property
    def log_promote(self) -> float:
        """The ln E_good at which the canary is promoted."""
        return -math.log(self.false_promote)

    @property
    def log_reject(self) -> float:
        """The ln E_bad at which the canary is rejected."""
        return -math.log(self.false_reject)

    def margin_at(self, base_rate: float) -> float:
        """The margin for a base rate, both as fractions."""
        return margin(base_rate, self.margin_absolute, self.margin_relative)


def _require(holds: bool, name: str, value: float, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value}, expected {expected}")
