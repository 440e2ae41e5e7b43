"""The two forms of a tensor's values in a gRPC message, and arrays.

Raw: bytes, little-endian, as numpy holds them on every machine this runs on; a string is its length in 4 bytes and then
itself. Typed: a repeated field by datatype. The model takes text, so the bytes of a string have to be UTF-8.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from serin_server.grpc.inference_pb2 import InferTensorContents
from serin_server.oip.datatypes import BYTES, Array, Datatype
from serin_server.oip.errors import InvalidRequestError

_LENGTH = struct.Struct("<I")

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


def decode_raw(raw: bytes, datatype: Datatype, shape: tuple[int, ...], subject: str) -> Array:
    """`subject` begins every error, for example: input 'X'."""
    count = math.prod(shape)
    if datatype is BYTES:
        return _make_texts(_split_strings(raw, subject), count, shape, subject)
    expected_bytes = count * datatype.dtype.itemsize
    if len(raw) != expected_bytes:
        raise InvalidRequestError(
            f"{subject}: expected {expected_bytes} bytes for shape {list(shape)} of {datatype}, got {len(raw)}"
        )
    if datatype.name == "BOOL":
        # A byte other than 0 and 1 is no bool in C++: what a model would do with it is anyone's guess.
        return _reshape(np.not_equal(np.frombuffer(raw, np.uint8), 0), shape, subject)
    return _reshape(np.frombuffer(raw, datatype.dtype), shape, subject)


def encode_raw(array: Array, datatype: Datatype) -> bytes:
    if datatype is BYTES:
        return b"".join(_LENGTH.pack(len(text)) + text for text in _encode_texts(array))
    return array.tobytes()


def decode_typed(contents: InferTensorContents, datatype: Datatype, shape: tuple[int, ...], subject: str) -> Array:
    field = _FIELDS.get(datatype.name)
    if field is None:
        raise InvalidRequestError(f"{subject}: {datatype} has no typed contents, expected raw_input_contents")
    others = [found.name for found, _ in contents.ListFields() if found.name != field]
    if others:
        raise InvalidRequestError(f"{subject}: expected its {datatype} values in {field}, got {', '.join(others)}")
    values = getattr(contents, field)
    count = math.prod(shape)
    if datatype is BYTES:
        return _make_texts(values, count, shape, subject)
    if len(values) != count:
        raise InvalidRequestError(f"{subject}: shape {list(shape)} holds {count} values, got {len(values)}")
    try:
        array: Array = np.array(values, dtype=datatype.dtype)
    except OverflowError as error:
        raise InvalidRequestError(f"{subject}: a value does not fit into {datatype}") from error
    return _reshape(array, shape, subject)


def encode_typed(array: Array, datatype: Datatype) -> InferTensorContents:
    values: Any = list(_encode_texts(array)) if datatype is BYTES else array.ravel().tolist()
    return InferTensorContents(**{_FIELDS[datatype.name]: values})


def _make_texts(strings: Iterable[bytes], count: int, shape: tuple[int, ...], subject: str) -> Array:
    try:
        texts = [string.decode() for string in strings]
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{subject}: expected text in UTF-8: {error}") from error
    if len(texts) != count:
        raise InvalidRequestError(f"{subject}: shape {list(shape)} holds {count} values, got {len(texts)}")
    array = np.empty(count, dtype=object)
    array[:] = texts
    return _reshape(array, shape, subject)


def _reshape(array: Array, shape: tuple[int, ...], subject: str) -> Array:
    try:
        return array.reshape(shape)
    except ValueError as error:  # The number of values is right: there are too many dimensions, or [2**62, 0].
        raise InvalidRequestError(f"{subject}: the shape {list(shape)} is beyond numpy: {error}") from error


def _split_strings(raw: bytes, subject: str) -> Iterator[bytes]:
    position = 0
    while position < len(raw):
        start = position + _LENGTH.size
        end = start + _LENGTH.unpack_from(raw, position)[0] if start <= len(raw) else start
        if end > len(raw):
            raise InvalidRequestError(
                f"{subject}: the string at byte {position} is longer than the {len(raw)} bytes of the tensor"
            )
        yield raw[start:end]
        position = end


def _encode_texts(array: Array) -> Iterator[bytes]:
    return (str(text).encode() for text in array.ravel())
