"""The stake is one in total, whenever it is placed."""

import math

import pytest
from serin.core.evidence import pairs
from serin.core.evidence.harm import EFFECTS
from serin.core.evidence.late_starts import (
    log_wealth,
    not_started,
    place_and_settle,
    start_share,
    unstarted_share,
)
from serin.core.evidence.settings import Settings
from unit.evidence.intervals import after, interval


@pytest.mark.parametrize("planned", [1, 2, 6, 180])
def test_placed_and_unplaced_stakes_always_add_up_to_one(planned: int) -> None:
    for closed in range(planned + 3):
        placed = math.fsum(start_share(interval, planned) for interval in range(1, closed + 1))
        assert placed + unstarted_share(closed, planned) == pytest.approx(1.0)


def test_the_weights_of_all_bets_add_up_to_one() -> None:
    assert math.fsum(effect.weight for effect in EFFECTS) == pytest.approx(1.0)
    assert math.fsum(pairs.WEIGHTS) == pytest.approx(1.0)


def test_intervals_without_evidence_leave_the_wealth_at_one() -> None:
    bets = not_started(2)
    assert log_wealth(bets, 0, 6) == 0.0
    for k in range(1, 10):
        bets = place_and_settle(bets, [0.0, 0.0], [0.25, 0.75], interval=k, planned_intervals=6)
        assert log_wealth(bets, k, 6) == pytest.approx(0.0, abs=1e-12)


def test_after_the_planned_end_no_new_stake_is_placed() -> None:
    bets = (0.0, 0.0)
    assert place_and_settle(bets, [0.0, 0.0], [0.5, 0.5], interval=7, planned_intervals=6) == bets


def test_a_canary_that_turns_bad_late_is_found_although_the_early_bets_have_lost() -> None:
    settings = Settings(fixed_dispersion=1)
    good_minutes = [interval(canary=(100, 1))] * 60
    bad_minutes = [interval(canary=(100, 6))] * 6
    early = after(good_minutes, settings).log_bad(settings)
    late = after(good_minutes + bad_minutes, settings).log_bad(settings)
    assert early < 0
    assert late > settings.log_reject
