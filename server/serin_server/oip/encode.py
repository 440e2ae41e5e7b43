"""Tensors to the body of an infer response, and a model's signature to its metadata."""

from __future__ import annotations

from typing import Any

import orjson

from serin_server.oip.datatypes import BYTES, Array, datatype_of
from serin_server.oip.decode import InferRequest
from serin_server.oip.raw_values import encode_raw
from serin_server.oip.signature import DYNAMIC, Signature, TensorSpec


def encode_infer_response(
    model_name: str, model_version: str, request_id: str | None, outputs: dict[str, Array]
) -> bytes:
    body: dict[str, Any] = {"model_name": model_name, "model_version": model_version}
    if request_id is not None:
        body["id"] = request_id
    described: list[dict[str, Any]] = []
    for name, array in outputs.items():
        datatype, values = datatype_of(array), array.ravel()
        data = values.tolist() if datatype is BYTES else values
        described.append({"name": name, "datatype": datatype.name, "shape": array.shape, "data": data})
    body["outputs"] = described
    return encode_json(body)


def encode_binary_infer_response(
    model_name: str, model_version: str, wanted: InferRequest, outputs: dict[str, Array]
) -> tuple[bytes, int]:
    """The body, and how many bytes of it are JSON."""
    described: list[dict[str, Any]] = []
    pieces: list[bytes] = []
    for name, array in outputs.items():
        datatype = datatype_of(array)
        description: dict[str, Any] = {"name": name, "datatype": datatype.name, "shape": array.shape}
        if name in wanted.binary_outputs:
            pieces.append(encode_raw(array, datatype))
            description["parameters"] = {"binary_data_size": len(pieces[-1])}
        else:
            description["data"] = make_json_values(array.ravel())
        described.append(description)
    body: dict[str, Any] = {"model_name": model_name, "model_version": model_version}
    if wanted.id is not None:
        body["id"] = wanted.id
    head = encode_json({**body, "outputs": described})
    return b"".join((head, *pieces)), len(head)


def encode_json(body: object) -> bytes:
    """Takes numpy arrays too; NaN and the infinities become null."""
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def make_json_values(array: Array) -> Any:
    """Numeric arrays are written as they are, if they lie in memory in row-major order; strings only from a list."""
    if array.dtype.kind in "OSU":
        return array.tolist()
    return array if array.flags.c_contiguous else array.copy(order="C")


def make_model_metadata(name: str, version: str, signature: Signature) -> dict[str, Any]:
    return {
        "name": name,
        "versions": [version],
        "platform": "onnx_onnxv1",
        "inputs": [_make_tensor_metadata(spec) for spec in signature.inputs],
        "outputs": [_make_tensor_metadata(spec) for spec in signature.outputs],
    }


def _make_tensor_metadata(spec: TensorSpec) -> dict[str, Any]:
    shape = [DYNAMIC] if spec.shape is None else list(spec.shape)
    return {"name": spec.name, "datatype": spec.datatype.name, "shape": shape}
