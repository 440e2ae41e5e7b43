"""What the stable pods did before a comparison, from their counters."""

from serin.core.evidence.counters import Reading
from serin.core.evidence.counts import Counts, StableHalves
from serin.core.evidence.dispersion import HistoryInterval
from serin.core.evidence.history import make_history


def test_the_pods_are_split_into_two_halves_step_by_step() -> None:
    readings = {
        "a": (Reading(0, 100, 1), Reading(10, 110, 2), Reading(20, 130, 2)),
        "b": (Reading(0, 200, 0), Reading(10, 205, 0), Reading(20, 215, 4)),
        "c": (Reading(0, 300, 3), Reading(10, 301, 3), Reading(20, 302, 4)),
    }
    assert make_history(readings) == (
        HistoryInterval(StableHalves(Counts(11, 1), Counts(5, 0)), 10),
        HistoryInterval(StableHalves(Counts(21, 1), Counts(10, 4)), 10),
    )


def test_a_restarted_counter_counts_from_zero() -> None:
    readings = {"a": (Reading(0, 100, 9), Reading(10, 7, 1)), "b": (Reading(0, 5, 0), Reading(10, 6, 0))}
    assert make_history(readings) == (HistoryInterval(StableHalves(Counts(7, 1), Counts(1, 0)), 10),)


def test_a_pod_is_followed_while_it_lives_and_its_gaps_are_not_bridged() -> None:
    readings = {
        "a": (Reading(0, 1, 0), Reading(10, 2, 0), Reading(20, 3, 0)),
        "b": (Reading(0, 1, 0), Reading(20, 9, 9)),
        "c": (Reading(10, 1, 0), Reading(20, 4, 0)),
        "d": (Reading(10, 1, 0), Reading(20, 2, 0)),
    }
    assert make_history(readings) == (HistoryInterval(StableHalves(Counts(4, 0), Counts(1, 0)), 10),)


def test_one_pod_alone_teaches_nothing() -> None:
    assert make_history({"a": (Reading(0, 1, 0), Reading(10, 2, 0))}) == ()
    assert make_history({}) == ()


def test_values_that_are_no_count_are_no_readings() -> None:
    readings = {"a": (Reading(0, 1, 0), Reading(10, float("nan"), 0)), "b": (Reading(0, 1, 0), Reading(10, 2, 0))}
    assert make_history(readings) == ()
