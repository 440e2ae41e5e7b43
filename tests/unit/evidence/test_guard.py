"""Baseline against stable, which run the same version: a difference is told before it spoils a verdict."""

import json
import random

from serin.core.evidence.counts import Counts, Increments
from serin.core.evidence.dispersion import Dispersion, Source
from serin.core.evidence.guard import Guard, watch
from serin.core.evidence.settings import Settings

SETTINGS = Settings()
INDEPENDENT = Dispersion(1.0, 1.0, 1.0, Source.HISTORY)


def watched(intervals: int, stable_rate: float, baseline_rate: float, after: Guard | None = None) -> Guard:
    """8,000 requests per interval to stable, 1,000 each to baseline and canary."""
    guard = after or Guard()
    for _ in range(intervals):
        baseline = Counts(1000, round(1000 * baseline_rate))
        seen = Increments(Counts(8000, round(8000 * stable_rate)), baseline, Counts(1000, 10), 10.0)
        guard = watch(guard, seen, INDEPENDENT, SETTINGS)
    return guard


def test_equal_pods_are_not_suspect() -> None:
    assert not watched(180, 0.01, 0.01).is_suspect(SETTINGS)


def test_a_baseline_that_fails_more_often_than_stable_is_suspect() -> None:
    assert watched(6, 0.01, 0.05).is_suspect(SETTINGS)


def test_a_baseline_that_fails_less_often_is_not_for_it_makes_the_canary_look_worse_not_better() -> None:
    assert not watched(180, 0.05, 0.01).is_suspect(SETTINGS)


def test_a_suspicion_ends_when_what_caused_it_is_over() -> None:
    long_suspect = watched(60, 0.01, 0.05)
    assert long_suspect.is_suspect(SETTINGS)
    assert not watched(12, 0.01, 0.01, long_suspect).is_suspect(SETTINGS)


def test_without_requests_nothing_is_suspected() -> None:
    guard = watch(Guard(), Increments(Counts(), Counts(1000, 900), Counts(1000, 900), 10.0), INDEPENDENT, SETTINGS)
    assert not guard.is_suspect(SETTINGS)
    assert guard.baseline == Counts()


def test_by_chance_equal_pods_are_suspected_in_at_most_one_run_of_twenty() -> None:
    chance, suspected, runs = random.Random(20261124), 0, 200
    for _ in range(runs):
        guard, was_suspect = Guard(), False
        for _ in range(60):
            stable = Counts(800, sum(chance.random() < 0.01 for _ in range(800)))
            baseline = Counts(100, sum(chance.random() < 0.01 for _ in range(100)))
            guard = watch(guard, Increments(stable, baseline, Counts(100, 1), 10.0), INDEPENDENT, SETTINGS)
            was_suspect = was_suspect or guard.is_suspect(SETTINGS)
        suspected += was_suspect
    # 10 expected at most; 20 would be 3.2 standard deviations more.
    assert suspected < 20


def test_a_guard_survives_json_bit_for_bit() -> None:
    for guard in (Guard(), watched(3, 0.01, 0.02)):
        assert Guard.from_json(json.loads(json.dumps(guard.to_json()))) == guard
