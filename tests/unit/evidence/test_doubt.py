"""Without history evidence for the canary counts for no more than what has been learned by now."""

import json
from dataclasses import replace

import pytest
from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.dispersion import Bursts, HistoryInterval
from serin.core.evidence.doubt import Doubt, log_believed
from serin.core.evidence.proof import FACTORS
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Outcome, judge
from unit.evidence.intervals import after, interval, reference_intervals

SETTINGS = Settings()
QUIET_HALVES = StableHalves(Counts(400, 4), Counts(400, 4))
BURST_HALVES = StableHalves(Counts(400, 4), Counts(400, 104))
PAST = [HistoryInterval(QUIET_HALVES, 10.0)] * 6


def seen(halves: StableHalves | None) -> Increments:
    """Baseline and canary are equal, and good."""
    return replace(interval(baseline=(200, 1), canary=(200, 1)), stable_halves=halves)


QUIET, BURST, ONE_POD = seen(QUIET_HALVES), seen(BURST_HALVES), seen(None)
# Small bursts, which cancel out within a block of a minute.
UNEVEN = [
    seen(StableHalves(Counts(400, 2), Counts(400, 8))),
    seen(StableHalves(Counts(400, 8), Counts(400, 2))),
] * 90


def proven_after(intervals: list[Increments], settings: Settings = SETTINGS, history: int = 0) -> int:
    state = EvidenceState.begin(PAST * history, settings)
    for count, increments in enumerate(intervals, 1):
        state = after([increments], settings, state)
        if state.proof.is_good_enough:
            return count
    raise AssertionError("not proven")


def evidence_is_enough_after(intervals: list[Increments]) -> int:
    return next(n for n in range(1, 180) if after(intervals[:n], SETTINGS).log_good >= SETTINGS.log_promote)


def test_what_the_stable_pods_teach_late_holds_for_early_intervals_too() -> None:
    before, later = after([QUIET] * 60, SETTINGS), after([QUIET] * 60 + [BURST] * 6, SETTINGS)
    assert later.log_good > before.log_good
    assert later.log_proven(SETTINGS) < before.log_proven(SETTINGS) / 2


def test_evidence_that_is_enough_by_itself_waits_until_it_is_believed() -> None:
    enough = evidence_is_enough_after(UNEVEN)
    doubted = judge(after(UNEVEN[:enough], SETTINGS), SETTINGS)
    assert doubted.outcome is Outcome.ANALYZING
    assert doubted.good < 1
    assert doubted.evidence_good < 1 / SETTINGS.false_promote
    assert proven_after(UNEVEN) > enough


def test_a_margin_is_not_called_proven_before_it_is_believed() -> None:
    state = after(UNEVEN[: evidence_is_enough_after(UNEVEN)], SETTINGS)
    assert state.log_good >= SETTINGS.log_promote
    assert not state.proof.is_good_enough


def test_what_was_believed_once_stays_proven_whatever_is_learned_later() -> None:
    proven = proven_after([QUIET] * 180)
    state = after([QUIET] * proven + [BURST] * 12, SETTINGS)
    assert state.log_proven(SETTINGS) < SETTINGS.log_promote
    assert judge(state, SETTINGS).outcome is Outcome.PROMOTE


def test_with_history_nothing_is_doubted() -> None:
    begun = EvidenceState.begin(PAST, SETTINGS)
    assert begun.doubt is None
    later = after([QUIET] * 12 + [BURST] * 12, SETTINGS, begun)
    assert later.doubt is None
    assert later.log_proven(SETTINGS) == later.log_good


def test_with_fewer_than_two_stable_pods_the_prior_stands_alone() -> None:
    state = after([ONE_POD] * 60, SETTINGS)
    assert state.log_proven(SETTINGS) == state.log_good
    assert proven_after([ONE_POD] * 180) == evidence_is_enough_after([ONE_POD] * 180)


def test_a_fixed_dispersion_is_not_doubted() -> None:
    fixed = replace(SETTINGS, fixed_dispersion=2.0)
    state = after([BURST] * 60, fixed)
    assert state.log_proven(fixed) == state.log_good


def test_no_reference_interval_counts_for_more_than_its_evidence() -> None:
    for count in range(1, 7):
        state = after(reference_intervals()[:count] * 5, SETTINGS)
        assert state.log_proven(SETTINGS) <= state.log_good


EXCELLENT = [replace(QUIET, baseline=Counts(2000, 2), canary=Counts(2000, 2))] * 60


def test_nothing_is_proven_before_the_stable_pods_have_told_of_five_blocks() -> None:
    assert evidence_is_enough_after(EXCELLENT) < 15
    assert proven_after(EXCELLENT) == 5 * 6
    assert proven_after(EXCELLENT, replace(SETTINGS, min_duration_seconds=600)) == 5 * 6
    assert proven_after(EXCELLENT, history=1) < 15


def test_a_plan_with_a_shorter_minimum_duration_waits_no_longer_than_that() -> None:
    assert proven_after(EXCELLENT, replace(SETTINGS, min_duration_seconds=200)) == 20


def test_the_forecast_knows_of_the_wait() -> None:
    idle = [interval(baseline=(0, 0), canary=(0, 0), stable=(0, 0))] * 10
    waiting = judge(after([*EXCELLENT[:20], *idle], SETTINGS), SETTINGS)
    assert waiting.eta_seconds == pytest.approx(100)


def test_scrapes_that_are_not_exactly_on_time_make_five_blocks_too() -> None:
    assert proven_after([replace(each, seconds=9.9) for each in EXCELLENT]) == 5 * 6


@pytest.mark.parametrize(
    ("doubt", "bursts", "divisor"),
    [
        (Doubt(seconds=300, squares=0, failures=300), Bursts(squares=510, failures=120), 600 / 150),
        (Doubt(seconds=300, squares=2910, failures=270), Bursts(squares=0, failures=270), 3000 / 300),
        (Doubt(seconds=300, squares=0, failures=900), Bursts(squares=0, failures=900), 1),
    ],
    ids=["bursts over several intervals", "bursts within one", "no bursts"],
)
def test_the_larger_of_two_dispersions_divides(doubt: Doubt, bursts: Bursts, divisor: float) -> None:
    believed = log_believed(replace(doubt, log_e_values=(12.0,) * len(FACTORS)), bursts, SETTINGS)
    assert believed == pytest.approx((12 / divisor,) * len(FACTORS))


def test_a_half_without_requests_teaches_nothing() -> None:
    doubt = Doubt().learn(StableHalves(Counts(400, 4), Counts(0, 0)), 10.0)
    assert doubt == Doubt()


def test_a_restart_at_every_interval_changes_nothing() -> None:
    kept = restored = EvidenceState()
    for increments in [*reference_intervals(), BURST, ONE_POD, QUIET] * 3:
        kept = after([increments], SETTINGS, kept)
        stored = json.loads(json.dumps(restored.to_json()))
        restored = after([increments], SETTINGS, EvidenceState.from_json(stored))
        assert restored == kept


def test_a_comparison_of_an_operator_that_knew_no_doubt_ends_as_it_began() -> None:
    stored = after([QUIET] * 10, SETTINGS).to_json()
    del stored["doubt"]
    assert EvidenceState.from_json(stored).doubt is None
