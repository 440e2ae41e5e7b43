"""A V2 answer with its tensors by name, each as a flat list, so that JSON and binary tensors compare alike.

Servers of all kinds are asked, so nothing is taken for granted: sizes, shapes, names and datatypes may be anything.
"""

from __future__ import annotations

import math
import struct
from typing import Any, Final

import numpy as np

_DTYPES: Final = {
    "BOOL": np.uint8,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}
_FLOATS: Final = ("FP16", "FP32", "FP64", "BF16")
_LENGTH: Final = struct.Struct("<I")


class MalformedTensorsError(Exception):
    """No V2 answer, or one that contradicts itself."""


def spread_tensors(document: Any, raw: bytes) -> Any:
    """The document with its outputs as an object. `raw` are the binary tensors, in the order of the outputs."""
    if not isinstance(document, dict) or not isinstance(document.get("outputs"), list):
        raise MalformedTensorsError
    try:
        outputs = _spread(document["outputs"], raw)
    except (ValueError, TypeError, OverflowError) as error:
        raise MalformedTensorsError from error
    return {**document, "outputs": outputs}


def _spread(outputs: list[Any], raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    begin = 0
    for output in outputs:
        if not isinstance(output, dict) or not isinstance(output.get("name"), str) or output["name"] in found:
            raise MalformedTensorsError
        parameters = dict(output.get("parameters") or {})
        size = parameters.pop("binary_data_size", None)
        rest = {name: value for name, value in output.items() if name not in ("name", "parameters", "data")}
        if size is None:
            data = _flatten(output["data"], output.get("datatype")) if "data" in output else None
        else:
            if not isinstance(size, int) or not 0 <= size <= len(raw) - begin:
                raise MalformedTensorsError
            data = _decode(raw[begin : begin + size], output)
            begin += size
        found[output["name"]] = {**rest, "parameters": parameters, "data": data}
    if begin != len(raw):
        raise MalformedTensorsError
    return found


def _flatten(data: Any, datatype: Any) -> Any:
    """One list, however the shape was nested; of float tensors with 1 as 1.0, which some servers leave out."""
    if not isinstance(data, list):
        raise MalformedTensorsError
    while data and all(isinstance(part, list) for part in data):
        data = [value for part in data for value in part]
    if datatype in _FLOATS:
        return [float(value) if type(value) is int else value for value in data]
    return data


def _decode(raw: bytes, output: dict[str, Any]) -> list[Any]:
    datatype = output.get("datatype")
    if datatype == "BYTES":
        return _split_strings(raw)
    if datatype == "BF16":
        # The upper half of a 32-bit float.
        values = (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)
    elif isinstance(datatype, str) and datatype in _DTYPES:
        values = np.frombuffer(raw, _DTYPES[datatype])
    else:
        raise MalformedTensorsError
    shape = output.get("shape")
    if not isinstance(shape, list) or math.prod(shape) != values.size:
        raise MalformedTensorsError
    if datatype == "BOOL":
        return [bool(value) for value in values]
    found: list[Any] = values.astype(np.float64).tolist() if datatype in _FLOATS else values.tolist()
    return found


def _split_strings(raw: bytes) -> list[str]:
    strings, position = [], 0
    while position < len(raw):
        start = position + _LENGTH.size
        if start > len(raw):
            raise MalformedTensorsError
        end = start + _LENGTH.unpack_from(raw, position)[0]
        if end > len(raw):
            raise MalformedTensorsError
        strings.append(raw[start:end].decode("utf-8", "surrogateescape"))
        position = end
    return strings
