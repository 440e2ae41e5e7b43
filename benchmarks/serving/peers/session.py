"""What every peer runs for one request: the same session, with the same settings as Serin's."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import onnxruntime

DTYPES = {"FP32": np.float32, "INT32": np.int32, "INT64": np.int64}
DATATYPES = {"float32": "FP32", "int32": "INT32", "int64": "INT64"}


def load_session() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ["BENCHMARK_MODEL"], options, providers=["CPUExecutionProvider"])


def answer_document(session: Any, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Open Inference Protocol V2 in plain JSON, for frameworks that do not speak it."""
    feeds = {
        tensor["name"]: np.array(tensor["data"], DTYPES[tensor["datatype"]]).reshape(tensor["shape"])
        for tensor in inputs
    }
    names = [output.name for output in session.get_outputs()]
    outputs = [
        {
            "name": name,
            "datatype": DATATYPES[array.dtype.name],
            "shape": list(array.shape),
            "data": array.ravel().tolist(),
        }
        for name, array in zip(names, session.run(names, feeds), strict=True)
    ]
    return {"model_name": "m", "outputs": outputs}
