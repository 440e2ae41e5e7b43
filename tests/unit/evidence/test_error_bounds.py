"""The promises behind the verdict: a mean of at most 1 under every null point, hence bounded errors at every look."""

import itertools
import math

import pytest
from serin.core.evidence.counts import Counts
from serin.core.evidence.likelihood import Rates, log_e_value
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Outcome, advance
from unit.evidence.intervals import INDEPENDENT_FAILURES, interval
from unit.evidence.simulation import RAMP, SEED, Story, simulate

ROUNDING = 1e-9
SIZES = [(1, 1), (2, 5), (6, 3), (8, 8), (1, 12)]
BASELINE_RATES = [0.001, 0.05, 0.3, 0.7, 0.95]


def probability(requests: int, failures: int, rate: float) -> float:
    return math.comb(requests, failures) * rate**failures * (1 - rate) ** (requests - failures)


def mean_e_value(sizes: tuple[int, int], truth: Rates, alternative: Rates, shift: float) -> float:
    n_b, n_c = sizes
    return math.fsum(
        probability(n_b, f_b, truth.baseline)
        * probability(n_c, f_c, truth.canary)
        * math.exp(log_e_value(Counts(n_b, f_b), Counts(n_c, f_c), alternative, shift))
        for f_b in range(n_b + 1)
        for f_c in range(n_c + 1)
    )


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("tolerance", [0.0, 0.02])
def test_evidence_of_harm_has_a_mean_of_at_most_one_for_a_canary_that_is_not_worse(
    sizes: tuple[int, int], tolerance: float
) -> None:
    for q, effect, p_b in itertools.product([0.001, 0.1, 0.4], [0.03, 0.2, 0.5], BASELINE_RATES):
        for p_c in {min(p_b + tolerance, 1.0), p_b, 0.5 * p_b, 0.0}:
            mean = mean_e_value(sizes, Rates(p_b, p_c), Rates(q, q + effect), tolerance)
            assert mean <= 1 + ROUNDING, (q, effect, p_b, p_c)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("margin", [0.005, 0.05, 0.3])
def test_evidence_of_goodness_has_a_mean_of_at_most_one_for_a_canary_worse_by_the_margin(
    sizes: tuple[int, int], margin: float
) -> None:
    for q, p_b in itertools.product([1e-6, 0.01, 0.3, 0.9], BASELINE_RATES):
        for p_c in {p_b + margin, (1 + p_b + margin) / 2, 1.0}:
            if p_b + margin <= p_c <= 1:
                mean = mean_e_value(sizes, Rates(p_b, p_c), Rates(q, q), margin)
                assert mean <= 1 + ROUNDING, (q, p_b, p_c)


@pytest.mark.parametrize("sizes", SIZES)
def test_the_mean_is_one_at_the_nearest_null_point_so_nothing_is_given_away(sizes: tuple[int, int]) -> None:
    # For equal sizes and rates mirrored around 1/2 the nearest point of "equal" is 1/2.
    balanced = (max(sizes), max(sizes))
    assert mean_e_value(balanced, Rates(0.5, 0.5), Rates(0.3, 0.7), 0.0) == pytest.approx(1.0)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.6])
def test_the_whole_process_keeps_its_mean_although_it_learns_the_base_rate_on_the_way(rate: float) -> None:
    settings = Settings(
        min_duration_seconds=0, max_duration_seconds=30, margin_absolute=0.2, margin_relative=0, **INDEPENDENT_FAILURES
    )
    outcomes = list(itertools.product(range(3), repeat=2))
    mean_bad = mean_good = 0.0
    for path in itertools.product(outcomes, repeat=3):
        state = EvidenceState()
        weight_equal = weight_worse = 1.0
        for f_b, f_c in path:
            state = advance(state, interval(baseline=(2, f_b), canary=(2, f_c), stable=(0, 0)), settings)
            weight_equal *= probability(2, f_b, rate) * probability(2, f_c, rate)
            weight_worse *= probability(2, f_b, rate) * probability(2, f_c, rate + 0.2)
        mean_bad += weight_equal * math.exp(state.log_bad(settings))
        mean_good += weight_worse * math.exp(state.log_good)
    assert mean_bad <= 1 + ROUNDING
    assert mean_good <= 1 + ROUNDING


