"""Trains the four versions of the weather model and writes them as ConfigMaps, with golden requests beside them.

    python manifests/examples/weather/train.py

| version | what | its fate in a rollout |
|---|---|---|
| 1 | support vector classifier | the first version becomes stable |
| 2 | random forest, as good as version 1 | promoted |
| 3 | trained after someone dropped a column: refuses a request of seven features | rejected |
| 4 | as good as version 2, but its labels are text | answers, and breaks every caller that compares with 1 |

Needs the packages scikit-learn and skl2onnx. The same package versions give the same bytes on the same processor.
"""

import base64
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from observations import FEATURES, Observations, make_observations
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

HERE = Path(__file__).parent
TRAINING_SEED, HELD_OUT_SEED, GOLDEN_SEED = 20, 21, 22
# `kubectl apply` keeps a copy of the object in an annotation, and all annotations together must stay below 256 KiB;
# base64 makes four bytes of three.
MODEL_LIMIT_BYTES = 180_000
DROPPED_COLUMN = FEATURES.index("Wind_bearing_degrees")
OPSET = {"": 17, "ai.onnx.ml": 3}  # pinned: the bytes must not change with the converter's newest opset
GOLDEN_ROWS = 3


@dataclass(frozen=True)
class Version:
    name: str
    description: str
    onnx: bytes
    accuracy: float  # on held-out observations, with the columns that this version was trained on


def make_support_vectors() -> ClassifierMixin:
    # Calibration turns distances into probabilities; one model, not one per fold, keeps the file small.
    return make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(), ensemble=False))


def make_forest() -> ClassifierMixin:
    return RandomForestClassifier(n_estimators=30, max_depth=6, min_samples_leaf=5, random_state=TRAINING_SEED)


def convert(classifier: ClassifierMixin, columns: int) -> bytes:
    with warnings.catch_warnings():
        # The converter reads attributes that scikit-learn has deprecated: nothing that a reader of this could change.
        warnings.filterwarnings("ignore", message="Attribute `prob", category=FutureWarning)
        model = to_onnx(
            classifier,
            name="weather",
            initial_types=[("features", FloatTensorType([None, columns]))],
            options={"zipmap": False},  # probabilities as one tensor, not as a list of maps that no client can read
            target_opset=OPSET,
        )
    return bytes(model.SerializeToString())


def train_versions(training: Observations, held_out: Observations) -> list[Version]:
    def train(name: str, description: str, classifier: ClassifierMixin, columns: list[int], as_text: bool) -> Version:
        labels = training.labels.astype(str) if as_text else training.labels
        expected = held_out.labels.astype(str) if as_text else held_out.labels
        classifier.fit(training.features[:, columns], labels)
        accuracy = float(classifier.score(held_out.features[:, columns], expected))
        return Version(name, description, convert(classifier, len(columns)), accuracy)

    every = list(range(len(FEATURES)))
    without_one = [column for column in every if column != DROPPED_COLUMN]
    return [
        train("1", "support vectors", make_support_vectors(), every, as_text=False),
        train("2", "random forest", make_forest(), every, as_text=False),
        train("3", "random forest, six columns", make_forest(), without_one, as_text=False),
        train("4", "random forest, labels as text", make_forest(), every, as_text=True),
    ]


def render_config_map(version: Version) -> str:
    encoded = base64.b64encode(version.onnx).decode("ascii")
    return (
        f"# Written by train.py: {version.description}.\n"
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        f"  name: weather-v{version.name}\n"
        "  labels: {app.kubernetes.io/part-of: weather}\n"
        "binaryData:\n"
        f"  model.onnx: {encoded}\n"
    )


def make_golden(versions: list[Version]) -> dict[str, Any]:
    """Requests with the labels that any good version answers: rows on which versions 1 and 2 are sure and agree."""
    rows = make_observations(500, GOLDEN_SEED).features
    sure = np.ones(len(rows), dtype=bool)
    labels = np.zeros(len(rows), dtype=np.int64)
    for version in versions[:2]:
        session = onnxruntime.InferenceSession(version.onnx)
        labels, probabilities = session.run(None, {"features": rows})
        sure &= probabilities.max(axis=1) > 0.97
    chosen = [index for label in (0, 1) for index in np.flatnonzero(sure & (labels == label))[:GOLDEN_ROWS]]
    # People read six digits; the rows are so clear that the rest cannot change an answer.
    readable = [[float(f"{value:.6g}") for value in rows[index]] for index in chosen]
    answers = [int(labels[index]) for index in chosen]
    singles = [make_cases([row], [answer]) for row, answer in zip(readable, answers, strict=True)]
    cases = [case for several in [*singles, make_cases(readable, answers)] for case in several]
    return {"features": list(FEATURES), "cases": cases}


def make_cases(rows: list[list[float]], labels: list[int]) -> list[dict[str, Any]]:
    """The same question in both dialects: plain rows, and tensors of the Open Inference Protocol V2.

    An answer holds the part that every good version must give; probabilities differ from version to version.
    """
    flat = [value for row in rows for value in row]
    tensor = {"name": "features", "datatype": "FP32", "shape": [len(rows), len(FEATURES)], "data": flat}
    label = {"name": "label", "datatype": "INT64", "shape": [len(labels)], "data": labels}
    return [
        {"path": "/predict", "request": rows, "answer": {"predictions": labels}},
        {
            "path": "/v2/models/weather/infer",
            "request": {"inputs": [tensor], "outputs": [{"name": "label"}]},
            "answer": {"outputs": [label]},
        },
    ]


def render_golden(golden: dict[str, Any]) -> str:
    """JSON with one case per line, so that a change of one case is a change of one line."""
    cases = ",\n".join(f"  {json.dumps(case)}" for case in golden["cases"])
    return f'{{\n "features": {json.dumps(golden["features"])},\n "cases": [\n{cases}\n ]\n}}\n'


def render_golden_config_map(golden: str) -> str:
    """For a preflight: `requests: configmap://weather-golden`."""
    return (
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: weather-golden\n"
        "  labels: {app.kubernetes.io/part-of: weather}\n"
        "data:\n"
        "  golden.json: |\n" + "".join(f"    {line}\n" for line in golden.splitlines())
    )


def render_table(versions: list[Version]) -> str:
    lines = [f"{'version':<8} {'model':<30} {'accuracy':>8} {'bytes':>8}"]
    lines += [f"{v.name:<8} {v.description:<30} {v.accuracy:>8.4f} {len(v.onnx):>8}" for v in versions]
    return "\n".join(lines)


def main() -> None:
    versions = train_versions(make_observations(4_000, TRAINING_SEED), make_observations(20_000, HELD_OUT_SEED))
    for version in versions:
        if len(version.onnx) > MODEL_LIMIT_BYTES:
            raise SystemExit(f"version {version.name}: {len(version.onnx)} bytes, expected at most {MODEL_LIMIT_BYTES}")
        path = HERE / "models" / f"weather-v{version.name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(render_config_map(version), encoding="utf-8")
    golden = render_golden(make_golden(versions))
    (HERE / "golden.json").write_text(golden, encoding="utf-8")
    (HERE / "models" / "weather-golden.yaml").write_text(render_golden_config_map(golden), encoding="utf-8")
    print(render_table(versions))


if __name__ == "__main__":
    main()
