"""`/predict`: rows in, predictions out."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.server.onnx_models import save_rain_model
from unit.server.server_process import ServerProcess

RAINY, CLEAR = [2.0, 0, 0, 0, 0, 0, 2.0], [-2.0, 0, 0, 0, 0, 0, -2.0]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"instances": rows}])
def test_a_classifier_answers_labels_probabilities_and_classes(rain_server: ServerProcess, wrap: object) -> None:
    assert callable(wrap)
    answer = rain_server.post("/predict", wrap([RAINY, CLEAR]))
    assert answer.status == 200
    assert answer.json["predictions"] == ["rain", "clear"]
    assert answer.json["classes"] == ["clear", "rain"]
    for row, label in zip(answer.json["probabilities"], answer.json["predictions"], strict=True):
        assert sum(row) == pytest.approx(1)
        assert answer.json["classes"][row.index(max(row))] == label


def test_probability_maps_are_a_tensor_over_the_protocol(rain_server: ServerProcess) -> None:
    body = {"inputs": [{"name": "X", "shape": [2, 7], "datatype": "FP32", "data": [RAINY, CLEAR]}]}
    label, probability = rain_server.post("/v2/models/m/infer", body).json["outputs"]
    assert (label["datatype"], label["data"]) == ("BYTES", ["rain", "clear"])
    assert (probability["datatype"], probability["shape"]) == ("FP32", [2, 2])


def test_a_support_vector_classifier_is_served_too(tmp_path: Path) -> None:
    with ServerProcess(save_rain_model(tmp_path / "svc.onnx", kind="svc")) as server:
        server.wait_until_ready()
        assert server.post("/predict", [RAINY, CLEAR]).json["predictions"] == ["rain", "clear"]


def test_a_row_of_the_wrong_width_is_a_400_and_counted(rain_server: ServerProcess) -> None:
    before = rain_server.count_requests("predict", 400)
    answer = rain_server.post("/predict", [RAINY, RAINY[:6]])
    assert (answer.status, answer.error) == (400, "input 'X': expected 7 features in row 1, got 6")
    assert before is not None
    assert rain_server.count_requests("predict", 400) == before + 1


def test_rows_may_name_their_features(named_features_server: ServerProcess) -> None:
    rows = [{"temperature": 1, "pressure": 2.5, "city": "Wien"}, {"city": "Ulm", "pressure": 1, "temperature": None}]
    answer = named_features_server.post("/predict", rows)
    assert answer.json["predictions"] == [3.5, None]
    assert answer.json["outputs"] == {"town": ["Wien", "Ulm"]}


def test_lists_go_to_named_features_by_position(named_features_server: ServerProcess) -> None:
    assert named_features_server.post("/predict", [[1, 2.5, "Wien"]]).json["predictions"] == [3.5]


def test_a_model_with_one_output_has_only_predictions(linear_server: ServerProcess) -> None:
    answer = linear_server.post("/predict", [[1, 2, 3, 4, 5, 6]])
    assert answer.json == {"model_name": "m", "model_version": "1", "predictions": [[21.0, 21.0]]}
