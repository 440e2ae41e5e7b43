"""What follows from the evidence, and when."""

import json
import math
import re
from dataclasses import replace
from typing import Any

import pytest
from serin.core.evidence.base_rate import Memory
from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.dispersion import HistoryInterval
from serin.core.evidence.harm import Harm
from serin.core.evidence.proof import FACTORS, PLAN, Proof
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Outcome, advance, judge
from unit.evidence.intervals import INDEPENDENT_FAILURES, after, interval, reference_intervals

QUICK = Settings(min_duration_seconds=0, max_duration_seconds=600)
EQUAL = interval(baseline=(100, 0), canary=(100, 0), stable=(800, 0))
BROKEN = interval(baseline=(100, 1), canary=(100, 50))
QUIET_PAST = HistoryInterval(StableHalves(Counts(400, 4), Counts(400, 4)), seconds=10.0)
IDLE = interval(baseline=(0, 0), canary=(0, 0), stable=(0, 0))


def outcome_after(intervals: list[Increments], settings: Settings = QUICK) -> Outcome:
    return judge(after(intervals, settings), settings).outcome


def with_evidence(log_good: float = 0.0, log_bad: float = 0.0, data_seconds: float = 600.0) -> EvidenceState:
    """A state in the last planned interval of QUICK, where the bets are the whole of E_bad."""
    nothing = -math.inf
    return EvidenceState(
        intervals=QUICK.planned_intervals,
        proof=Proof(
            log_goods=tuple(log_good if i == PLAN else 0.0 for i in range(len(FACTORS))),
            reached=frozenset({PLAN} if log_good >= QUICK.log_promote else ()),
        ),
        harm=Harm((log_bad, nothing, nothing, nothing), (log_bad, nothing, nothing, nothing, nothing)),
        baseline=Counts(1000, 10),
        canary=Counts(1000, 10),
        data_seconds=data_seconds,
    )


class TestOutcome:
    def test_an_equal_canary_is_promoted(self) -> None:
        assert outcome_after([EQUAL] * 59) is Outcome.PROMOTE

    def test_six_intervals_of_half_broken_answers_reject(self) -> None:
        assert outcome_after([BROKEN] * 6, Settings()) is Outcome.REJECT

    def test_three_intervals_of_half_broken_answers_reject_already(self) -> None:
        assert outcome_after([BROKEN] * 3, Settings()) is Outcome.REJECT

    def test_with_a_quiet_history_two_intervals_are_enough(self) -> None:
        begun = EvidenceState.begin([QUIET_PAST] * 360, Settings())
        assert judge(after([BROKEN] * 2, Settings(), begun), Settings()).outcome is Outcome.REJECT

    def test_a_rejection_does_not_wait_for_the_minimum_duration(self) -> None:
        settings = replace(QUICK, min_duration_seconds=600)
        assert outcome_after([BROKEN] * 6, settings) is Outcome.REJECT

    def test_a_promotion_waits_for_the_minimum_duration(self) -> None:
        settings = replace(QUICK, min_duration_seconds=500)
        assert judge(after([EQUAL] * 49, settings), settings).good == 1.0
        assert outcome_after([EQUAL] * 49, settings) is Outcome.ANALYZING
        assert outcome_after([EQUAL] * 50, settings) is Outcome.PROMOTE

    def test_both_thresholds_reached_is_a_rejection(self) -> None:
        state = with_evidence(log_good=QUICK.log_promote, log_bad=QUICK.log_reject)
        assert judge(state, QUICK).outcome is Outcome.REJECT

    def test_a_canary_once_proven_good_stays_proven_good_while_it_waits(self) -> None:
        proven = with_evidence(log_good=QUICK.log_promote, data_seconds=10)
        state = advance(proven, interval(baseline=(100, 0), canary=(100, 3)), QUICK)
        assert state.log_good < QUICK.log_promote
        assert judge(state, QUICK).good == 1.0
        assert judge(state, QUICK).outcome is Outcome.PROMOTE

    def test_a_canary_proven_good_is_still_rejected_when_it_breaks_while_it_waits(self) -> None:
        settings = replace(QUICK, min_duration_seconds=600)
        assert outcome_after([EQUAL] * 30 + [BROKEN] * 6, settings) is Outcome.REJECT

    def test_no_decision_within_the_maximum_duration_is_inconclusive(self) -> None:
        settings = Settings(min_duration_seconds=0, max_duration_seconds=60)
        undecided = interval(baseline=(100, 5), canary=(100, 5), stable=(800, 40))
        assert outcome_after([undecided] * 5, settings) is Outcome.ANALYZING
        assert outcome_after([undecided] * 6, settings) is Outcome.INCONCLUSIVE

    def test_a_decision_at_the_maximum_duration_is_a_decision(self) -> None:
        assert judge(with_evidence(log_good=QUICK.log_promote), QUICK).outcome is Outcome.PROMOTE

    def test_a_shared_incident_is_no_evidence_against_the_canary(self) -> None:
        incident = interval(baseline=(100, 40), canary=(100, 40), stable=(800, 320))
        assert outcome_after([EQUAL] * 5 + [incident] * 12) is not Outcome.REJECT

    def test_an_outage_of_everything_is_no_evidence_against_the_canary(self) -> None:
        outage = interval(baseline=(100, 100), canary=(100, 100), stable=(800, 800))
        state = after([EQUAL] * 5 + [outage] * 30, QUICK)
        assert state.log_bad(QUICK) <= 0

    def test_a_tolerance_forgives_a_slightly_worse_canary(self) -> None:
        slightly_worse = [interval(baseline=(10_000, 100), canary=(10_000, 130), stable=(80_000, 800))] * 100
        strict = Settings(max_duration_seconds=3600, **INDEPENDENT_FAILURES)
        tolerant = replace(strict, tolerance=0.7)
        assert after(slightly_worse, strict).log_bad(strict) > strict.log_reject
        assert after(slightly_worse, tolerant).log_bad(tolerant) < 0


