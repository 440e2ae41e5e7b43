"""ONNX Runtime behind three words: load, signature, run. The only importer of onnxruntime.

scikit-learn's classifiers, converted with the default options, give their probabilities as a sequence of maps
(ZipMap). The protocol has no maps, so such an output is served as a tensor [rows, classes] with the classes in the
order of the map's keys; `class_labels` says which they are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# Newer releases report their use to Microsoft unless this is set before the library loads. A model server must not
# call home, and on a read-only file system the reporter prints a warning that hides the server's own last words.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from serin_server.oip.datatypes import BYTES, DATATYPES, Array
from serin_server.oip.signature import DYNAMIC, Signature, TensorSpec

_DATATYPE_NAMES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": BYTES.name,
}

_PROBABILITY_MAPS = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")

_LOAD_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
)

_SEVERITY_FATAL = 4
"""Errors reach us as exceptions with the same text; the runtime would print them a second time, in colours."""


class ModelLoadError(Exception):
    """The model cannot be served; the text is one plain sentence."""


class RefusedInputError(Exception):
    """The runtime found that the inputs do not fit the model, before any of its nodes ran."""


class StopSign:
    """Shown to a run, from any thread, it makes the run fail at the next node of the model."""

    def __init__(self) -> None:
        self.run_options = onnxruntime.RunOptions()
        self.is_shown = False

    def show(self) -> None:
        self.is_shown = True
        self.run_options.terminate = True


class Engine:
    def __init__(self, session: Any) -> None:
        # The public `run` checks in Python what the codecs have checked, which takes longer than a small model's run.
        self._run_session = session._sess.run  # noqa: SLF001
        self._maps = frozenset(output.name for output in session.get_outputs() if output.type in _PROBABILITY_MAPS)
        self.class_labels: dict[str, tuple[Any, ...]] = {}
        """By output of probability maps. Only an answer tells them: known from the first run on."""
        self.signature = Signature(
            inputs=tuple(_make_spec("input", argument) for argument in session.get_inputs()),
            outputs=tuple(_make_spec("output", argument) for argument in session.get_outputs()),
        )

    def run(
        self, feeds: dict[str, Array], outputs: Sequence[str], stop_sign: StopSign | None = None
    ) -> dict[str, Array]:
        values = self._run(feeds, outputs, stop_sign)
        if self._maps:
            values = [
                self._take_maps(name, value) if name in self._maps else value
                for name, value in zip(outputs, values, strict=True)
            ]
        return dict(zip(outputs, values, strict=True))

    def _take_maps(self, name: str, rows: list[dict[Any, float]]) -> Array:
        if rows and name not in self.class_labels:
            self.class_labels[name] = tuple(rows[0])
        return np.array([list(row.values()) for row in rows], dtype=np.float32)

    def _run(self, feeds: dict[str, Array], outputs: Sequence[str], stop_sign: StopSign | None = None) -> list[Any]:
        try:
            options = stop_sign.run_options if stop_sign is not None else None
            values: list[Any] = self._run_session(outputs, feeds, options)
        except ort_errors.InvalidArgument as error:
            # The same class is raised for inputs that do not fit (the client's fault) and by nodes at work (the
            # model's fault); only the text tells them apart.
            if "Non-zero status code returned while running" in str(error):
                raise
            raise RefusedInputError(make_sentence(error)) from error
        return values


def load_engine(path: Path, threads: int) -> Engine:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _SEVERITY_FATAL
    # Spinning threads would burn the pod's CPU limit while they wait for the next request.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _LOAD_ERRORS as error:
        raise ModelLoadError(f"ONNX Runtime cannot load it: {make_sentence(error)}") from error
    return Engine(session)


def make_sentence(error: Exception) -> str:
    """What the runtime says, on one line and without its own prefix."""
    return " ".join(re.sub(r"^\[ONNXRuntimeError\] : \d+ : ", "", str(error)).split())


def _make_spec(role: str, argument: Any) -> TensorSpec:
    if argument.type in _PROBABILITY_MAPS:
        return TensorSpec(argument.name, DATATYPES["FP32"], (DYNAMIC, DYNAMIC))
    name = _DATATYPE_NAMES.get(argument.type)
    if name is None:
        raise ModelLoadError(
            f"its {role} {argument.name!r} has the type {argument.type}, expected one of {', '.join(_DATATYPE_NAMES)}"
            + (f" or {' or '.join(_PROBABILITY_MAPS)}" if role == "output" else "")
        )
    shape = tuple(size if isinstance(size, int) and size >= 0 else DYNAMIC for size in argument.shape)
    # The runtime shows a scalar and a tensor without any shape alike, as no dimensions.
    return TensorSpec(argument.name, DATATYPES[name], shape or None)
