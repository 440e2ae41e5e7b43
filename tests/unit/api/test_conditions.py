"""The list of conditions: exactly what was decided, with times that tell when a state began."""

from datetime import UTC, datetime, timedelta

import pytest
from serin.api.conditions import AVAILABLE, MESSAGE_LIMIT, READY, RECONCILING, Mark, make_conditions
from serin.api.v1alpha1.shared import Condition

BEFORE = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = BEFORE + timedelta(minutes=5)

PENDING = Mark(READY, "False", "Progressing", "Two of three pods are ready.")


def conditions_before(*marks: Mark) -> tuple[Condition, ...]:
    return make_conditions((), marks, generation=1, now=BEFORE)


def conditions_now(before: tuple[Condition, ...], *marks: Mark) -> dict[str, Condition]:
    return {condition.type: condition for condition in make_conditions(before, marks, generation=2, now=NOW)}


def test_a_condition_that_is_new_began_now() -> None:
    assert conditions_now((), PENDING)[READY].last_transition_time == NOW


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param(PENDING, id="nothing changed"),
        pytest.param(Mark(READY, "False", "Progressing", "Three of three pods are ready."), id="the message changed"),
        pytest.param(Mark(READY, "False", "CanaryRejected", PENDING.message), id="the reason changed"),
    ],
)
def test_the_transition_time_stays_while_the_state_does(mark: Mark) -> None:
    after = conditions_now(conditions_before(PENDING), mark)[READY]
    assert after.last_transition_time == BEFORE
    assert (after.reason, after.message) == (mark.reason, mark.message)


@pytest.mark.parametrize("status", ["True", "Unknown"])
def test_the_transition_time_moves_with_the_state(status: str) -> None:
    mark = Mark(READY, "True" if status == "True" else "Unknown", "Promoted")
    assert conditions_now(conditions_before(PENDING), mark)[READY].last_transition_time == NOW


def test_a_condition_that_is_over_is_gone() -> None:
    before = conditions_before(PENDING, Mark(RECONCILING, "True", "Progressing"))
    assert set(conditions_now(before, PENDING)) == {READY}


def test_conditions_are_sorted_so_that_the_same_state_is_the_same_list() -> None:
    marks = (PENDING, Mark(RECONCILING, "True", "Progressing"), Mark(AVAILABLE, "True", "Serving"))
    assert conditions_before(*marks) == conditions_before(*reversed(marks))


def test_every_condition_tells_the_generation_that_it_judges() -> None:
    assert conditions_now(conditions_before(PENDING), PENDING)[READY].observed_generation == 2


def test_a_long_message_is_cut_visibly() -> None:
    long = Mark(READY, "False", "Failed", "x" * (MESSAGE_LIMIT + 1))
    message = conditions_now((), long)[READY].message
    assert len(message) == MESSAGE_LIMIT
    assert message.endswith("x…")
