"""The steps of the traffic: up while nothing speaks against the canary, held and taken back while something does."""

import pytest
from serin.core.rollout.ramp import Position, Schedule, Step, decide_step, make_ramp

RAMP = make_ramp((1, 2, 5, 10, 25, 45), step_after_seconds=20, hold_above=1.5, back_above=10)
EXPLICIT = Schedule((Step(5, 600), Step(25, 0, needs_approval=True), Step(45, 0)), is_required=True)


def walk(schedule: Schedule, evidence: list[float], seconds: float = 10.0) -> list[float]:
    """The weight in force after each interval of so many seconds, given the evidence of harm at its end."""
    position, weights = Position(), []
    for i, evidence_bad in enumerate(evidence):
        position = decide_step(schedule, position, evidence_bad, seconds * (i + 1))
        weights.append(schedule.at(position).weight)
    return weights


def test_without_evidence_of_harm_every_20_seconds_bring_a_step() -> None:
    assert walk(RAMP, [1.0] * 12) == [1, 2, 2, 5, 5, 10, 10, 25, 25, 45, 45, 45]


def test_some_evidence_of_harm_holds_the_step_until_it_is_gone() -> None:
    assert walk(RAMP, [1.0, 1.0, 1.5, 1.6, 8.0, 1.4]) == [1, 2, 2, 2, 2, 5]


def test_strong_evidence_of_harm_goes_back_one_step_and_stays_there_so_that_a_verdict_comes() -> None:
    assert walk(RAMP, [1.0] * 6 + [10.0] * 6) == [1, 2, 2, 5, 5, 10, 10, 5, 5, 5, 5, 5]


def test_it_goes_up_again_when_the_evidence_of_harm_is_gone_and_back_when_it_returns() -> None:
    assert walk(RAMP, [1.0, 1.0, 10.0, 10.0, 1.4, 1.4, 10.0, 10.0]) == [1, 2, 2, 1, 1, 2, 2, 1]


def test_there_is_no_step_before_the_first() -> None:
    assert walk(RAMP, [10.0] * 4) == [1, 1, 1, 1]


def test_a_time_without_data_brings_no_step() -> None:
    position = decide_step(RAMP, Position(1, since_seconds=20), 1.0, data_seconds=30)
    assert position == Position(1, since_seconds=20)
    assert decide_step(RAMP, position, 1.0, data_seconds=30) == position


def test_a_step_that_needs_approval_waits_for_it_and_then_begins_at_once() -> None:
    waiting = Position(0, since_seconds=0)

    assert EXPLICIT.awaited_approval(waiting, data_seconds=599) is None, "not over yet"
    assert EXPLICIT.awaited_approval(waiting, data_seconds=600) == 1
    assert decide_step(EXPLICIT, waiting, 1.0, data_seconds=700) == waiting
    assert decide_step(EXPLICIT, waiting, 1.0, data_seconds=700, approved={1}) == Position(1, since_seconds=700)


def test_an_approval_that_comes_early_shortens_no_step() -> None:
    assert decide_step(EXPLICIT, Position(), 1.0, data_seconds=599, approved={1}) == Position()


def test_explicit_steps_are_taken_whatever_the_evidence_says_because_a_person_chose_them() -> None:
    assert decide_step(EXPLICIT, Position(1, 0), 50.0, data_seconds=10).index == 2


@pytest.mark.parametrize(("evidence_bad", "index"), [(1.0, 1), (100.0, 0)])
def test_a_schedule_that_became_shorter_is_at_its_last_step_or_before(evidence_bad: float, index: int) -> None:
    shorter = make_ramp((1, 2), step_after_seconds=20, hold_above=1.5, back_above=10)
    assert decide_step(shorter, Position(5, 0), evidence_bad, data_seconds=100).index == index
