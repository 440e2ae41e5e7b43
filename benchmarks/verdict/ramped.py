"""Serin's engine and its ramp on simulated counts: the evidence chooses the share, so each interval is drawn in turn.

Only for scenarios in which requests are independent given the rates: no bursts and nothing that happens to single pods.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, advance
from serin.core.rollout.ramp import Position, Schedule, Step, decide_step, make_ramp
from verdict.decisions import Answer, Decisions
from verdict.engine import (
    FALSE_REJECTS,
    SETTINGS,
    follow_the_plans_margin,
    following_the_plans_margin,
    make_increments,
)
from verdict.scenarios import INTERVAL_SECONDS, INTERVALS, Canary, Scenario
from verdict.traffic import CANARY, COMPARISON, Floats, draw_rates, make_generator

RAMP = make_ramp((1, 2, 5, 10, 25, 45), step_after_seconds=20, hold_above=1.5, back_above=10)
CONSTANT = Schedule((Step(weight=10, seconds=0),))


@dataclass(frozen=True)
class Traffic:
    """Of all tracks; requests of an interval on average."""

    rng: Generator
    requests: float

    def draw(self, share: float, rates: Floats) -> tuple[list[int], list[int]]:
        """Requests and failures by track, with this share for the canary and as much for the baseline."""
        n = self.rng.poisson(self.requests * np.array([0.5 - share, 0.5 - share, share, share]))
        return n.tolist(), self.rng.binomial(n, rates).tolist()


Ending = tuple[Answer, int, int, int]
"""Answer, intervals, requests and failures of the canary until then."""


def decide_ramped(
    scenario: Scenario,
    canary: Canary,
    chunk: int,
    begun: Sequence[EvidenceState],
    schedule: Schedule = RAMP,
    settings: Settings = SETTINGS,
) -> list[Decisions]:
    """Decisions of as many runs as states to begin with, in the order of FALSE_REJECTS."""
    rng = make_generator(scenario, f"{canary.name}/ramp", chunk)
    rates = draw_rates(rng, scenario, canary, (len(begun), INTERVALS, 4), COMPARISON)
    traffic = Traffic(rng, 10 * scenario.variant_rps * INTERVAL_SECONDS)
    with following_the_plans_margin():
        endings = [
            _run(follow_the_plans_margin(state), traffic, rates_of_run, schedule, settings)
            for state, rates_of_run in zip(begun, rates, strict=True)
        ]
    tables = [np.array([ending[i] for ending in endings], dtype=np.int64).T for i in range(len(FALSE_REJECTS))]
    return [Decisions(*table) for table in tables]


def _run(
    begun: EvidenceState, traffic: Traffic, rates: Floats, schedule: Schedule, settings: Settings
) -> tuple[Ending, ...]:
    """`rates` by interval and track."""
    state, position, requests, failures = begun, Position(), 0, 0
    endings: list[Ending | None] = [None] * len(FALSE_REJECTS)
    for interval in range(1, INTERVALS + 1):
        share = schedule.at(position).weight / 100
        n, f = traffic.draw(share, rates[interval - 1])
        state = advance(state, make_increments(n, f), settings)
        requests, failures = requests + n[CANARY], failures + f[CANARY]
        log_bad = state.log_bad(settings)
        for i, false_reject in enumerate(FALSE_REJECTS):
            if endings[i] is None and log_bad >= -math.log(false_reject):
                endings[i] = (Answer.REJECT, interval, requests, failures)
            elif endings[i] is None and state.proof.is_good_enough:
                endings[i] = (Answer.PROMOTE, interval, requests, failures)
        if None not in endings:
            break
        position = decide_step(schedule, position, math.exp(log_bad), state.data_seconds)
    undecided = (Answer.UNDECIDED, INTERVALS, requests, failures)
    return tuple(ending or undecided for ending in endings)
