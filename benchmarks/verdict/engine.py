"""Serin's own engine on simulated counts, interval by interval, as the operator runs it.

One pass gives the answers at several bounds: the evidence does not depend on them, only when it is enough.
`tests/unit/evidence/test_verdict_benchmark.py` holds this to what `judge` says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from serin.core.evidence import proof
from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.dispersion import HistoryInterval
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, advance
from verdict.decisions import NEVER, Decisions, decide_first
from verdict.scenarios import INTERVAL_SECONDS, INTERVALS, MARGIN_ABSOLUTE, MARGIN_RELATIVE
from verdict.traffic import BASELINE, CANARY, FIRST, SECOND, History, Ints, Paths

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

SETTINGS_WITHOUT_HISTORY = replace(SETTINGS, min_duration_seconds=300)
"""The default: so long nothing is believed yet."""

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


@contextmanager
def following_the_plans_margin() -> Iterator[None]:
    """Leaves out E_good of the 16 other margins, which tell people what is proven and decide nothing: twice as fast.

    Only for states that begin with it; the unit tests compare the decisions with those of the whole engine.
    """
    whole = proof.FACTORS, proof.PLAN
    proof.FACTORS, proof.PLAN = (1.0,), 0
    try:
        yield
    finally:
        proof.FACTORS, proof.PLAN = whole


def follow_the_plans_margin(state: EvidenceState) -> EvidenceState:
    doubt = state.doubt and replace(state.doubt, log_e_values=(0.0,))
    return replace(state, proof=proof.Proof(log_goods=(0.0,)), doubt=doubt)


def find_crossings(
    begun: EvidenceState, requests: Sequence[Row], failures: Sequence[Row], settings: Settings
) -> Crossings:
    """Runs until nothing can change the answers any more: promoted, rejected at the strictest bound, or the end."""
    thresholds = [-math.log(false_reject) for false_reject in FALSE_REJECTS]
    bad = [NEVER] * len(thresholds)
    state = begun
    for interval, (n, f) in enumerate(zip(requests, failures, strict=True), 1):
        state = advance(state, make_increments(n, f), settings)
        log_bad = state.log_bad(settings)
        for i, threshold in enumerate(thresholds):
            if log_bad >= threshold and bad[i] == NEVER:
                bad[i] = interval
        if state.proof.is_good_enough:
            return Crossings(interval, tuple(bad))
        if NEVER not in bad:
            break
    return Crossings(NEVER, tuple(bad))


def begin_runs(history: History, settings: Settings = SETTINGS) -> list[EvidenceState]:
    """The states before the first interval of so many runs; they serve every canary of the scenario."""
    return [
        begin(requests.tolist(), failures.tolist(), settings)
        for requests, failures in zip(history.requests, history.failures, strict=True)
    ]


def decide_runs(paths: Paths, begun: Sequence[EvidenceState], settings: Settings = SETTINGS) -> list[Decisions]:
    """Decisions of all runs, in the order of FALSE_REJECTS."""
    with following_the_plans_margin():
        crossings = [
            find_crossings(follow_the_plans_margin(state), requests.tolist(), failures.tolist(), settings)
            for state, requests, failures in zip(begun, paths.requests, paths.failures, strict=True)
        ]
    promoted_after: Ints = np.array([crossing.good for crossing in crossings])
    rejected_after: Ints = np.array([crossing.bad for crossing in crossings])
    return [decide_first(paths, rejected_after[:, i], promoted_after) for i in range(len(FALSE_REJECTS))]
