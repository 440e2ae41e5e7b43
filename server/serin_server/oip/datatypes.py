"""The datatypes of the protocol and what each is in numpy and in JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Datatype:
    name: str
    dtype: np.dtype[Any]
    json_type: type
    """The Python type of one element in JSON: bool, int, float or str."""

    @property
    def is_float(self) -> bool:
        return self.json_type is float

    def __str__(self) -> str:
        return self.name


def _make_numeric(name: str, json_type: type, scalar: type[np.generic]) -> Datatype:
    return Datatype(name, np.dtype(scalar), json_type)


BYTES = Datatype("BYTES", np.dtype(object), str)

DATATYPES = {
    datatype.name: datatype
    for datatype in (
        _make_numeric("BOOL", bool, np.bool_),
        _make_numeric("UINT8", int, np.uint8),
        _make_numeric("UINT16", int, np.uint16),
        _make_numeric("UINT32", int, np.uint32),
        _make_numeric("UINT64", int, np.uint64),
        _make_numeric("INT8", int, np.int8),
        _make_numeric("INT16", int, np.int16),
        _make_numeric("INT32", int, np.int32),
        _make_numeric("INT64", int, np.int64),
        _make_numeric("FP16", float, np.float16),
        _make_numeric("FP32", float, np.float32),
        _make_numeric("FP64", float, np.float64),
        BYTES,
    )
}

_BY_DTYPE = {datatype.dtype: datatype for datatype in DATATYPES.values()}


def datatype_of(array: Array) -> Datatype:
    """Strings come out of a model as objects or as fixed-width text: both are BYTES."""
    return _BY_DTYPE.get(array.dtype, BYTES)
