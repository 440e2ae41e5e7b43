"""Small ONNX models for the server's tests, each made for one behaviour."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ALL_DATATYPES = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}


def save_linear_model(path: Path, features: int = 6, outputs: int = 2) -> Path:
    """x [rows, features] -> y = the sum of the features, once per output."""
    weights = numpy_helper.from_array(np.ones((features, outputs), np.float32), "weights")
    node = helper.make_node("MatMul", ["x", "weights"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", features])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", outputs])
    return _save(path, helper.make_graph([node], "linear", [x], [y], [weights]))


def save_echo_model(path: Path, datatypes: list[str]) -> Path:
    """For each datatype an input `in_<datatype>` [rows, width], given back as `out_<datatype>`."""
    nodes = [helper.make_node("Identity", [f"in_{name}"], [f"out_{name}"]) for name in datatypes]
    inputs = [_info(f"in_{name}", name, ["rows", "width"]) for name in datatypes]
    outputs = [_info(f"out_{name}", name, ["rows", "width"]) for name in datatypes]
    return _save(path, helper.make_graph(nodes, "echo", inputs, outputs))


def save_named_features_model(path: Path) -> Path:
    """temperature and pressure [rows, 1] -> sum; city [rows, 1] -> town."""
    nodes = [
        helper.make_node("Add", ["temperature", "pressure"], ["sum"]),
        helper.make_node("Identity", ["city"], ["town"]),
    ]
    inputs = [
        _info("temperature", "FP32", ["rows", 1]),
        _info("pressure", "FP32", ["rows", 1]),
        _info("city", "BYTES", ["rows", 1]),
    ]
    outputs = [_info("sum", "FP32", ["rows", 1]), _info("town", "BYTES", ["rows", 1])]
    return _save(path, helper.make_graph(nodes, "named", inputs, outputs))


def save_lookup_model(path: Path) -> Path:
    """index [rows] -> entry; there are three entries, so that the index 99 fails inside the model."""
    table = numpy_helper.from_array(np.array([10, 20, 30], np.float32), "table")
    node = helper.make_node("Gather", ["table", "index"], ["entry"])
    inputs, outputs = [_info("index", "INT64", ["rows"])], [_info("entry", "FP32", ["rows"])]
    return _save(path, helper.make_graph([node], "lookup", inputs, outputs, [table]))


def save_patient_model(path: Path) -> Path:
    """steps (one number) -> v [64, 64]; each step is a matrix product, so that a request says how long it takes."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["v_in", "matrix"], ["v_out"]),
            helper.make_node("Identity", ["go_in"], ["go_out"]),
        ],
        "body",
        [_info("i", "INT64", []), _info("go_in", "BOOL", []), _info("v_in", "FP32", [64, 64])],
        [_info("go_out", "BOOL", []), _info("v_out", "FP32", [64, 64])],
    )
    initializers = [
        numpy_helper.from_array(np.zeros((64, 64), np.float32), "matrix"),
        numpy_helper.from_array(np.array(True), "go"),
    ]
    node = helper.make_node("Loop", ["steps", "go", "matrix"], ["v"], body=body)
    graph = helper.make_graph(
        [node], "patient", [_info("steps", "INT64", [])], [_info("v", "FP32", [64, 64])], initializers
    )
    return _save(path, graph)


def save_never_running_model(path: Path) -> Path:
    """Loads, but reshapes 4 numbers into 15, which fails at every run."""
    shape = numpy_helper.from_array(np.array([3, 5], np.int64), "shape")
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    inputs, outputs = [_info("x", "FP32", ["rows", 4])], [_info("y", "FP32", ["a", "b"])]
    return _save(path, helper.make_graph([node], "broken", inputs, outputs, [shape]))


def save_resize_model(path: Path) -> Path:
    """x [1, 1, 2, 2] and scales [4]: a scale of zero fails."""
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"])
    inputs, outputs = (
        [_info("x", "FP32", [1, 1, 2, 2]), _info("scales", "FP32", [4])],
        [_info("y", "FP32", list("abcd"))],
    )
    return _save(path, helper.make_graph([node], "resize", inputs, outputs))


def save_reshape_model(path: Path) -> Path:
    """x [2, 3] and shape [1]: only the shape [6] runs."""
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    inputs, outputs = [_info("x", "FP32", [2, 3]), _info("shape", "INT64", [1])], [_info("y", "FP32", ["a"])]
    return _save(path, helper.make_graph([node], "reshape", inputs, outputs))


def save_sequence_model(path: Path) -> Path:
    """An output that no protocol of the server can carry."""
    node = helper.make_node("SequenceConstruct", ["x"], ["pieces"])
    pieces = helper.make_tensor_sequence_value_info("pieces", TensorProto.FLOAT, ["rows", 4])
    return _save(path, helper.make_graph([node], "sequence", [_info("x", "FP32", ["rows", 4])], [pieces]))


def save_rain_model(path: Path, kind: str = "forest") -> Path:
    """A scikit-learn classifier, clear or rain, from seven features; its probabilities are a sequence of maps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The converters warn about each other's versions.
        from skl2onnx import to_onnx
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.svm import SVC

        rng = np.random.default_rng(7)
        features = rng.normal(size=(200, 7)).astype(np.float32)
        labels = np.where(features[:, 0] + features[:, 6] > 0, "rain", "clear")
        model: Any = (
            RandomForestClassifier(n_estimators=10, random_state=7) if kind == "forest" else SVC(probability=True)
        )
        model.fit(features, labels)
        path.write_bytes(to_onnx(model, features[:1]).SerializeToString())
    return path


def save_text_classifier(path: Path, zipmap: bool | str) -> Path:
    """0 or 1 from two words in X; `zipmap` says how scikit-learn's converter gives the probabilities."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import StringTensorType
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder

        words = np.array([["wet", "cold"], ["dry", "warm"], ["wet", "warm"], ["dry", "cold"]])
        model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(words, [0, 1, 0, 1])
        types = [("X", StringTensorType([None, 2]))]
        converted = to_onnx(model, initial_types=types, options={id(model): {"zipmap": zipmap}})
        path.write_bytes(converted.SerializeToString())
    return path


def _info(name: str, datatype: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, ALL_DATATYPES[datatype], shape)


def _save(path: Path, graph: onnx.GraphProto) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
