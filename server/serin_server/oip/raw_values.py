"""Tensors as bytes, the way of the binary tensor extension: row by row, little-endian, nothing between the values.

That is how numpy holds numbers on every machine this runs on. A string is its length in four bytes and then itself; the
model takes text, so it has to be UTF-8.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import numpy as np

from serin_server.oip.datatypes import BYTES, Array, Datatype
from serin_server.oip.errors import InvalidRequestError

_LENGTH = struct.Struct("<I")


def decode_raw(raw: bytes, datatype: Datatype, shape: tuple[int, ...], subject: str) -> Array:
    """`subject` begins every error, for example: input 'X'. The array must not be written to."""
    count = math.prod(shape)
    if datatype is BYTES:
        array = _make_texts(list(_split_strings(raw, subject)), count, shape, subject)
    else:
        expected_bytes = count * datatype.dtype.itemsize
        if len(raw) != expected_bytes:
            raise InvalidRequestError(
                f"{subject}: expected {expected_bytes} bytes for shape {list(shape)} of {datatype}, got {len(raw)}"
            )
        # A byte other than 0 and 1 is no bool in C++: what a model would do with it is anyone's guess.
        is_bool = datatype.json_type is bool
        array = np.frombuffer(raw, np.uint8) != 0 if is_bool else np.frombuffer(raw, datatype.dtype)
    try:
        return array.reshape(shape)
    except ValueError as error:  # The number of values is right: there are too many dimensions, or [2**62, 0].
        raise InvalidRequestError(f"{subject}: the shape {list(shape)} is beyond numpy: {error}") from error


def encode_raw(array: Array, datatype: Datatype) -> bytes:
    if datatype is not BYTES:
        return array.tobytes()
    texts = [str(text).encode() for text in array.ravel()]
    return b"".join(_LENGTH.pack(len(text)) + text for text in texts)


def _make_texts(strings: list[bytes], count: int, shape: tuple[int, ...], subject: str) -> Array:
    if len(strings) != count:
        raise InvalidRequestError(f"{subject}: shape {list(shape)} holds {count} values, got {len(strings)}")
    array = np.empty(count, dtype=object)
    try:
        array[:] = [string.decode() for string in strings]
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{subject}: expected text in UTF-8: {error}") from error
    return array


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
