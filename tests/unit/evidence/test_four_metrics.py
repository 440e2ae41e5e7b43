"""Four metrics at once: no more false rejections than with one, and one bad metric is enough."""

import math
import random
from collections.abc import Sequence

from serin.core.evidence.combination import combine
from serin.core.evidence.counts import Counts, Increments
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Outcome, advance, judge
from unit.evidence.intervals import INDEPENDENT_FAILURES

SETTINGS = Settings(min_duration_seconds=0, false_reject=0.05, **INDEPENDENT_FAILURES)
RATES = (0.01, 0.005, 0.002, 0.001)
REQUESTS = 200


def decided(seed: int, canary_rates: Sequence[float]) -> Outcome:
    """One rollout, metric by metric with the failure rates of RATES for everybody but the canary."""
    rng = random.Random(seed)
    states = [EvidenceState() for _ in RATES]
    outcome = Outcome.ANALYZING
    while outcome is Outcome.ANALYZING:
        for i, (rate, canary_rate) in enumerate(zip(RATES, canary_rates, strict=True)):
            stable, baseline = draw(rng, 4 * REQUESTS, rate), draw(rng, REQUESTS, rate)
            interval = Increments(stable, baseline, draw(rng, REQUESTS, canary_rate), 10.0)
            states[i] = advance(states[i], interval, SETTINGS)
        judgements = {f"metric-{i}": {f"metric-{i}": judge(state, SETTINGS)} for i, state in enumerate(states)}
        outcome = combine(judgements, dict.fromkeys(judgements, SETTINGS)).outcome
    return outcome


def draw(rng: random.Random, requests: int, rate: float) -> Counts:
    return Counts(requests, sum(rng.random() < rate for _ in range(requests)))


def test_of_60_equal_canaries_few_are_rejected_and_most_are_promoted() -> None:
    outcomes = [decided(seed, RATES) for seed in range(60)]
    assert outcomes.count(Outcome.REJECT) <= 3 + 2 * math.sqrt(60 * 0.05 * 0.95)
    assert outcomes.count(Outcome.PROMOTE) >= 54


def test_one_of_four_metrics_that_is_worse_by_five_points_rejects() -> None:
    for worse in range(len(RATES)):
        canary = [rate + (0.05 if i == worse else 0) for i, rate in enumerate(RATES)]
        assert [decided(seed, canary) for seed in range(5)] == [Outcome.REJECT] * 5
