"""Simulated rollouts with independent failures: constant traffic, one verdict every interval.

Run it to reproduce the table of docs/verdict.md:
    PYTHONPATH=operator:tests python -m unit.evidence.simulation
"""

import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass

from serin.core.evidence.counts import Counts, Increments
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Outcome, advance, judge

SEED = 20_260_101
STABLE_REQUESTS, VARIANT_REQUESTS = 800, 100  # per interval: 100 requests/s, 10 % each for baseline and canary
NO_OUTAGE = range(0)


@dataclass(frozen=True)
class Run:
    outcome: Outcome
    data_seconds: float
    canary_failures: float


def simulate(seed: int, base_rate: float, canary_rate: float, settings: Settings, outage: range = NO_OUTAGE) -> Run:
    """One rollout until its outcome is final; the same seed gives the same rollout.

    In the intervals of `outage`, counted from 0, every request of every track fails.
    """
    rng = random.Random(seed)
    state, outcome, k = EvidenceState(), Outcome.ANALYZING, 0
    while outcome is Outcome.ANALYZING:
        rates = (1.0, 1.0) if k in outage else (base_rate, canary_rate)
        state = advance(state, _draw_interval(rng, *rates, settings.interval_seconds), settings)
        outcome = judge(state, settings).outcome
        k += 1
    return Run(outcome, state.data_seconds, state.canary.failures)


def _draw_interval(rng: random.Random, base_rate: float, canary_rate: float, seconds: float) -> Increments:
    return Increments(
        stable=_draw_counts(rng, STABLE_REQUESTS, base_rate),
        baseline=_draw_counts(rng, VARIANT_REQUESTS, base_rate),
        canary=_draw_counts(rng, VARIANT_REQUESTS, canary_rate),
        seconds=seconds,
    )


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


def _report(runs: int, write: Callable[[str], object]) -> None:
    for fixed_dispersion, false_reject in ((1.0, 0.05), (None, 0.01)):
        settings = Settings(min_duration_seconds=0, fixed_dispersion=fixed_dispersion, false_reject=false_reject)
        write(f"dispersion {fixed_dispersion}, false_reject {false_reject:g}\n")
        for base_rate in (0.01, 0.001):
            for extra in (0.0, 0.005, 0.01, 0.05, 0.5 - base_rate):
                done = [simulate(SEED + i, base_rate, base_rate + extra, settings) for i in range(runs)]
                write(f"  base {base_rate:.1%}, canary +{extra:.1%}: {_summary(done)}\n")
    for intervals in (6, 12, 18):
        outage = range(18, 18 + intervals)
        done = [simulate(SEED + i, 0.01, 0.02, Settings(), outage) for i in range(runs)]
        write(f"  defaults, base 1.0%, canary +1.0%, {intervals} intervals of outage: {_summary(done)}\n")


def _summary(done: list[Run]) -> str:
    rejected = sum(run.outcome is Outcome.REJECT for run in done) / len(done)
    promoted = sum(run.outcome is Outcome.PROMOTE for run in done) / len(done)
    minutes = sorted(run.data_seconds / 60 for run in done)
    failures = sum(run.canary_failures for run in done) / len(done)
    return (
        f"rejected {rejected:.1%}, promoted {promoted:.1%}, "
        f"ended after {minutes[len(done) // 2]:.1f} min (median), {minutes[len(done) * 95 // 100]:.1f} min (95 %), "
        f"failures of the canary {failures:.0f}"
    )


if __name__ == "__main__":
    _report(runs=1000, write=sys.stdout.write)
