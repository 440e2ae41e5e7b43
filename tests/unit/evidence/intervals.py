"""Intervals for the evidence tests: what does not matter has a quiet default."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, advance

INDEPENDENT_FAILURES: Mapping[str, Any] = {"fixed_dispersion": 1.0}

# stable requests and failures (two pods), baseline, canary, of six intervals of 10 s
REFERENCE_ROWS = (
    (400, 3, 400, 5, 100, 1, 100, 2),
    (395, 2, 395, 4, 98, 0, 103, 1),
    (0, 0, 0, 0, 0, 0, 0, 0),
    (405, 6, 405, 3, 101, 2, 99, 4),
    (400, 95, 405, 65, 100, 19, 102, 22),
    (398, 3, 397, 4, 97, 1, 100, 3),
)


def interval(
    baseline: tuple[float, float] = (100, 1),
    canary: tuple[float, float] = (100, 1),
    stable: tuple[float, float] = (800, 8),
    seconds: float = 10.0,
) -> Increments:
    return Increments(stable=Counts(*stable), baseline=Counts(*baseline), canary=Counts(*canary), seconds=seconds)


def reference_intervals() -> list[Increments]:
    return [
        replace(
            interval(stable=(n1 + n2, f1 + f2), baseline=(n_b, f_b), canary=(n_c, f_c)),
            stable_halves=StableHalves(Counts(n1, f1), Counts(n2, f2)),
        )
        for n1, f1, n2, f2, n_b, f_b, n_c, f_c in REFERENCE_ROWS
    ]


def reference_settings(fixed_dispersion: float | None = None) -> Settings:
    """One interval is a block."""
    return Settings(
        min_duration_seconds=60, max_duration_seconds=60, fixed_dispersion=fixed_dispersion, block_seconds=10
    )


def after(intervals: Iterable[Increments], settings: Settings, begun: EvidenceState | None = None) -> EvidenceState:
    state = begun or EvidenceState()
    for increments in intervals:
        state = advance(state, increments, settings)
    return state
