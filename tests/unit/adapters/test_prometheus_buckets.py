"""What Prometheus's histograms, classic and native, mean as readings of "slower than a bound"."""

from typing import Any

import pytest
from serin.adapters.prometheus_buckets import make_bound_matcher, read_buckets
from serin.adapters.prometheus_samples import InvalidAnswerError
from serin.core.evidence.counters import Reading


def bucket(le: str, *values: tuple[float, str], pod: str = "a", **labels: str) -> dict[str, Any]:
    return {"metric": {"pod": pod, "le": le, **labels}, "values": [list(value) for value in values]}


def native(at: float, count: str, *buckets: tuple[str, str, str], pod: str = "a") -> dict[str, Any]:
    histogram = {"count": count, "sum": "1", "buckets": [[0, *bucket] for bucket in buckets]}
    return {"metric": {"pod": pod}, "histograms": [[at, histogram]]}


def test_slower_is_all_that_is_not_within_the_bound() -> None:
    answer = [
        bucket("0.1", (10.0, "60"), (20.0, "70")),
        bucket("0.5", (10.0, "90"), (20.0, "110")),
        bucket("+Inf", (10.0, "100"), (20.0, "120")),
    ]
    assert read_buckets(answer) == {
        0.1: {"a": (Reading(10.0, 100, 40), Reading(20.0, 120, 50))},
        0.5: {"a": (Reading(10.0, 100, 10), Reading(20.0, 120, 10))},
    }


def test_series_of_one_pod_are_added_up_bound_by_bound() -> None:
    answer = [
        bucket("0.1", (10.0, "60"), method="infer"),
        bucket("0.10", (10.0, "5"), method="predict"),
        bucket("+Inf", (10.0, "100"), method="infer"),
        bucket("+Inf", (10.0, "7"), method="predict"),
    ]
    assert read_buckets(answer) == {0.1: {"a": (Reading(10.0, 107, 42),)}}


def test_a_moment_that_does_not_tell_all_requests_is_no_reading() -> None:
    assert read_buckets([bucket("0.1", (10.0, "60")), bucket("+Inf", (15.0, "100"))]) == {}


def test_a_native_histogram_is_summed_up_to_the_bound() -> None:
    answer = [native(10.0, "10", ("0", "0.25", "4"), ("0.25", "0.5", "3"), ("0.5", "1", "3"))]
    assert read_buckets(answer) == {
        0.25: {"a": (Reading(10.0, 10, 6),)},
        0.5: {"a": (Reading(10.0, 10, 3),)},
        1.0: {"a": (Reading(10.0, 10, 0),)},
    }


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([bucket("fast", (1.0, "1"))], id="a bound that is no number"),
        pytest.param([{"metric": {"pod": "a"}, "values": [[1.0, "1"]]}], id="no bound"),
        pytest.param([{"metric": {"pod": "a"}, "histograms": [[1.0, {"buckets": []}]]}], id="no count"),
        pytest.param("none", id="no list"),
    ],
)
def test_what_is_no_histogram_is_refused(answer: Any) -> None:
    with pytest.raises(InvalidAnswerError):
        read_buckets(answer)


def test_the_query_names_the_bounds_as_go_and_python_write_them_and_lets_native_ones_pass() -> None:
    assert make_bound_matcher((1.0, 0.25)) == r'le=~"0\\.25|1|1\\.0|\\+Inf|"'
    assert make_bound_matcher(()) == ""
