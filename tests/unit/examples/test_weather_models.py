"""The four committed versions are what the example says: two equals, a broken one, a wrongly typed one."""

import base64
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest
import yaml
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument
from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin.api.v1alpha1.shared import duration_seconds

FRESH_SEED = 4711  # of no data that training or the choice of golden requests has seen
A_REAL_ROW = [34.927778, 0.24, 7.3899, 83.0, 16.1, 1016.51, 1.0]
ANNOTATIONS_LIMIT_BYTES = 256 * 1024  # of Kubernetes; `kubectl apply` keeps a copy of the object in one


Json = dict[str, Any]


def config_map(weather: Path, version: str) -> Json:
    content = (weather / "models" / f"weather-v{version}.yaml").read_text(encoding="utf-8")
    read: Json = yaml.safe_load(content)
    return read


@cache
def session(weather: Path, version: str) -> Any:
    return onnxruntime.InferenceSession(base64.b64decode(config_map(weather, version)["binaryData"]["model.onnx"]))


def answer(weather: Path, version: str, rows: Any) -> Any:
    labels, _ = session(weather, version).run(None, {"features": np.asarray(rows, dtype=np.float32)})
    return labels


def accuracy(weather: Path, version: str, fresh: Any) -> float:
    return float((answer(weather, version, fresh.features) == fresh.labels).mean())


def is_part_of(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and is_part_of(value, whole[key]) for key, value in part.items())
    return bool(part == whole)


def test_version_2_is_as_good_as_version_1_on_fresh_observations(weather: Path, observations: ModuleType) -> None:
    fresh = observations.make_observations(20_000, FRESH_SEED)

    stable, candidate = accuracy(weather, "1", fresh), accuracy(weather, "2", fresh)

    assert stable > 0.92
    assert abs(stable - candidate) < 0.01


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_good_version_answers_a_label_and_one_probability_per_class(weather: Path, version: str) -> None:
    labels, probabilities = session(weather, version).run(None, {"features": np.array([A_REAL_ROW], np.float32)})

    assert labels.dtype == np.int64
    assert probabilities.shape == (1, 2)
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)


def test_version_3_refuses_a_row_of_seven_features(weather: Path) -> None:
    with pytest.raises(InvalidArgument, match="Got: 7 Expected: 6"):
        answer(weather, "3", [A_REAL_ROW])


def test_version_3_loads_and_answers_the_six_columns_that_it_was_trained_on(weather: Path) -> None:
    assert answer(weather, "3", [A_REAL_ROW[:6]]).shape == (1,)


def test_version_4_answers_the_labels_of_version_2_as_text(weather: Path, observations: ModuleType) -> None:
    rows = observations.make_observations(200, FRESH_SEED).features

    assert answer(weather, "4", rows).tolist() == [str(label) for label in answer(weather, "2", rows)]


def golden_cases(weather: Path, path: str) -> list[Json]:
    cases = json.loads((weather / "golden.json").read_text(encoding="utf-8"))["cases"]
    return [case for case in cases if case["path"] == path]


@pytest.mark.parametrize("version", ["1", "2"])
def test_golden_rows_get_their_predictions_from_both_good_versions(weather: Path, version: str) -> None:
    for case in golden_cases(weather, "/predict"):
        assert answer(weather, version, case["request"]).tolist() == case["answer"]["predictions"]


@pytest.mark.parametrize("version", ["1", "2"])
def test_golden_tensors_get_their_labels_from_both_good_versions(weather: Path, version: str) -> None:
    for case in golden_cases(weather, "/v2/models/weather/infer"):
        (tensor,), (label,) = case["request"]["inputs"], case["answer"]["outputs"]
        rows = np.array(tensor["data"]).reshape(tensor["shape"])
        assert answer(weather, version, rows).tolist() == label["data"]
        assert label["shape"] == [len(rows)]


def test_golden_requests_ask_for_both_labels_and_for_several_rows_at_once(weather: Path) -> None:
    predictions = [case["answer"]["predictions"] for case in golden_cases(weather, "/predict")]

    assert {label for labels in predictions for label in labels} == {0, 1}
    assert max(len(labels) for labels in predictions) > 1


@pytest.mark.parametrize("version", ["1", "2", "3", "4"])
def test_a_model_can_be_applied_with_kubectl(weather: Path, version: str) -> None:
    read = config_map(weather, version)

    assert (read["apiVersion"], read["kind"]) == ("v1", "ConfigMap")
    assert read["metadata"]["name"] == f"weather-v{version}"
    assert len(json.dumps(read)) < ANNOTATIONS_LIMIT_BYTES


def test_the_model_deployment_is_valid_and_uses_a_committed_model(weather: Path) -> None:
    manifest = yaml.safe_load((weather / "modeldeployment.yaml").read_text(encoding="utf-8"))

    spec = ModelDeploymentSpec.model_validate(manifest["spec"])

    # The API ignores unknown fields, so a misspelt one shows only by its absence here.
    assert is_part_of(manifest["spec"], spec.to_wire())
    name = spec.model.uri.removeprefix("configmap://").removesuffix("/model.onnx")
    assert config_map(weather, spec.model.version or "")["metadata"]["name"] == name
    analysis = spec.rollout.analysis
    assert duration_seconds(analysis.min_duration) < duration_seconds(analysis.max_duration)
