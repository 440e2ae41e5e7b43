"""Whether more than the limit of all predictions moved to another class."""

import itertools
import json
import math
from dataclasses import replace

import pytest
from serin.core.evidence.categories import ByClass, CategoryIncrements
from serin.core.evidence.drift import (
    DriftJudgement,
    DriftSettings,
    DriftState,
    Spread,
    advance_drift,
    judge_drift,
)
from serin.core.evidence.drift_measures import (
    g_statistic,
    jensen_shannon_bits,
    population_stability_index,
    total_variation,
)
from serin.core.evidence.settings import Settings
from unit.evidence.drift_simulation import SEED, simulate_drift

SETTINGS = DriftSettings(Settings(min_duration_seconds=0))
# Sums of squares that come out as evenness: the dispersion is 1 from the first interval on.
EVEN = Spread(interval_degrees=1000.0)

USUAL: ByClass = (40, 30, 15, 10, 5)
MOVED: ByClass = (20, 50, 15, 10, 5)
SLIGHTLY_MOVED: ByClass = (38, 32, 15, 10, 5)
IDLE: ByClass = (0, 0, 0, 0, 0)


def interval(canary: ByClass = USUAL, baseline: ByClass = USUAL, seconds: float = 10.0) -> CategoryIncrements:
    return CategoryIncrements(tuple(8 * count for count in USUAL), baseline, canary, seconds)


def after(intervals: list[CategoryIncrements], begun: DriftState | None = None) -> DriftState:
    state = begun or DriftState.begin(len(USUAL))
    for increments in intervals:
        state = advance_drift(state, increments, SETTINGS)
    return state


def judged(*intervals: CategoryIncrements) -> DriftJudgement:
    return judge_drift(after(list(intervals)), SETTINGS)


def test_the_measures_have_their_reference_values() -> None:
    baseline, canary = (400, 300, 150, 100, 50), (430, 270, 160, 95, 45)
    assert total_variation(baseline, canary) == pytest.approx(0.04)
    assert population_stability_index(baseline, canary) == pytest.approx(0.00675909, abs=1e-8)
    assert jensen_shannon_bits(baseline, canary) == pytest.approx(0.00121850, abs=1e-8)
    assert g_statistic(baseline, canary) == pytest.approx(3.37838604, abs=1e-8)


def test_the_measures_of_nothing_are_nothing_and_of_an_empty_class_finite() -> None:
    for measure in (total_variation, population_stability_index, jensen_shannon_bits, g_statistic):
        assert measure((0, 0), (0, 0)) == measure((0, 0), (3, 1)) == measure((5, 0), (10, 0)) == 0
        assert math.isfinite(measure((10, 0), (0, 10)))
    assert total_variation((10, 0), (0, 10)) == jensen_shannon_bits((10, 0), (0, 10)) == pytest.approx(1)


def test_a_canary_that_predicts_as_the_baseline_does_is_good_enough() -> None:
    judgement = judged(*[interval()] * 60)
    assert judgement.is_good_enough
    assert (judgement.good, judgement.bad, judgement.total_variation) == (1.0, 0.0, 0.0)


def test_a_fifth_of_the_predictions_in_another_class_is_drift() -> None:
    judgement = judged(*[interval(MOVED)] * 12)
    assert judgement.has_drifted
    assert judgement.evidence_bad >= 100
    assert judgement.total_variation == pytest.approx(0.2)
    assert not judgement.is_good_enough


def test_a_movement_below_the_limit_is_no_drift_however_many_predictions_show_it() -> None:
    many = [interval(tuple(1000 * n for n in SLIGHTLY_MOVED), tuple(1000 * n for n in USUAL))] * 100
    judgement = judged(*many)
    assert judgement.is_good_enough
    assert not judgement.has_drifted
    assert judgement.g > 1000, "every test of equality would have rejected"


def test_a_class_that_nobody_knew_shows_among_all_others() -> None:
    before: ByClass = (60, 40, 0)
    state = DriftState.begin(3)
    for _ in range(12):
        state = advance_drift(state, CategoryIncrements(before, before, (50, 30, 20), 10.0), SETTINGS)
    assert judge_drift(state, SETTINGS).has_drifted


def test_nothing_is_bet_before_50_predictions_of_each_are_known() -> None:
    few: ByClass = (20, 15, 8, 4, 2)
    first = after([interval((5, 35, 5, 2, 2), few)])
    assert first.log_bad == 0
    assert after([interval(MOVED)], first).log_bad == 0
    assert after([interval(MOVED)] * 2, first).log_bad != 0


def test_the_classes_that_are_bet_on_come_from_earlier_intervals() -> None:
    turned: ByClass = (60, 10, 15, 10, 5)
    assert after([interval(MOVED), interval(turned)]).log_bad < 0


def test_intervals_without_predictions_of_both_move_no_evidence() -> None:
    before = after([interval(MOVED)] * 3)
    idle = after([interval(IDLE), interval(MOVED, baseline=IDLE)], before)
    assert replace(idle, memory=before.memory) == before


def test_what_has_once_been_proven_stays_proven() -> None:
    proven = after([interval()] * 60)
    assert judge_drift(after([interval(SLIGHTLY_MOVED)] * 20, proven), SETTINGS).is_good_enough
    drifted = after([interval(MOVED)] * 12)
    assert judge_drift(after([interval()] * 200, drifted), SETTINGS).has_drifted


def test_the_pair_of_a_set_and_its_complement_covers_both_directions() -> None:
    state = after([interval(MOVED)] * 40)
    gained, lost = 0b00010, 0b00001
    assert gained in state.log_goods, "the second class gained a fifth of all predictions"
    assert lost not in state.log_goods, "nothing moved into the first class"
    assert 0b11111 ^ lost in state.log_goods, "something moved into the others together"


