"""What Prometheus's answers mean as predictions by class."""

from typing import Any

import pytest
from serin.adapters.prometheus_categories import make_categories_selector, read_categories
from serin.adapters.prometheus_samples import InvalidAnswerError
from serin.core import metric_presets
from serin.core.evidence.categories import CategoryReading
from serin.core.facts import MetricQuestion

SERIN = MetricQuestion(
    "predictions", ("a", "b"), "Categories", predictions=metric_presets.SERIN.predictions or "", class_label="class"
)


def series(pod: str, *values: tuple[float, str], **labels: str) -> dict[str, Any]:
    labels = {name.rstrip("_"): value for name, value in labels.items()}
    return {"metric": {"namespace": "ml", "pod": pod, **labels}, "values": [list(value) for value in values]}


def test_classes_are_counted_at_the_newest_scrape_of_each_pod() -> None:
    answer = [
        series("a", (5.0, "10"), (10.0, "12"), class_="rain", version="1"),
        series("a", (10.0, "3"), class_="sun", version="1"),
        series("a", (10.0, "4"), class_="sun", version="2"),
        series("b", (7.0, "1"), class_="sun"),
    ]
    assert read_categories(answer, SERIN) == {
        "a": CategoryReading(10.0, {"rain": 12, "sun": 7}),
        "b": CategoryReading(7.0, {"sun": 1}),
    }


def test_a_counter_of_the_plan_names_its_own_label() -> None:
    own = MetricQuestion("predictions", ("a",), "Categories", predictions="answers_total", class_label="digit")
    assert make_categories_selector(own) == "answers_total"
    assert read_categories([series("a", (1.0, "5"), digit="7", class_="x")], own) == {
        "a": CategoryReading(1.0, {"7": 5})
    }


def test_predicted_numbers_are_classes_by_their_buckets() -> None:
    answer = [series("a", (1.0, count), le=le) for le, count in (("+Inf", "10"), ("0.5", "6"), ("-1.0", "1"))]
    expected = {"up to -1": 1, "-1 to 0.5": 5, "above 0.5": 4}
    assert read_categories(answer, SERIN) == {"a": CategoryReading(1.0, expected)}
    own = MetricQuestion("predictions", ("a",), "Categories", buckets="price_bucket")
    assert make_categories_selector(own) == "price_bucket"
    assert read_categories(answer, own) == {"a": CategoryReading(1.0, expected)}


def test_serins_own_server_is_asked_for_classes_and_numbers_at_once() -> None:
    selector = make_categories_selector(SERIN)
    assert selector == '{__name__=~"serin_predictions_total|serin_prediction_value_bucket"}'


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1"])
def test_a_value_that_is_no_count_makes_the_scrape_before_it_the_newest(value: str) -> None:
    answer = [series("a", (5.0, "10"), (10.0, value), class_="rain"), series("b", (5.0, value), class_="rain")]
    assert read_categories(answer, SERIN) == {"a": CategoryReading(5.0, {"rain": 10})}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([series("a", (1.0, "5"), digit="7")], "series without the label class"),
        ([series("a", (1.0, "5"), le="wide")], "label le is no number"),
        ([{"metric": {"pod": "a"}, "histograms": []}], "a native histogram, expected buckets"),
        ({"result": []}, "dict instead of a list"),
    ],
)
def test_what_is_no_count_of_classes_is_refused(answer: Any, message: str) -> None:
    with pytest.raises(InvalidAnswerError, match=message):
        read_categories(answer, SERIN)
