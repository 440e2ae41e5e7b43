"""The table of phases is closed, and every end is an end. Stories of every kind keep to it: test_any_story.py."""

from typing import get_args

import pytest
from serin.api.v1alpha1.rollout import Phase
from serin.core.rollout.phases import REMEMBERED, TRANSITIONS, check_transition, is_terminal

ENDS = {"Promoted", "Rejected", "RolledBack", "Aborted", "Superseded", "Failed"}


def test_the_table_names_every_phase_once() -> None:
    assert set(TRANSITIONS) == set(get_args(Phase))
    assert all(after in TRANSITIONS for ways in TRANSITIONS.values() for after in ways)


def test_every_phase_can_be_reached_from_the_first() -> None:
    reached: set[Phase] = set()
    todo: list[Phase] = ["Pending"]
    while todo:
        phase = todo.pop()
        if phase not in reached:
            reached.add(phase)
            todo += TRANSITIONS[phase]

    assert reached == set(TRANSITIONS)


def test_exactly_the_ends_are_terminal_and_absorb() -> None:
    assert {phase for phase in TRANSITIONS if is_terminal(phase)} == ENDS
    assert not is_terminal(None)
    assert REMEMBERED < ENDS


def test_every_phase_before_an_end_can_be_ended_by_the_spec_and_by_a_person() -> None:
    for phase, ways in TRANSITIONS.items():
        if phase not in ENDS:
            rejection = "RolledBack" if phase == "Baking" else "Rejected"
            assert ways >= {rejection, "Aborted", "Superseded"}


@pytest.mark.parametrize(("before", "after"), [("Promoted", "Analyzing"), ("Pending", "Promoted")])
def test_a_step_off_the_table_is_refused_before_it_is_written(before: Phase, after: Phase) -> None:
    with pytest.raises(ValueError, match=f"cannot go from {before} to {after}"):
        check_transition(before, after)