def test_stable_pods_whose_predictions_come_in_batches_make_evidence_worth_less() -> None:
    even = replace(interval(), stable_halves=(USUAL, USUAL))
    batched = replace(interval(), stable_halves=((90, 0, 5, 5, 0), (0, 80, 10, 0, 10)))
    assert after([even] * 12).spread.dispersion == 1.0
    assert after([batched] * 12).spread.dispersion > 10
    assert after([interval()]).spread.dispersion == 3.0, "nothing is known yet"


def test_a_difference_that_lasts_over_intervals_counts_more_than_one_that_changes_sides() -> None:
    lasting = replace(interval(), stable_halves=((45, 25, 15, 10, 5), (35, 35, 15, 10, 5)))
    other = replace(lasting, stable_halves=(lasting.stable_halves or ((), ()))[::-1])
    assert after([lasting] * 24).spread.dispersion > 2 * after([lasting, other] * 12).spread.dispersion


def probability(counts: tuple[int, ...], shares: tuple[float, ...]) -> float:
    ways = math.factorial(sum(counts)) / math.prod(map(math.factorial, counts))
    return ways * math.prod(share**count for share, count in zip(shares, counts, strict=True))


def outcomes(predictions: int, classes: int) -> list[tuple[int, ...]]:
    return [c for c in itertools.product(range(predictions + 1), repeat=classes) if sum(c) == predictions]


@pytest.mark.parametrize(
    ("baseline", "canary"),
    [((0.5, 0.3, 0.2), (0.5, 0.3, 0.2)), ((0.5, 0.3, 0.2), (0.4, 0.4, 0.2)), ((0.9, 0.1, 0.0), (0.9, 0.0, 0.1))],
)
def test_a_bet_on_drift_has_a_mean_of_at_most_one_within_the_limit(
    baseline: tuple[float, ...], canary: tuple[float, ...]
) -> None:
    settings = DriftSettings(Settings(), limit=0.1)
    assert total_variation(baseline, canary) <= settings.limit + 1e-12
    for seen in ((20, 50, 30), (10, 10, 80), (60, 30, 10)):
        state = replace(DriftState.begin(3), baseline=(50.0, 30.0, 20.0), canary=tuple(map(float, seen)), spread=EVEN)
        mean = math.fsum(
            probability(b, baseline)
            * probability(c, canary)
            * math.exp(advance_drift(state, CategoryIncrements((0, 0, 0), b, c, 10.0), settings).log_bad)
            for b in outcomes(4, 3)
            for c in outcomes(3, 3)
        )
        assert mean <= 1 + 1e-9


def test_the_proof_of_the_set_into_which_too_many_moved_has_a_mean_of_at_most_one() -> None:
    settings = DriftSettings(Settings(false_promote=1e-9), limit=0.2)
    baseline, canary, gained = (0.5, 0.3, 0.2), (0.3, 0.5, 0.2), 0b010
    state = replace(DriftState.begin(3), memory=(50.0, 30.0, 20.0), spread=EVEN)
    mean = math.fsum(
        probability(b, baseline)
        * probability(c, canary)
        * math.exp(advance_drift(state, CategoryIncrements((0, 0, 0), b, c, 10.0), settings).log_goods[gained])
        for b in outcomes(4, 3)
        for c in outcomes(3, 3)
    )
    assert mean <= 1 + 1e-9


@pytest.mark.parametrize(
    ("moved", "batch", "least_promoted", "most_promoted", "least_rejected", "most_rejected"),
    [
        (0.0, 1, 28, 30, 0, 0),
        (0.05, 1, 0, 4, 0, 2),
        (0.15, 1, 0, 0, 30, 30),
        (0.0, 10, 0, 30, 0, 2),
        (0.05, 10, 0, 4, 0, 2),
    ],
)
def test_of_30_canaries_those_beyond_the_limit_are_told_from_those_within(
    moved: float, batch: int, least_promoted: int, most_promoted: int, least_rejected: int, most_rejected: int
) -> None:
    quarter_of_an_hour = DriftSettings(Settings(min_duration_seconds=0, max_duration_seconds=900))
    runs = [simulate_drift(SEED + i, moved, quarter_of_an_hour, batch) for i in range(30)]
    assert least_promoted <= sum(run.outcome == "Promote" for run in runs) <= most_promoted
    assert least_rejected <= sum(run.outcome == "Reject" for run in runs) <= most_rejected


def test_continuing_from_json_gives_the_same_numbers_bit_for_bit_at_every_interval() -> None:
    kept = restored = DriftState.begin(len(USUAL))
    halves = ((41.0, 29.0, 15.0, 9.0, 6.0), (39.0, 30.5, 16.0, 10.0, 5.0))
    for k in range(30):
        increments = replace(interval(MOVED if k % 3 else SLIGHTLY_MOVED, seconds=9.97), stable_halves=halves)
        kept = advance_drift(kept, increments, SETTINGS)
        stored = json.loads(json.dumps(restored.to_json(), allow_nan=False))
        restored = advance_drift(DriftState.from_json(stored), increments, SETTINGS)
        assert restored == kept


def test_the_stored_form_is_bounded_at_the_most_classes() -> None:
    assert len(json.dumps(after([interval()] * 500).to_json())) < 1000
    assert len(json.dumps(DriftState.begin(8).to_json())) < 4096


@pytest.mark.parametrize("limit", [0.0, 1.0, math.nan])
def test_a_limit_that_is_no_share_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="limit is"):
        DriftSettings(Settings(), limit)
