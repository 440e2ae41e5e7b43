"""What the metrics say about the values that go in and come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from serin_server.observed_values import OTHER_CLASSES, PREDICTION_BUCKETS, FeatureSummary, ObservedValues
from serin_server.oip.datatypes import DATATYPES, Array
from serin_server.oip.signature import Signature, TensorSpec
from serin_server.predictions import OutputRoles
from unit.server.onnx_models import save_lookup_model
from unit.server.server_process import ServerProcess


def make_values(prediction: str = "FP32", shape: tuple[int, ...] = (-1, 2)) -> ObservedValues:
    inputs = (TensorSpec("x", DATATYPES["FP32"], shape), TensorSpec("city", DATATYPES["BYTES"], (-1,)))
    return ObservedValues(
        Signature(inputs, (TensorSpec("y", DATATYPES[prediction], (-1,)),)), OutputRoles("y", None, ())
    )


def feeds(*rows: list[float]) -> dict[str, Array]:
    return {"x": np.array(rows, np.float32), "city": np.array(["Wien"] * len(rows), dtype=object)}


def predictions(*values: object) -> dict[str, Array]:
    return {"y": np.array(values)}


def test_each_feature_has_its_own_mean_and_bounds_and_missing_values_are_counted_apart() -> None:
    values = make_values()
    values.record(feeds([1, 10], [3, np.nan]), predictions(0.0, 0.0))
    values.record(feeds([-2, np.inf]), predictions(0.0))
    assert values.observe_features() == {
        ("x", "0"): FeatureSummary(count=3, missing=0, sum=2.0, min=-2.0, max=3.0),
        ("x", "1"): FeatureSummary(count=1, missing=2, sum=10.0, min=10.0, max=10.0),
    }


def test_a_tensor_that_is_no_table_is_summed_up_as_a_whole() -> None:
    values = make_values(shape=(-1, -1, 2))
    values.record({"x": np.ones((1, 3, 2), np.float32)}, predictions(0.0))
    values.record({"x": np.ones((2, 5, 2), np.float32)}, predictions(0.0, 0.0))
    assert values.observe_features() == {("x", ""): FeatureSummary(count=26, sum=26.0, min=1.0, max=1.0)}


def test_classes_are_counted_and_no_text_can_make_series_without_end() -> None:
    values = make_values("BYTES")
    values.record(feeds([0, 0]), predictions("rain", "clear", "rain"))
    values.record(feeds([0, 0]), predictions(*(f"text {number}" for number in range(500))))
    classes = values.observe_classes()
    assert (classes["rain"], classes["clear"]) == (2, 1)
    assert classes[OTHER_CLASSES] == 402
    assert len(classes) == 101


def test_predicted_numbers_fall_into_buckets() -> None:
    values = make_values()
    values.record(feeds([0, 0]), predictions(-2e6, 0.05, 0.1, 0.95, 5e6, np.nan))
    counts, total = values.observe_buckets()
    found = {bound: count for bound, count in zip((*PREDICTION_BUCKETS, np.inf), counts, strict=True) if count}
    assert found == {-1e6: 1, 0.1: 2, 1: 1, np.inf: 1}
    assert total == 3e6 + 1.1


def test_a_run_that_was_not_asked_for_the_prediction_counts_its_inputs_only() -> None:
    values = make_values()
    values.record(feeds([1, 1]), {})
    assert sum(values.observe_buckets()[0]) == 0
    assert values.observe_features()["x", "0"].count == 1


def test_many_runs_are_summed_up_without_being_looked_at() -> None:
    values = make_values()
    for _ in range(1000):
        values.record(feeds([1, 1]), predictions(0.5))
    assert values.observe_features()["x", "1"].count == 1000


def test_metrics_show_values_of_answered_requests_and_of_no_others(tmp_path: Path) -> None:
    with ServerProcess(save_lookup_model(tmp_path / "m.onnx")) as server:
        server.wait_until_ready()
        for rows in ([[0], [2]], [[99]], [["x"]]):
            server.post("/predict", rows)
        labels = 'feature="",input="index",model="m",version="1"'
        assert server.read_metric(f"serin_input_values_total{{{labels}}}") == 2
        assert server.read_metric(f"serin_input_max{{{labels}}}") == 2
        assert server.read_metric('serin_prediction_value_bucket{le="10.0",model="m",version="1"}') == 1
        assert server.read_metric('serin_prediction_value_sum{model="m",version="1"}') == 40
        assert server.read_metric('serin_prediction_value_count{model="m",version="1"}') == 2
