"""Serin's own engine on simulated counts, interval by interval, as the operator runs it.

One pass gives the answers at several bounds: the evidence does not depend on them, only when it is enough.
`tests/unit/evidence/test_verdict_benchmark.py` holds this to what `judge` says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.dispersion import HistoryInterval
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, advance

from verdict.decisions import NEVER, Decisions, decide_first
from verdict.scenarios import INTERVAL_SECONDS, INTERVALS, MARGIN_ABSOLUTE, MARGIN_RELATIVE
from verdict.traffic import BASELINE, CANARY, FIRST, SECOND, Ints, Paths

FALSE_REJECTS = (0.05, 0.01)
"""The bound that all methods are compared at, and Serin's default."""

SETTINGS = Settings(
    interval_seconds=INTERVAL_SECONDS,
    min_duration_seconds=0,
    max_duration_seconds=INTERVALS * INTERVAL_SECONDS,
    false_reject=min(FALSE_REJECTS),
    false_promote=0.05,
    margin_absolute=MARGIN_ABSOLUTE,
    margin_relative=MARGIN_RELATIVE,
)

Row = Sequence[int]


@dataclass(frozen=True)
class Crossings:
    """After how many intervals one run's evidence was first enough to promote, and to reject at FALSE_REJECTS."""

    good: int
    bad: tuple[int, ...]


def make_increments(requests: Row, failures: Row) -> Increments:
    """One interval's counts by track, as the operator would hand them to the engine."""
    first, second, baseline, canary = (
        Counts(requests[track], failures[track]) for track in (FIRST, SECOND, BASELINE, CANARY)
    )
    return Increments(
        stable=first + second,
        baseline=baseline,
        canary=canary,
        seconds=INTERVAL_SECONDS,
        stable_halves=StableHalves(first, second),
    )


def begin(history_requests: Sequence[Row], history_failures: Sequence[Row], settings: Settings) -> EvidenceState:
    """The state before the first interval; an empty history is one that could not be had."""
    history = (
        HistoryInterval(StableHalves(Counts(n[FIRST], f[FIRST]), Counts(n[SECOND], f[SECOND])), INTERVAL_SECONDS)
        for n, f in zip(history_requests, history_failures, strict=True)
    )
    return EvidenceState.begin(history, settings)


def find_crossings(begun: EvidenceState, requests: Sequence[Row], failures: Sequence[Row]) -> Crossings:
    """Runs until nothing can change the answers any more: promoted, rejected at the strictest bound, or the end."""
    thresholds = [-math.log(false_reject) for false_reject in FALSE_REJECTS]
    bad = [NEVER] * len(thresholds)
    state = begun
    for interval, (n, f) in enumerate(zip(requests, failures, strict=True), 1):
        state = advance(state, make_increments(n, f), SETTINGS)
        log_bad = state.log_bad(SETTINGS)
        for i, threshold in enumerate(thresholds):
            if log_bad >= threshold and bad[i] == NEVER:
                bad[i] = interval
        if state.proof.is_good_enough:
            return Crossings(interval, tuple(bad))
        if NEVER not in bad:
            break
    return Crossings(NEVER, tuple(bad))


def decide_runs(paths: Paths, has_history: bool) -> list[Decisions]:
    """Decisions of all runs, in the order of FALSE_REJECTS."""
    good: list[int] = []
    bad: list[tuple[int, ...]] = []
    for run in range(paths.runs):
        length = None if has_history else 0
        past = paths.history_requests[run, :length].tolist(), paths.history_failures[run, :length].tolist()
        begun = begin(*past, SETTINGS)
        crossings = find_crossings(begun, paths.requests[run].tolist(), paths.failures[run].tolist())
        good.append(crossings.good)
        bad.append(crossings.bad)
    promoted_after: Ints = np.array(good)
    rejected_after: Ints = np.array(bad)
    return [decide_first(paths, rejected_after[:, i], promoted_after) for i in range(len(FALSE_REJECTS))]
