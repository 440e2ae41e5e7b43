"""The canary compared with the baseline and the stable pods together."""

import itertools
import math
from dataclasses import replace

import pytest
from serin.core.evidence.counts import Counts
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Outcome, advance, judge
from unit.evidence.intervals import INDEPENDENT_FAILURES, after, interval

BASELINE = Settings(min_duration_seconds=0, max_duration_seconds=3600, **INDEPENDENT_FAILURES)
BOTH = replace(BASELINE, control_includes_stable=True)


def intervals_until(outcome: Outcome, settings: Settings, canary: tuple[float, float]) -> int:
    state = EvidenceState()
    for k in itertools.count(1):
        state = advance(state, interval(canary=canary), settings)
        if judge(state, settings).outcome is not Outcome.ANALYZING:
            assert judge(state, settings).outcome is outcome
            return k
    raise AssertionError


def test_both_sides_are_counted_and_the_baseline_of_the_judgement_is_the_control() -> None:
    judgement = judge(after([interval()] * 3, BOTH), BOTH)
    assert (judgement.baseline, judgement.canary) == (Counts(2700, 27), Counts(300, 3))


def test_an_equal_canary_is_promoted_after_fewer_of_its_requests() -> None:
    fewer, more = (intervals_until(Outcome.PROMOTE, settings, (100, 1)) for settings in (BOTH, BASELINE))
    assert 0.4 < fewer / more < 0.75


def test_a_worse_canary_is_rejected() -> None:
    assert intervals_until(Outcome.REJECT, BOTH, (100, 10)) <= 4


def test_young_pods_that_stumble_together_look_worse_than_old_ones() -> None:
    stumbling = [interval(baseline=(100, 6), canary=(100, 6))] * 12
    assert judge(after(stumbling, BASELINE), BASELINE).outcome is not Outcome.REJECT
    assert judge(after(stumbling, BOTH), BOTH).outcome is Outcome.REJECT


def test_the_base_rate_of_an_interval_does_not_look_at_its_stable_pods() -> None:
    bad = interval(stable=(800, 300))
    assert after([bad], BOTH).base_rate == EvidenceState().base_rate
    assert after([bad], BASELINE).base_rate > 0.3


def test_an_outage_never_speaks_for_the_canary() -> None:
    before = after([interval()] * 5, BOTH)
    better = advance(before, interval(stable=(800, 800), baseline=(100, 100), canary=(100, 50)), BOTH)
    assert better.log_good <= before.log_good


@pytest.mark.parametrize("rate", [0.05, 0.6])
def test_the_evidence_has_a_mean_of_at_most_one_also_with_outages(rate: float) -> None:
    settings = replace(BOTH, max_duration_seconds=20, margin_absolute=0.2, margin_relative=0)

    def chance(requests: int, failures: int, of: float) -> float:
        return math.comb(requests, failures) * of**failures * (1 - of) ** (requests - failures)

    mean_bad = mean_good = 0.0
    # Ten stable requests are as many as an outage needs.
    outcomes = list(itertools.product(range(11), range(2), range(3)))
    for path in itertools.product(outcomes, repeat=2):
        state, weight_equal, weight_worse = EvidenceState(), 1.0, 1.0
        for f_s, f_b, f_c in path:
            state = advance(state, interval(stable=(10, f_s), baseline=(1, f_b), canary=(2, f_c)), settings)
            control = chance(10, f_s, rate) * chance(1, f_b, rate)
            weight_equal *= control * chance(2, f_c, rate)
            weight_worse *= control * chance(2, f_c, rate + 0.2)
        mean_bad += weight_equal * math.exp(state.log_bad(settings))
        mean_good += weight_worse * math.exp(state.log_good)
    assert mean_bad <= 1 + 1e-9
    assert mean_good <= 1 + 1e-9
