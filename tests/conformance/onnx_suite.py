"""The backend tests that the onnx package carries: models of one operator or of a few, each with inputs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")


@dataclass(frozen=True)
class Case:
    name: str
    model: bytes
    inputs: list[Any]
    """Of the first data set, in the order of the model's inputs."""


def load_cases() -> Iterator[Case]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Operators at the edge of numpy's ranges, on purpose.
        from onnx.backend.test.loader import load_model_tests

        for kind in KINDS:
            for test in load_model_tests(kind=kind):
                if test.model is not None and test.data_sets is not None:
                    inputs = [_make_input(value) for value in test.data_sets[0][0]]
                    yield Case(f"{kind}/{test.name}", test.model.SerializeToString(), inputs)
                elif test.model_dir is not None:
                    yield _read_case(f"{kind}/{test.name}", Path(test.model_dir))


def _make_input(value: Any) -> Any:
    """Tensors come as arrays, as numpy's scalars or as messages; a list is a sequence and stays one."""
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return value if isinstance(value, list) or value is None else np.asarray(value)


def _read_case(name: str, folder: Path) -> Case:
    data = folder / "test_data_set_0"
    files = sorted(data.glob("input_*.pb"), key=lambda path: int(path.stem.removeprefix("input_")))
    inputs = [numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes())) for path in files]
    return Case(name, (folder / "model.onnx").read_bytes(), inputs)
