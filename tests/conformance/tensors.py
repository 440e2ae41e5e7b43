"""Tensors of every datatype with the values that are hardest to carry, and what it means that two are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from serin_server.oip.datatypes import BYTES, DATATYPES, Datatype

Array = npt.NDArray[Any]
Tensors = dict[str, Array]


def make_tensors() -> Tensors:
    """By name of the datatype, all of shape [2, 3]."""
    return {datatype.name: make_tensor(datatype) for datatype in DATATYPES.values()}


def make_tensor(datatype: Datatype) -> Array:
    if datatype is BYTES:
        return np.array([["", "plain", "Zürich ☂"], ['"quoted"', "a\0b", "line\nline"]], dtype=object)
    if datatype.name == "BOOL":
        return np.array([[True, False, True], [False, False, True]])
    if datatype.is_float:
        limits = np.finfo(datatype.dtype)
        values = [limits.min, -0.0, limits.smallest_subnormal, 0.1, 1 + limits.eps, limits.max]
        return np.array(values, dtype=datatype.dtype).reshape(2, 3)
    whole = np.iinfo(datatype.dtype)
    return np.array([whole.min, 0, 1, 2, whole.max - 1, whole.max], dtype=datatype.dtype).reshape(2, 3)


def are_same(got: Array, expected: Array) -> bool:
    """To the last bit; but any NaN is as good as another, and bytes that are UTF-8 are the text."""
    if expected.dtype.kind in "OSU":
        return got.shape == expected.shape and [as_text(item) for item in got.flat] == [str(x) for x in expected.flat]
    if got.dtype != expected.dtype or got.shape != expected.shape:
        return False
    if expected.dtype.kind == "f":
        got, expected = (np.where(np.isnan(array), np.nan, array).astype(array.dtype) for array in (got, expected))
    return got.tobytes() == expected.tobytes()


def as_text(item: Any) -> str:
    return item.decode() if isinstance(item, bytes) else str(item)
