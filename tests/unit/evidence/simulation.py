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
from serin.core.evidence.verdict import EvidenceState, Outcome, Settings, advance, judge

SEED = 20_260_101
STABLE_REQUESTS, VARIANT_REQUESTS = 800, 100  # per interval: 100 requests/s, 10 % each for baseline and canary


@dataclass(frozen=True)
class Run:
    outcome: Outcome
    data_seconds: float
    canary_requests: float
    canary_failures: float


def simulate(seed: int, base_rate: float, canary_rate: float, settings: Settings) -> Run:
    """One rollout until its outcome is final; the same seed gives the same rollout."""
    rng = random.Random(seed)
    state = EvidenceState()
    while True:
        state = advance(state, _draw_interval(rng, base_rate, canary_rate, settings.interval_seconds), settings)
        outcome = judge(state, settings).outcome
        if outcome not in (Outcome.ANALYZING, Outcome.NO_DATA):
            return Run(outcome, state.data_seconds, state.canary.requests, state.canary.failures)


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
    return int(math.log(1.0 - rng.random()) / math.log1p(-rate))


def _report(runs: int, write: Callable[[str], object]) -> None:
    for phi, phi_reject, false_reject in ((1.0, 1.0, 0.05), (3.0, 10.0, 0.01)):
        settings = Settings(min_duration_seconds=0, phi=phi, phi_reject=phi_reject, false_reject=false_reject)
        for base_rate in (0.01, 0.001):
            for extra in (0.0, 0.005, 0.01, 0.05, 0.5 - base_rate):
                done = [simulate(SEED + i, base_rate, base_rate + extra, settings) for i in range(runs)]
                shares = {
                    outcome: sum(run.outcome is outcome for run in done) / runs
                    for outcome in (Outcome.REJECT, Outcome.PROMOTE)
                }
                minutes = sorted(run.data_seconds / 60 for run in done)
                failures = sum(run.canary_failures for run in done) / runs
                write(
                    f"phi {phi:g}/{phi_reject:g} base {base_rate:.1%} canary +{extra:.1%}: "
                    f"rejected {shares[Outcome.REJECT]:.1%} promoted {shares[Outcome.PROMOTE]:.1%} "
                    f"median {minutes[runs // 2]:.1f} min, 95 % {minutes[runs * 95 // 100]:.1f} min, "
                    f"canary failures {failures:.0f}\n"
                )


if __name__ == "__main__":
    _report(runs=1000, write=sys.stdout.write)
