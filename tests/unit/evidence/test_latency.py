"""Which bounds of a histogram a comparison asks about."""

import pytest
from serin.core.evidence.latency import choose_bounds


def test_the_bounds_nearest_to_three_percentiles_are_chosen() -> None:
    slower = {0.01: 990.0, 0.05: 480.0, 0.1: 130.0, 0.25: 12.0, 1.0: 1.0, float("inf"): 0.0}
    assert choose_bounds(slower, 1000) == (0.05, 0.1, 0.25)


def test_one_bound_that_is_nearest_to_several_is_taken_once() -> None:
    assert choose_bounds({0.1: 990.0, 0.5: 50.0}, 1000) == (0.5,)


def test_of_two_equally_near_bounds_the_lower_is_taken() -> None:
    assert choose_bounds({0.1: 0.0, 0.5: 0.0}, 1000) == (0.1,)


@pytest.mark.parametrize(("slower", "total"), [({}, 10.0), ({0.1: 0.0}, 0.0), ({float("inf"): 0.0}, 10.0)])
def test_nothing_is_chosen_from_nothing(slower: dict[float, float], total: float) -> None:
    assert choose_bounds(slower, total) == ()
