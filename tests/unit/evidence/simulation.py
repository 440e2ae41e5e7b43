"""Simulated rollouts with independent failures: constant traffic, one verdict and one step of the ramp every interval.

Run it to reproduce the tables of docs/verdict.md; an argument changes the number of runs per row:
    PYTHONPATH=operator:tests python -m unit.evidence.simulation 1000
"""

import math
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.dispersion import HistoryInterval
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Outcome, advance, judge
from serin.core.rollout.ramp import Position, Schedule, Step, decide_step, make_ramp

SEED = 20_260_101
REQUESTS = 1000  # of all tracks per interval: 100 a second
HALF_REQUESTS = 400  # of half of the stable pods per interval of history
HISTORY_INTERVALS = 360
CONSTANT = Schedule((Step(weight=10, seconds=0),))
RAMP = make_ramp((1, 2, 5, 10, 25, 45), step_after_seconds=20, hold_above=1.5, back_above=10)
NOTHING = range(0)


@dataclass(frozen=True)
class Story:
    """What happens; intervals are counted from 0. In those of `incident` all tracks fail at `incident_rate`."""

    base_rate: float
    canary_rate: float
    has_history: bool = False
    incident: range = NOTHING
    incident_rate: float = 1.0


@dataclass(frozen=True)
class Run:
    outcome: Outcome
    data_seconds: float
    canary_failures: float


def simulate(seed: int, story: Story, settings: Settings, schedule: Schedule = CONSTANT) -> Run:
    """One rollout until its outcome is final; the same seed gives the same rollout."""
    rng = random.Random(seed)
    state = EvidenceState.begin(_draw_history(rng, story, settings), settings)
    outcome, position, k = Outcome.ANALYZING, Position(), 0
    while outcome is Outcome.ANALYZING:
        is_incident = k in story.incident
        base_rate = story.incident_rate if is_incident else story.base_rate
        canary_rate = story.incident_rate if is_incident else story.canary_rate
        requests = round(REQUESTS * schedule.at(position).weight / 100)
        state = advance(state, _draw_interval(rng, base_rate, canary_rate, requests, settings), settings)
        judgement = judge(state, settings)
        outcome = judgement.outcome
        position = decide_step(schedule, position, judgement.evidence_bad, state.data_seconds)
        k += 1
    return Run(outcome, state.data_seconds, state.canary.failures)


def _draw_history(rng: random.Random, story: Story, settings: Settings) -> Iterator[HistoryInterval]:
    for _ in range(HISTORY_INTERVALS if story.has_history else 0):
        yield HistoryInterval(_draw_halves(rng, HALF_REQUESTS, story.base_rate), settings.interval_seconds)


def _draw_interval(
    rng: random.Random, base_rate: float, canary_rate: float, requests: int, settings: Settings
) -> Increments:
    """So many requests to baseline and canary each, the rest to stable."""
    halves = _draw_halves(rng, (REQUESTS - 2 * requests) // 2, base_rate)
    return Increments(
        stable=halves.first + halves.second,
        baseline=_draw_counts(rng, requests, base_rate),
        canary=_draw_counts(rng, requests, canary_rate),
        seconds=settings.interval_seconds,
        stable_halves=halves,
    )


def _draw_halves(rng: random.Random, requests: int, rate: float) -> StableHalves:
    return StableHalves(_draw_counts(rng, requests, rate), _draw_counts(rng, requests, rate))


def _draw_counts(rng: random.Random, requests: int, rate: float) -> Counts:
    """Binomial, by the geometric gaps between failures: cheap where failures are rare."""
    failures, position = 0, _draw_gap(rng, rate)
    while position < requests:
        failures += 1
        position += 1 + _draw_gap(rng, rate)
    return Counts(requests, failures)


def _draw_gap(rng: random.Random, rate: float) -> int:
    if rate == 1.0:
        return 0
    return int(math.log(1.0 - rng.random()) / math.log1p(-rate))


def _stories() -> Iterator[tuple[str, Story, Settings, Schedule]]:
    """The rows of the tables: what distinguishes the row, and what is run."""
    defaults = Settings(min_duration_seconds=0)
    for name, has_history, settings in (
        ("dispersion 1, falseReject 5 %", False, replace(defaults, fixed_dispersion=1.0, false_reject=0.05)),
        ("learned, no history, falseReject 1 %", False, defaults),
        ("learned, with history, falseReject 1 %", True, defaults),
    ):
        for base_rate in (0.01, 0.001):
            for extra in (0.0, 0.005, 0.01, 0.05, 0.5 - base_rate):
                yield name, Story(base_rate, base_rate + extra, has_history), settings, CONSTANT
                if has_history:
                    yield f"ramp; {name}", Story(base_rate, base_rate + extra, has_history), settings, RAMP
    for has_history in (False, True):
        for intervals in (6, 12, 18, 60):
            name = f"outage of {intervals // 6} min, {'with' if has_history else 'no'} history"
            yield name, Story(0.01, 0.02, has_history, range(18, 18 + intervals)), defaults, CONSTANT
    for rate in (0.2, 0.4):
        yield "always failing", Story(rate, rate, has_history=True), defaults, CONSTANT


def _report(runs: int, write: Callable[[str], object]) -> None:
    for name, story, settings, schedule in _stories():
        done = [simulate(SEED + i, story, settings, schedule) for i in range(runs)]
        extra = (
            f"+{100 * (story.canary_rate - story.base_rate):.3g} pp" if story.canary_rate > story.base_rate else "equal"
        )
        write(f"| {name} | {100 * story.base_rate:.3g} % | {extra} | {_summary(done)} |\n")


def _summary(done: list[Run]) -> str:
    rejected = sum(run.outcome is Outcome.REJECT for run in done) / len(done)
    promoted = sum(run.outcome is Outcome.PROMOTE for run in done) / len(done)
    minutes = sorted(run.data_seconds / 60 for run in done)
    failures = sum(run.canary_failures for run in done) / len(done)
    median, late = minutes[len(done) // 2], minutes[len(done) * 95 // 100]
    return f"{rejected:.1%} | {promoted:.1%} | {median:.1f} / {late:.1f} min | {failures:.0f}"


if __name__ == "__main__":
    _report(runs=int(sys.argv[1]) if len(sys.argv) > 1 else 1000, write=sys.stdout.write)
