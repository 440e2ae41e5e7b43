"""How often an A/B test is wrong, and how long it takes: the table of docs/verdict.md.

    PYTHONPATH=operator:tests python -m unit.evidence.ab_simulation

Each version has 5 chances a second, in intervals of 10 s, for at most an hour; a difference of 1 point matters.
"""

import sys
from collections import Counter
from statistics import median

import numpy as np
from serin.core.evidence.ab_test import AbOutcome, AbSettings, AbState, advance_ab, judge_ab
from serin.core.evidence.counts import Counts

SETTINGS = AbSettings(minimum_effect=0.01, false_reject=0.05, false_promote=0.05)
PER_INTERVAL, INTERVALS, INTERVAL_SECONDS, RUNS = 50, 360, 10.0, 400

SCENARIOS = {
    "2 %, equal": (0.02, 0.02, 1),
    "10 %, equal": (0.10, 0.10, 1),
    "50 %, equal": (0.50, 0.50, 1),
    "10 %, +1 point": (0.10, 0.11, 1),
    "10 %, -1 point": (0.10, 0.09, 1),
    "10 %, +2 points": (0.10, 0.12, 1),
    "10 %, -2 points": (0.10, 0.08, 1),
    "10 %, +5 points": (0.10, 0.15, 1),
    "10 %, equal, five at a time": (0.10, 0.10, 5),
}


def run(rng: np.random.Generator, baseline: float, canary: float, heap: int) -> tuple[AbOutcome, float]:
    """The outcome, and the minutes until it."""
    state = AbState()
    for interval in range(1, INTERVALS + 1):
        n_b, n_c = rng.poisson(PER_INTERVAL / heap, 2)
        ours = Counts(float(n_c * heap), float(rng.binomial(n_c, canary) * heap))
        theirs = Counts(float(n_b * heap), float(rng.binomial(n_b, baseline) * heap))
        state = advance_ab(state, theirs, ours, INTERVAL_SECONDS, SETTINGS)
        outcome = judge_ab(state).outcome
        if outcome is not AbOutcome.UNDECIDED:
            return outcome, interval * INTERVAL_SECONDS / 60
    return AbOutcome.UNDECIDED, INTERVALS * INTERVAL_SECONDS / 60


def main() -> None:
    sys.stdout.write("| successes | new version wins | old version wins | no difference | median minutes |\n")
    sys.stdout.write("|---|---|---|---|---|\n")
    for name, scenario in SCENARIOS.items():
        rng = np.random.default_rng(20260101)
        runs = [run(rng, *scenario) for _ in range(RUNS)]
        found = Counter(outcome for outcome, _ in runs)
        shares = [
            100 * found[o] / RUNS for o in (AbOutcome.CANARY_WINS, AbOutcome.STABLE_WINS, AbOutcome.NO_DIFFERENCE)
        ]
        cells = " | ".join(f"{share:.1f} %" for share in shares)
        sys.stdout.write(f"| {name} | {cells} | {median(minutes for _, minutes in runs):.0f} |\n")


if __name__ == "__main__":
    main()