class TestTraffic:
    def test_an_idle_service_waits_and_is_never_rejected_nor_inconclusive(self) -> None:
        assert outcome_after([IDLE] * 1000) is Outcome.NO_DATA

    def test_traffic_to_one_variant_alone_never_decides(self) -> None:
        assert outcome_after([interval(baseline=(0, 0), canary=(100, 100))] * 1000) is Outcome.NO_DATA
        assert outcome_after([interval(baseline=(100, 0), canary=(0, 0))] * 1000) is Outcome.NO_DATA

    def test_traffic_that_stops_leaves_the_analysis_where_it_was(self) -> None:
        some = [interval()] * 3
        before, later = after(some, QUICK), after(some + [IDLE] * 1000, QUICK)
        assert judge(later, QUICK).outcome is Outcome.ANALYZING
        assert later.data_seconds == before.data_seconds == 30

    def test_an_interval_without_requests_moves_no_evidence_but_the_start_shares(self) -> None:
        before = after([interval(), BROKEN], QUICK)
        idle = advance(before, IDLE, QUICK)
        assert idle.intervals == before.intervals + 1
        assert idle.harm != before.harm
        assert idle.log_bad(QUICK) == pytest.approx(before.log_bad(QUICK))
        aged = Memory(before.memory.requests * 0.5 ** (10 / 120), before.memory.failures * 0.5 ** (10 / 120))
        assert idle == replace(before, intervals=idle.intervals, harm=idle.harm, memory=aged)

    def test_requests_to_one_variant_alone_are_tallied_but_not_compared(self) -> None:
        state = after([interval(), interval(baseline=(0, 0), canary=(7, 7))], QUICK)
        assert state.canary == Counts(100, 1)
        assert state.unmatched_canary == 7
        assert state.data_seconds == 10

    def test_counted_intervals_stop_at_the_planned_number(self) -> None:
        assert after([EQUAL] * 70, QUICK).intervals == QUICK.planned_intervals == 60


