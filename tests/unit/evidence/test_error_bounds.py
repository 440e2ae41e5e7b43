"""The promises behind the verdict: a mean of at most 1 under every null point, hence bounded errors at every look."""

import itertools
import math
from dataclasses import replace

import pytest
from serin.core.evidence.counts import Counts
from serin.core.evidence.likelihood import Rates, log_e_value
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, advance
from unit.evidence.intervals import INDEPENDENT_FAILURES, interval
from verdict.decisions import Answer, Decisions
from verdict.engine import SETTINGS, SETTINGS_WITHOUT_HISTORY, begin_runs, decide_runs
from verdict.ramped import decide_ramped
from verdict.scenarios import AT_MARGIN, BROKEN, EQUAL, MINUTE, PLUS_1, SCENARIOS, Canary
from verdict.traffic import draw_history, draw_paths

ROUNDING = 1e-9
INDEPENDENT = replace(SETTINGS, fixed_dispersion=1.0)
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


def decide(
    scenario: str, canary: Canary, runs: int = 100, has_history: bool = True, settings: Settings = SETTINGS
) -> Decisions:
    """At 5 % of false rejections."""
    chosen = SCENARIOS[scenario]
    begun = begin_runs(draw_history(chosen, 0, runs), settings) if has_history else [EvidenceState()] * runs
    return decide_runs(draw_paths(chosen, canary, 0, runs), begun, settings)[0]


def decide_with_ramp(scenario: str, canary: Canary, runs: int) -> Decisions:
    return decide_ramped(SCENARIOS[scenario], canary, 0, [EvidenceState()] * runs, settings=INDEPENDENT)[0]


def share(decided: Decisions, answer: Answer) -> float:
    return float((decided.answers == answer).mean())


def two_standard_errors(runs: int) -> float:
    return 2 * math.sqrt(0.05 * 0.95 / runs)


def test_of_300_equal_canaries_at_most_5_percent_are_rejected_and_most_are_promoted() -> None:
    decided = decide("99", EQUAL, 300, has_history=False, settings=INDEPENDENT)
    assert share(decided, Answer.REJECT) <= 0.05
    assert share(decided, Answer.PROMOTE) >= 0.9


def test_of_300_canaries_worse_by_the_margin_at_most_5_percent_are_promoted_within_sampling_error() -> None:
    decided = decide("99.9", AT_MARGIN, 300, has_history=False, settings=INDEPENDENT)
    assert share(decided, Answer.PROMOTE) <= 0.05 + two_standard_errors(300)


@pytest.mark.parametrize("scenario", ["bursts5", "crash30min", "incident", "warmup"])
def test_bursts_crashes_and_incidents_do_not_break_the_bounds(scenario: str) -> None:
    assert share(decide(scenario, EQUAL, 60), Answer.REJECT) <= 0.05 + two_standard_errors(60)
    assert share(decide(scenario, AT_MARGIN, 60), Answer.PROMOTE) <= 0.05 + two_standard_errors(60)


@pytest.mark.parametrize("scenario", ["bursts5", "bursts20"])
def test_without_history_bursts_are_doubted_enough(scenario: str) -> None:
    decided = decide(scenario, AT_MARGIN, 100, has_history=False, settings=SETTINGS_WITHOUT_HISTORY)
    assert share(decided, Answer.PROMOTE) <= 0.05 + two_standard_errors(100)


@pytest.mark.parametrize("scenario", ["99", "99.9", "95"])
def test_broken_canaries_are_rejected_within_two_intervals(scenario: str) -> None:
    decided = decide(scenario, BROKEN)
    assert share(decided, Answer.REJECT) == 1
    assert decided.intervals.max() <= 2


def test_without_history_broken_canaries_are_rejected_within_a_minute() -> None:
    decided = decide("99", BROKEN, has_history=False)
    assert share(decided, Answer.REJECT) == 1
    assert decided.intervals.max() <= MINUTE


def test_with_the_ramp_an_equal_canary_is_promoted_twice_as_fast_and_a_broken_one_fails_a_quarter() -> None:
    equal, broken = decide_with_ramp("99", EQUAL, 100), decide_with_ramp("99", BROKEN, 100)
    assert share(equal, Answer.PROMOTE) >= 0.95
    assert sorted(equal.intervals)[50] <= 4 * MINUTE
    assert share(broken, Answer.REJECT) == 1
    assert broken.failures.mean() <= 15


def test_of_200_canaries_worse_by_the_margin_the_ramp_promotes_at_most_5_percent_within_sampling_error() -> None:
    decided = decide_with_ramp("99.9", AT_MARGIN, 200)
    assert share(decided, Answer.PROMOTE) <= 0.05 + two_standard_errors(200)


@pytest.mark.parametrize("scenario", ["outage1", "outage10"])
@pytest.mark.parametrize("has_history", [False, True])
def test_an_outage_of_everything_promotes_no_canary_that_is_worse_outside_of_it(
    scenario: str, has_history: bool
) -> None:
    assert share(decide(scenario, PLUS_1, 20, has_history), Answer.PROMOTE) == 0


@pytest.mark.parametrize("scenario", ["failing20", "failing40"])
def test_a_service_that_always_fails_much_is_still_judged(scenario: str) -> None:
    assert share(decide(scenario, EQUAL, 20), Answer.PROMOTE) >= 0.9
