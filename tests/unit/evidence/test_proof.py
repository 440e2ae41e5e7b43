"""Which difference is excluded by now."""

import pytest
from serin.core.evidence.proof import FACTORS, LARGEST_SHIFT, PLAN, Proof, add_proof, conclude, log_e_by_factor
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import Outcome, judge
from unit.evidence.intervals import INDEPENDENT_FAILURES, after, interval

SETTINGS = Settings(min_duration_seconds=0, **INDEPENDENT_FAILURES)


def test_seventeen_margins_run_from_a_quarter_to_64_times_that_of_the_plan() -> None:
    assert (len(FACTORS), FACTORS[0], FACTORS[PLAN], FACTORS[-1]) == (17, 0.25, 1.0, 64.0)


def test_the_reference_interval_proves_twice_the_margin() -> None:
    increments = interval(baseline=(4000, 40), canary=(4000, 42))
    log_e_values = log_e_by_factor(increments, base_rate=0.01, settings=SETTINGS)
    proof = conclude(add_proof(Proof(), log_e_values, phi=1.0), None, SETTINGS)
    every_factor_of_two = proof.log_goods[0::2][:7]
    assert every_factor_of_two == pytest.approx(
        [0.027703, 0.361322, 1.910462, 8.076325, 28.802980, 86.853504, 229.697191], abs=1e-6
    )
    # The margins in between, 2 ** (1/2) apart, do not reach ln 20 below it.
    assert proof.log_goods[PLAN + 1] > SETTINGS.log_promote
    assert proof.worse_at_most(0.005) == pytest.approx(0.005 * 2**0.5)


def test_the_plan_s_margin_is_proven_exactly_when_the_canary_is_promoted() -> None:
    for count in range(1, 60):
        judgement = judge(after([interval(canary=(100, 1))] * count, SETTINGS), SETTINGS)
        proven = judgement.proven_worse_at_most
        is_proven = proven is not None and proven <= judgement.margin
        assert is_proven == (judgement.outcome is Outcome.PROMOTE)


def test_without_evidence_nothing_is_proven() -> None:
    assert Proof().worse_at_most(0.005) is None
    assert judge(after([interval(canary=(100, 60))] * 3, SETTINGS), SETTINGS).proven_worse_at_most is None


def test_a_margin_counts_only_together_with_all_larger_ones() -> None:
    largest = len(FACTORS) - 1
    assert Proof(reached=frozenset({largest, largest - 1, PLAN})).worse_at_most(0.005) == pytest.approx(0.005 * 2**5.5)
    assert Proof(reached=frozenset({PLAN})).worse_at_most(0.005) is None


def test_what_was_proven_once_stays_proven() -> None:
    good, bad = interval(baseline=(1000, 1), canary=(1000, 1)), interval(baseline=(1000, 1), canary=(1000, 30))
    before, later = after([good] * 10, SETTINGS), after([good] * 10 + [bad] * 3, SETTINGS)
    assert later.proof.log_good < before.proof.log_good
    assert later.proof.reached >= before.proof.reached


def test_no_difference_of_a_whole_is_claimed_or_tested() -> None:
    settings = Settings(margin_absolute=0.5, **INDEPENDENT_FAILURES)
    state = after([interval(baseline=(1000, 0), canary=(1000, 0))], settings)
    assert len(state.proof.reached) > 0
    assert Proof(reached=frozenset({len(FACTORS) - 1})).worse_at_most(0.5) == LARGEST_SHIFT


def test_in_an_outage_of_everything_nothing_is_proven_and_nothing_is_learned() -> None:
    calm = interval()
    outage = interval(baseline=(100, 100), canary=(100, 100), stable=(800, 800))
    before, later = after([calm] * 10, SETTINGS), after([calm] * 10 + [outage] * 60, SETTINGS)
    assert later.proof == before.proof
    assert later.bursts == before.bursts
    assert judge(later, SETTINGS).margin == judge(before, SETTINGS).margin
    failure_rate = later.memory.failures / later.memory.requests
    assert failure_rate == pytest.approx(before.memory.failures / before.memory.requests)


def test_a_handful_of_stable_requests_that_all_fail_is_no_outage() -> None:
    unlucky = interval(stable=(9, 9))
    assert after([unlucky], SETTINGS).memory.failures > 0