def test_of_300_equal_canaries_at_most_5_percent_are_rejected_and_most_are_promoted() -> None:
    settings = Settings(min_duration_seconds=0, false_reject=0.05, **INDEPENDENT_FAILURES)
    runs = [simulate(SEED + i, Story(0.01, 0.01), settings) for i in range(300)]
    rejected = sum(run.outcome is Outcome.REJECT for run in runs)
    promoted = sum(run.outcome is Outcome.PROMOTE for run in runs)
    assert rejected <= 15
    assert promoted >= 270


def test_of_300_canaries_worse_by_the_margin_at_most_5_percent_are_promoted_within_sampling_error() -> None:
    settings = Settings(min_duration_seconds=0, **INDEPENDENT_FAILURES)
    runs = [simulate(SEED + i, Story(0.001, 0.006), settings) for i in range(300)]
    two_standard_errors = 2 * math.sqrt(300 * 0.05 * 0.95)
    assert sum(run.outcome is Outcome.PROMOTE for run in runs) <= 15 + two_standard_errors


def test_broken_canaries_are_rejected_within_seconds() -> None:
    settings = Settings(min_duration_seconds=0)
    runs = [simulate(SEED + i, Story(0.01, 0.5), settings) for i in range(50)]
    assert {run.outcome for run in runs} == {Outcome.REJECT}
    assert max(run.data_seconds for run in runs) <= 60


def test_with_the_ramp_an_equal_canary_is_promoted_twice_as_fast_and_a_broken_one_fails_a_quarter() -> None:
    settings = Settings(min_duration_seconds=0, **INDEPENDENT_FAILURES)
    equal = [simulate(SEED + i, Story(0.01, 0.01), settings, RAMP) for i in range(100)]
    broken = [simulate(SEED + i, Story(0.01, 0.5), settings, RAMP) for i in range(100)]

    assert sum(run.outcome is Outcome.PROMOTE for run in equal) >= 95
    assert sorted(run.data_seconds for run in equal)[50] <= 4 * 60
    assert {run.outcome for run in broken} == {Outcome.REJECT}
    assert sum(run.canary_failures for run in broken) / 100 <= 15


def test_of_200_canaries_worse_by_the_margin_the_ramp_promotes_at_most_5_percent_within_sampling_error() -> None:
    settings = Settings(min_duration_seconds=0, **INDEPENDENT_FAILURES)
    runs = [simulate(SEED + i, Story(0.001, 0.006), settings, RAMP) for i in range(200)]
    two_standard_errors = 2 * math.sqrt(200 * 0.05 * 0.95)
    assert sum(run.outcome is Outcome.PROMOTE for run in runs) <= 10 + two_standard_errors


@pytest.mark.parametrize("minutes", [1, 3, 10])
def test_an_outage_of_everything_promotes_no_canary_that_is_worse_outside_of_it(minutes: int) -> None:
    outage = range(18, 18 + 6 * minutes)
    for has_history in (False, True):
        story = Story(0.01, 0.02, has_history, outage)
        runs = [simulate(SEED + i, story, Settings(min_duration_seconds=0)) for i in range(20)]
        assert sum(run.outcome is Outcome.PROMOTE for run in runs) == 0


@pytest.mark.parametrize("rate", [0.2, 0.4])
def test_a_service_that_always_fails_much_is_still_judged(rate: float) -> None:
    story = Story(rate, rate, has_history=True)
    runs = [simulate(SEED + i, story, Settings(min_duration_seconds=0)) for i in range(20)]
    assert sum(run.outcome is Outcome.PROMOTE for run in runs) >= 18
