"""An A/B test of a business metric: a winner, or no difference worth having, at any look."""

import itertools
import json
import math
import random
from collections import Counter

import pytest
from serin.core.evidence.ab_test import AbOutcome, AbSettings, AbState, Scatter, advance_ab, judge_ab
from serin.core.evidence.counts import Counts

SETTINGS = AbSettings(minimum_effect=0.02, false_reject=0.05, false_promote=0.05)
ROUNDING = 1e-9
PER_INTERVAL = 400


def probability(requests: int, successes: int, share: float) -> float:
    return math.comb(requests, successes) * share**successes * (1 - share) ** (requests - successes)


def draw(rng: random.Random, share: float) -> float:
    """Successes of PER_INTERVAL chances, by the normal approximation."""
    spread = math.sqrt(PER_INTERVAL * share * (1 - share))
    return float(min(max(round(rng.gauss(PER_INTERVAL * share, spread)), 0), PER_INTERVAL))


def run(
    seed: int, baseline: float, canary: float, intervals: int = 120, seconds: float = 10.0
) -> tuple[AbOutcome, int]:
    """The first outcome and its interval."""
    rng, state = random.Random(seed), AbState()
    for interval in range(1, intervals + 1):
        ours, theirs = Counts(PER_INTERVAL, draw(rng, canary)), Counts(PER_INTERVAL, draw(rng, baseline))
        state = advance_ab(state, theirs, ours, seconds, SETTINGS)
        outcome = judge_ab(state).outcome
        if outcome is not AbOutcome.UNDECIDED:
            return outcome, interval
    return AbOutcome.UNDECIDED, intervals


def outcomes(baseline: float, canary: float, runs: int = 100) -> Counter[AbOutcome]:
    return Counter(run(seed, baseline, canary)[0] for seed in range(runs))


def test_two_equal_versions_are_seldom_called_different_however_often_one_looks() -> None:
    for share in (0.03, 0.3):
        found = outcomes(share, share)
        # 5 of 100 are allowed on average; 11 or more would then have a chance of 1 %.
        assert found[AbOutcome.CANARY_WINS] + found[AbOutcome.STABLE_WINS] <= 10
        assert found[AbOutcome.NO_DIFFERENCE] >= 50


def test_a_difference_of_the_minimum_is_seldom_called_none() -> None:
    for baseline, canary in ((0.10, 0.12), (0.12, 0.10)):
        assert outcomes(baseline, canary)[AbOutcome.NO_DIFFERENCE] <= 10


@pytest.mark.parametrize(
    ("baseline", "canary", "winner"),
    [(0.10, 0.15, AbOutcome.CANARY_WINS), (0.15, 0.10, AbOutcome.STABLE_WINS), (0.5, 0.9, AbOutcome.CANARY_WINS)],
)
def test_a_clear_difference_has_its_winner_soon(baseline: float, canary: float, winner: AbOutcome) -> None:
    found = [run(seed, baseline, canary) for seed in range(20)]

    assert {outcome for outcome, _ in found} == {winner}
    assert max(interval for _, interval in found) <= 60


def test_each_test_has_a_mean_of_at_most_one_under_what_it_is_against() -> None:
    settings = AbSettings(minimum_effect=0.2)
    rates = (0.05, 0.3, 0.6)
    for share in rates:
        means = dict.fromkeys(("better", "worse", "no_gain", "no_loss"), 0.0)
        for path in itertools.product(itertools.product(range(3), repeat=2), repeat=2):
            state, equal, gain = AbState(scatter=Scatter(blocks=1e9)), 1.0, 1.0
            for s_b, s_c in path:
                equal *= probability(2, s_b, share) * probability(2, s_c, share)
                gain *= probability(2, s_b, share) * probability(2, s_c, share + 0.2)
                state = advance_ab(state, Counts(2, s_b), Counts(2, s_c), 10, settings)
            judged = judge_ab(state)
            assert judged.dispersion == 1
            means["better"] += equal * judged.better
            means["worse"] += equal * judged.worse
            means["no_gain"] += gain * judged.no_gain
        assert all(mean <= 1 + ROUNDING for mean in means.values()), (share, means)


def test_both_sides_are_judged_alike() -> None:
    forth = back = AbState()
    rng = random.Random(1)
    for _ in range(20):
        one, other = Counts(PER_INTERVAL, draw(rng, 0.1)), Counts(PER_INTERVAL, draw(rng, 0.12))
        forth = advance_ab(forth, one, other, 10, SETTINGS)
        back = advance_ab(back, other, one, 10, SETTINGS)

    judged, mirrored = judge_ab(forth), judge_ab(back)
    assert judged.better == pytest.approx(mirrored.worse)
    assert judged.no_gain == pytest.approx(mirrored.no_loss)
    assert judged.difference == pytest.approx(-mirrored.difference)


def test_successes_that_come_in_heaps_are_worth_less() -> None:
    def dispersion(heap: int) -> float:
        rng, state = random.Random(7), AbState()
        for _ in range(600):
            one, other = (sum(rng.random() < 0.2 for _ in range(100 // heap)) * heap for _ in range(2))
            state = advance_ab(state, Counts(100, one), Counts(100, other), 10, SETTINGS)
        return judge_ab(state).dispersion

    assert dispersion(1) < 1.6
    assert dispersion(10) > 5


def test_a_steady_difference_is_no_scatter() -> None:
    state = AbState()
    for _ in range(600):
        state = advance_ab(state, Counts(100, 10), Counts(100, 40), 10, SETTINGS)
    assert judge_ab(state).dispersion == 1


def test_intervals_in_which_one_had_no_chance_count_for_nobody() -> None:
    state = advance_ab(AbState(), Counts(100, 10), Counts(), 10, SETTINGS)
    assert state == AbState()


@pytest.mark.parametrize("successes", [0, 100])
def test_versions_that_always_or_never_succeed_are_judged_without_a_fault(successes: float) -> None:
    state = AbState()
    for _ in range(60):
        state = advance_ab(state, Counts(100, successes), Counts(100, successes), 10, SETTINGS)
    assert judge_ab(state).outcome is AbOutcome.NO_DIFFERENCE


def test_the_state_comes_back_from_json_as_it_was() -> None:
    state = AbState()
    for successes in (3, 9, 4, 8, 2, 7, 9):
        state = advance_ab(state, Counts(100, 5), Counts(100, successes), 10, SETTINGS)

    assert AbState.from_json(json.loads(json.dumps(state.to_json()))) == state
    with pytest.raises(ValueError, match="expected 4 of each"):
        AbState.from_json({**state.to_json(), "logBetter": [0.0]})


@pytest.mark.parametrize("field", ["minimum_effect", "false_reject", "false_promote"])
@pytest.mark.parametrize("value", [0.0, 1.0, math.nan])
def test_settings_that_make_no_sense_are_named(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        AbSettings(**{"minimum_effect": 0.01, field: value})