class TestRestart:
    def test_continuing_from_json_gives_the_same_numbers_bit_for_bit_at_every_interval(self) -> None:
        settings = Settings(max_duration_seconds=300)
        intervals = reference_intervals() * 6
        kept = restored = EvidenceState()
        for increments in intervals:
            kept = advance(kept, increments, settings)
            restored = advance(
                EvidenceState.from_json(json.loads(json.dumps(restored.to_json()))), increments, settings
            )
            assert restored == kept
            assert judge(restored, settings) == judge(kept, settings)

    def test_a_store_that_writes_whole_numbers_without_a_point_changes_nothing(self) -> None:
        state = after(reference_intervals(), QUICK)
        stored = json.loads(re.sub(r"\.0\b", "", json.dumps(state.to_json())))
        assert EvidenceState.from_json(stored) == state

    def test_the_stored_form_is_finite_and_does_not_grow(self) -> None:
        for late in (after(reference_intervals() * 100, QUICK), EvidenceState()):
            text = json.dumps(late.to_json(), allow_nan=False)
            assert len(text) <= 2048

    def test_a_damaged_store_is_refused_with_its_content(self) -> None:
        with pytest.raises(ValueError, match="unmatched"):
            EvidenceState.from_json({"intervals": 3})


class TestJudgement:
    def test_good_and_bad_are_the_way_to_their_thresholds(self) -> None:
        judgement = judge(with_evidence(log_good=QUICK.log_promote / 2, log_bad=QUICK.log_reject / 4), QUICK)
        assert judgement.good == pytest.approx(0.5)
        assert judgement.bad == pytest.approx(0.25)
        assert judgement.evidence_good == pytest.approx(math.sqrt(20))
        assert judgement.evidence_bad == pytest.approx(100**0.25)

    def test_negative_evidence_shows_as_no_way_at_all(self) -> None:
        judgement = judge(with_evidence(log_good=-3.0, log_bad=-3.0), QUICK)
        assert (judgement.good, judgement.bad) == (0.0, 0.0)

    def test_overwhelming_evidence_is_still_a_number(self) -> None:
        judgement = judge(with_evidence(log_good=5000.0, log_bad=5000.0), QUICK)
        assert math.isfinite(judgement.evidence_good)
        assert math.isfinite(judgement.evidence_bad)

    def test_the_time_to_go_is_unknown_without_traffic(self) -> None:
        assert judge(after([IDLE] * 3, QUICK), QUICK).eta_seconds is None

    def test_the_time_to_go_is_the_missing_requests_at_the_pace_seen(self) -> None:
        judgement = judge(after([interval()] * 10, QUICK), QUICK)
        assert judgement.eta_seconds == pytest.approx(judgement.requests_needed / 10, rel=0.01)

    def test_idle_intervals_make_the_time_to_go_longer(self) -> None:
        busy = judge(after([interval()] * 10, QUICK), QUICK).eta_seconds
        half_idle = judge(after([interval(), IDLE] * 10, QUICK), QUICK).eta_seconds
        assert busy is not None
        assert half_idle == pytest.approx(2 * busy, rel=0.05)

    def test_the_time_to_go_of_a_canary_proven_good_is_the_rest_of_the_minimum_duration(self) -> None:
        settings = replace(QUICK, min_duration_seconds=500)
        judgement = judge(after([EQUAL] * 45, settings), settings)
        assert judgement.requests_needed == 0
        assert judgement.eta_seconds == pytest.approx(50)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interval_seconds", 0.0),
        ("min_duration_seconds", 4000.0),
        ("max_duration_seconds", math.inf),
        ("false_reject", 0.0),
        ("false_promote", 1.0),
        ("margin_absolute", -0.1),
        ("margin_relative", math.nan),
        ("tolerance", 1.0),
        ("fixed_dispersion", 0.5),
        ("fixed_dispersion", math.inf),
        ("block_seconds", 0.0),
        ("serial_block_seconds", math.inf),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name_and_value(field: str, value: float) -> None:
    changed: dict[str, Any] = {field: value}
    with pytest.raises(ValueError, match=f"{field} is {value}, expected"):
        replace(Settings(), **changed)


def test_a_margin_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="margin_absolute is 0"):
        Settings(margin_absolute=0, margin_relative=0)
