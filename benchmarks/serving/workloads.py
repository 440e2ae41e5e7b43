"""The models of the benchmark, one request body for each, and the rate at which latencies are measured."""

from __future__ import annotations

import json
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from serin_server.grpc import inference_pb2 as pb

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(7)


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    connections: int
    """Of the load without a rate. Few for large requests: those in flight at the end have cost CPU and do not count."""
    requests_per_second: int
    """Of the latency measurement: below what every peer can do on one core."""
    protocol: Literal["http", "grpc"] = "http"

    @property
    def is_grpc(self) -> bool:
        return self.protocol == "grpc"


WORKLOADS = (
    Workload("logistic", "logistic regression, 4 → 3", 16, 200),
    Workload("trees", "random forest, 100 trees", 16, 200),
    Workload("image", "convolution, 1×3×224×224", 2, 4),
    Workload("magika", "magika, 2,048 → 214", 2, 20),
    Workload("logistic-grpc", "logistic regression, 4 → 3, by gRPC", 16, 200, "grpc"),
    Workload("image-grpc", "convolution, 1×3×224×224, by gRPC", 2, 4, "grpc"),
)


def make_workload(workload: Workload, folder: Path) -> tuple[Path, Path]:
    """Model and request body as files."""
    name = workload.name.removesuffix("-grpc")
    model, body = make_json_workload(name, folder)
    if not workload.is_grpc:
        return model, body
    (tensor,) = json.loads(body.read_text())["inputs"]
    request = pb.ModelInferRequest(model_name="m", id="1")
    request.inputs.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
    dtype = {"FP32": np.float32, "INT32": np.int32}[tensor["datatype"]]
    request.raw_input_contents.append(np.array(tensor["data"], dtype).tobytes())
    message = folder / f"{name}.pb"
    message.write_bytes(request.SerializeToString())
    return model, message


def make_json_workload(name: str, folder: Path) -> tuple[Path, Path]:
    model, body = folder / f"{name}.onnx", folder / f"{name}.json"
    if not body.exists():
        make = {"logistic": make_tabular, "trees": make_tabular, "image": make_image, "magika": copy_magika}[name]
        input_name, array = make(model)
        datatype = {"float32": "FP32", "int32": "INT32"}[array.dtype.name]
        data = [round(value, 4) for value in array.ravel().tolist()]
        tensor = {"name": input_name, "datatype": datatype, "shape": list(array.shape), "data": data}
        body.write_text(json.dumps({"id": "1", "inputs": [tensor]}))
    return model, body


def make_tabular(path: Path) -> tuple[str, np.ndarray[Any, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The converters warn about each other's versions.
        from skl2onnx import to_onnx
        from sklearn.datasets import load_iris
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression

        features, labels = load_iris(return_X_y=True)
        features = features.astype(np.float32)
        is_forest = path.stem == "trees"
        made = RandomForestClassifier(100, random_state=7) if is_forest else LogisticRegression(max_iter=1000)
        fitted = made.fit(features, labels)
        path.write_bytes(to_onnx(fitted, features[:1], options={"zipmap": False}).SerializeToString())
    return "X", features[:1]


def make_image(path: Path) -> tuple[str, np.ndarray[Any, Any]]:
    kernel = RNG.normal(size=(16, 3, 7, 7)).astype(np.float32)
    head = RNG.normal(size=(16, 10)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["c"], strides=[4, 4]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "head"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "image",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["rows", 3, 224, 224])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", 10])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(head, "head")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    path.write_bytes(made.SerializeToString())
    return "image", RNG.random(size=(1, 3, 224, 224)).astype(np.float32)


def copy_magika(path: Path) -> tuple[str, np.ndarray[Any, Any]]:
    lock = ROOT / "tests/conformance/environments/files.lock"
    python = subprocess.run([ROOT / "hack/locked-venv", lock], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = Path(python.strip()).parents[1].glob("lib/python*/site-packages/magika/models/*/model.onnx")
    path.write_bytes(next(found).read_bytes())
    return "bytes", RNG.integers(0, 257, size=(1, 2048)).astype(np.int32)
