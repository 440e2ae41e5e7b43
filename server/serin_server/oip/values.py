"""JSON arrays to numpy arrays, strictly by datatype.

Decoding with a type finds `"1.5"` or `true` in a numeric tensor, which numpy alone would quietly turn into a number.
`null` in a floating-point tensor is a missing value, NaN: JSON has no other word for it, and answers say it the same
way.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import msgspec
import numpy as np

from serin_server.oip.datatypes import BYTES, Array, Datatype
from serin_server.oip.errors import InvalidRequestError

_MAX_DEPTH = 16
_OPENING = re.compile(rb"[\[\s]*")
_OUT_OF_BOUNDS = re.compile(r"Expected `(int|float)[^`]*` [<>]")
_WRONG_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`(?: - at `\$([^`]*)`)?")
_WORDS = {"float": "a number", "int": "an integer", "str": "a string", "bool": "true or false"}


def decode_values(raw: bytes | msgspec.Raw, datatype: Datatype, subject: str) -> Array:
    """The array as nested in the JSON. `subject` begins every error, for example: input 'X'."""
    return make_array(parse_values(raw, datatype, subject), datatype, subject)


def parse_values(raw: bytes | msgspec.Raw, datatype: Datatype, subject: str) -> list[Any]:
    depth = _count_depth(raw)
    if not 1 <= depth <= _MAX_DEPTH:
        raise InvalidRequestError(f"{subject}: expected an array nested 1 to {_MAX_DEPTH} deep, got depth {depth}")
    try:
        try:
            return _decoder(datatype, depth, nullable=False).decode(raw)
        except msgspec.ValidationError as error:
            if not datatype.is_float or "`null`" not in str(error):
                raise
            return _decoder(datatype, depth, nullable=True).decode(raw)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"{subject}: {_explain(error, datatype)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"{subject}: {error}") from error


def make_array(values: list[Any], datatype: Datatype, subject: str) -> Array:
    try:
        array = np.array(values, dtype=datatype.dtype)
        # Of uneven lists numpy makes, when it may, an array of lists.
        if datatype is BYTES and array.size and isinstance(array.flat[0], list):
            raise ValueError
    except OverflowError as error:
        raise InvalidRequestError(f"{subject}: a value does not fit into {datatype}") from error
    except ValueError as error:
        raise InvalidRequestError(f"{subject}: the nested arrays differ in length") from error
    return array


def _count_depth(raw: bytes | msgspec.Raw) -> int:
    opening = _OPENING.match(memoryview(raw))
    assert opening is not None
    return opening.group().count(b"[")


@functools.cache
def _decoder(datatype: Datatype, depth: int, *, nullable: bool) -> msgspec.json.Decoder[list[Any]]:
    nested: Any = datatype.json_element | None if nullable else datatype.json_element
    for _ in range(depth):
        nested = list[nested]
    return msgspec.json.Decoder(nested)


def _explain(error: msgspec.ValidationError, datatype: Datatype) -> str:
    if _OUT_OF_BOUNDS.match(str(error)):
        return f"a value does not fit into {datatype}"
    found = _WRONG_TYPE.search(str(error))
    if found is None:
        return str(error)
    wanted, got, where = found.groups()
    expected = "an array" if wanted.startswith("array") else _WORDS.get(wanted.removesuffix(" | null"), wanted)
    return f"expected {expected} ({datatype}) at {where or 'the top'}, got {got}"
