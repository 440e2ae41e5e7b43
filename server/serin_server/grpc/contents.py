"""The typed form of a tensor's values: a repeated field of `InferTensorContents`, by datatype. FP16 has none."""

from __future__ import annotations

from typing import Any

import numpy as np

from serin_server.grpc.inference_pb2 import InferTensorContents
from serin_server.oip.datatypes import BYTES, Array, Datatype
from serin_server.oip.decode import reshape
from serin_server.oip.errors import InvalidRequestError

_FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def has_typed_form(datatype: Datatype) -> bool:
    return datatype.name in _FIELDS


def decode_typed(contents: InferTensorContents, datatype: Datatype, shape: tuple[int, ...], subject: str) -> Array:
    """`subject` begins every error, for example: input 'X'."""
    field = _FIELDS.get(datatype.name)
    if field is None:
        raise InvalidRequestError(f"{subject}: {datatype} has no typed contents, expected raw_input_contents")
    others = [found.name for found, _ in contents.ListFields() if found.name != field]
    if others:
        raise InvalidRequestError(f"{subject}: expected its {datatype} values in {field}, got {', '.join(others)}")
    values: Any = getattr(contents, field)
    try:
        if datatype is BYTES:
            values = [string.decode() for string in values]
        array: Array = np.array(values, dtype=datatype.dtype)
    except OverflowError as error:
        raise InvalidRequestError(f"{subject}: a value does not fit into {datatype}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{subject}: expected text in UTF-8: {error}") from error
    return reshape(array, shape, subject)


def encode_typed(array: Array, datatype: Datatype) -> InferTensorContents:
    values: list[Any] = array.ravel().tolist()
    if datatype is BYTES:
        values = [str(text).encode() for text in values]
    return InferTensorContents(**{_FIELDS[datatype.name]: values})
