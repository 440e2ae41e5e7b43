"""What Prometheus's answers, as recorded, mean as readings."""

from typing import Any

import pytest
from serin.adapters.prometheus_samples import InvalidAnswerError, newest, read_pair, read_requests
from serin.core.evidence.counters import Reading
from serin.core.metric_presets import SERIN, FailedCounter, FailedSeries

assert isinstance(SERIN.failed, FailedSeries)
FAILED_SERIES = SERIN.failed
LAZY, EAGER = FailedCounter("misses", is_lazy=True), FailedCounter("misses", is_lazy=False)


def read_serin(answer: Any) -> Any:
    return read_requests(answer, FAILED_SERIES)


def series(pod: str, *values: tuple[float, str], **labels: str) -> dict[str, Any]:
    metric = {"__name__": "serin_requests_total", "namespace": "ml", "pod": pod, "job": "pods", **labels}
    return {"metric": metric, "values": [list(value) for value in values]}


def test_total_and_failures_are_the_sums_of_the_newest_scrape() -> None:
    answer = [
        series("a", (1795334400.25, "100"), (1795334405.25, "150"), code="200"),
        series("a", (1795334400.25, "2"), (1795334405.25, "3"), code="500"),
        series("a", (1795334405.25, "4"), code="400"),
        series("b", (1795334403.5, "7"), code="200"),
    ]
    assert newest(read_serin(answer)) == {
        "a": Reading(1795334405.25, total=157, failed=7),
        "b": Reading(1795334403.5, total=7, failed=0),
    }


@pytest.mark.parametrize(
    ("code", "failed"),
    [("200", 0), ("204", 0), ("304", 0), ("400", 1), ("404", 1), ("429", 0), ("499", 0), ("500", 1), ("503", 1)],
)
def test_a_failure_is_any_answer_but_success_load_shedding_and_a_client_that_left(code: str, failed: float) -> None:
    assert newest(read_serin([series("a", (1.0, "1"), code=code)])) == {"a": Reading(1.0, 1, failed)}


def test_a_series_that_the_newest_scrape_did_not_hold_is_not_added_to_it() -> None:
    answer = [series("a", (5.0, "10"), (10.0, "12"), code="200"), series("a", (5.0, "90"), code="500")]
    assert newest(read_serin(answer)) == {"a": Reading(10.0, 12, 0)}


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1"])
def test_a_value_that_is_no_count_makes_the_scrape_before_it_the_newest(value: str) -> None:
    answer = [series("a", (5.0, "10"), (10.0, "12"), code="200"), series("a", (5.0, "1"), (10.0, value), code="500")]
    assert newest(read_serin(answer)) == {"a": Reading(5.0, 11, 1)}


def test_a_pod_with_nothing_but_bad_values_has_no_reading() -> None:
    assert newest(read_serin([series("a", (5.0, "NaN"), code="200")])) == {}


def test_an_empty_answer_is_no_readings() -> None:
    assert newest(read_serin([])) == {}


def test_a_series_without_a_pod_is_left_out() -> None:
    assert newest(read_serin([{"metric": {"code": "200"}, "values": [[1.0, "1"]]}])) == {}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([1795334400.25, "0.99"], id="a scalar"),
        pytest.param([{"metric": {"pod": "a"}, "value": [1.0, "1"]}], id="an instant vector"),
        pytest.param([{"metric": {"pod": "a"}, "values": [[1.0, "many"]]}], id="a text"),
        pytest.param({"a": 1}, id="no list"),
    ],
)
def test_an_answer_of_another_shape_is_refused(answer: Any) -> None:
    with pytest.raises(InvalidAnswerError):
        read_serin(answer)


def test_two_counters_are_read_at_the_newest_moment_that_both_tell() -> None:
    total = [series("a", (5.0, "10"), (10.0, "20"))]
    failed = [series("a", (5.0, "1"), (10.0, "2"), (15.0, "9"))]
    assert newest(read_pair(total, failed, EAGER)) == {"a": Reading(10.0, 20, 2)}


def test_failures_that_are_not_told_at_the_newest_total_move_the_reading_back() -> None:
    total = [series("a", (5.0, "10"), (10.0, "20"))]
    failed = [series("a", (5.0, "1"))]
    assert newest(read_pair(total, failed, EAGER)) == {"a": Reading(5.0, 10, 1)}


def test_without_a_series_of_failures_a_pod_counts_zero_where_that_counter_comes_with_the_first() -> None:
    assert newest(read_pair([series("a", (5.0, "10"))], [], LAZY)) == {"a": Reading(5.0, 10, 0)}


def test_without_a_series_of_failures_nothing_is_read_where_that_counter_should_be_there() -> None:
    total = [series("a", (5.0, "10")), series("b", (5.0, "10"))]
    with pytest.raises(InvalidAnswerError, match="pod b counts requests and has no series misses: correct the selec"):
        read_pair(total, [series("a", (5.0, "0"))], EAGER)


@pytest.mark.parametrize("counter", [LAZY, EAGER])
def test_without_a_counter_of_its_requests_a_pod_has_no_reading_whatever_failed(counter: FailedCounter) -> None:
    assert newest(read_pair([], [series("a", (5.0, "3"))], counter)) == {}


def test_a_pod_that_is_scraped_twice_counts_once() -> None:
    answer = [
        series("a", (5.0, "10"), job="pods", prometheus_replica="p-0", code="200"),
        series("a", (5.0, "1"), job="pods", prometheus_replica="p-0", code="500"),
        series("a", (5.0, "10"), job="pods", prometheus_replica="p-1", code="200"),
        series("a", (5.0, "1"), job="pods", prometheus_replica="p-1", code="500"),
        series("a", (5.0, "10"), job="services", instance="10.0.0.7:8080", code="200"),
    ]
    assert newest(read_serin(answer)) == {"a": Reading(5.0, 11, 1)}


def test_a_pod_whose_two_counters_share_no_moment_has_no_reading() -> None:
    assert newest(read_pair([series("a", (5.0, "10"))], [series("a", (6.0, "1"))], EAGER)) == {}


def test_series_of_two_counters_are_added_per_moment() -> None:
    total = [series("a", (5.0, "10"), route="x"), series("a", (5.0, "5"), route="y")]
    failed = [series("a", (5.0, "1"), route="x"), series("a", (5.0, "2"), route="y")]
    assert newest(read_pair(total, failed, EAGER)) == {"a": Reading(5.0, 15, 3)}
