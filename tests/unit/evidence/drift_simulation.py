"""Simulated drift: five classes whose mix drifts for everybody, and a canary that moves some predictions elsewhere.

Run it to reproduce the table of docs/verdict.md; an argument changes the number of runs per row:
    PYTHONPATH=operator:tests python -m unit.evidence.drift_simulation 1000
"""

import math
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from serin.core.evidence.categories import ByClass, CategoryIncrements
from serin.core.evidence.drift import DriftSettings, DriftState, advance_drift, judge_drift
from serin.core.evidence.drift_measures import jensen_shannon_bits, population_stability_index
from serin.core.evidence.settings import Settings

SEED = 20_260_101
SHARES = (0.4, 0.3, 0.15, 0.1, 0.05)
MIX_SWING, MIX_PERIOD_SECONDS = 0.2, 600.0
HALF_PREDICTIONS, VARIANT_PREDICTIONS = 400, 100


@dataclass(frozen=True)
class DriftRun:
    outcome: str  # Promote, Reject, Inconclusive
    data_seconds: float
    psi: float
    jensen_shannon_bits: float


def simulate_drift(seed: int, moved: float, settings: DriftSettings, batch: int = 1) -> DriftRun:
    """One rollout as if the drift decided; `batch` predictions at a time are of one class."""
    rng = random.Random(seed)
    state = DriftState.begin(len(SHARES))
    elapsed = 0.0
    outcome = "Inconclusive"
    while elapsed < settings.shared.max_duration_seconds and outcome == "Inconclusive":
        state = advance_drift(state, _draw_interval(rng, elapsed, moved, settings, batch), settings)
        elapsed += settings.shared.interval_seconds
        judgement = judge_drift(state, settings)
        if judgement.has_drifted:
            outcome = "Reject"
        elif judgement.is_good_enough:
            outcome = "Promote"
    return DriftRun(
        outcome,
        state.data_seconds,
        population_stability_index(state.baseline, state.canary),
        jensen_shannon_bits(state.baseline, state.canary),
    )


def _draw_interval(
    rng: random.Random, elapsed: float, moved: float, settings: DriftSettings, batch: int
) -> CategoryIncrements:
    swing = MIX_SWING * math.sin(2 * math.pi * elapsed / MIX_PERIOD_SECONDS)
    weights = [share * (1 + swing * (1 if i % 2 else -1)) for i, share in enumerate(SHARES)]
    usual = [weight / sum(weights) for weight in weights]
    moving = [usual[0] - moved, usual[1] + moved, *usual[2:]]
    halves = tuple(_draw(rng, usual, HALF_PREDICTIONS, batch) for _ in range(2))
    return CategoryIncrements(
        stable=tuple(a + b for a, b in zip(*halves, strict=True)),
        baseline=_draw(rng, usual, VARIANT_PREDICTIONS, batch),
        canary=_draw(rng, moving, VARIANT_PREDICTIONS, batch),
        seconds=settings.shared.interval_seconds,
        stable_halves=(halves[0], halves[1]),
    )


def _draw(rng: random.Random, shares: Sequence[float], predictions: int, batch: int) -> ByClass:
    counts = [0.0] * len(shares)
    for i in rng.choices(range(len(shares)), shares, k=predictions // batch):
        counts[i] += batch
    return tuple(counts)


def _report(runs: int) -> None:
    settings = DriftSettings(Settings(min_duration_seconds=0))
    for batch in (1, 10):
        for moved in (0.0, 0.02, 0.05, 0.08, 0.15):
            done = [simulate_drift(SEED + i, moved, settings, batch) for i in range(runs)]
            share = {name: sum(run.outcome == name for run in done) / runs for name in ("Promote", "Reject")}
            minutes = sorted(run.data_seconds / 60 for run in done)
            psi, js = (
                sum(numbers) / runs for numbers in zip(*((r.psi, r.jensen_shannon_bits) for r in done), strict=True)
            )
            sys.stdout.write(
                f"| {batch} | {moved} | {share['Promote']:.1%} | {share['Reject']:.1%} | {minutes[runs // 2]:.1f} / "
                f"{minutes[runs * 95 // 100]:.1f} min | {psi:.4f} | {js:.5f} |\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    _report(runs=int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
