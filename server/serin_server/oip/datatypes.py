"""The datatypes of the protocol and what each is in numpy and in JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Datatype:
    name: str
    dtype: np.dtype[Any]
    json_type: type
    """The Python type of one element in JSON: bool, int, float or str."""
    json_element: Any
    """The same with the bounds of the datatype, as msgspec checks them while it parses. What they let through becomes
    an array without overflow, so that numpy need not be told to look."""

    @property
    def is_float(self) -> bool:
        return self.json_type is float

    def __str__(self) -> str:
        return self.name


_FIRST_TOO_LARGE: Final = {"FP16": 65520.0, "FP32": 2.0**128 - 2.0**103}
"""From here on a number is rounded to infinity."""

_MSGSPEC_MAX: Final = 2**63 - 1
"""Its bounds go no further; what is beyond, numpy refuses by itself."""


def _make_numeric(name: str, json_type: type, scalar: type[np.generic]) -> Datatype:
    dtype = np.dtype(scalar)
    element: Any = json_type
    if name in _FIRST_TOO_LARGE:
        limit = _FIRST_TOO_LARGE[name]
        element = Annotated[json_type, msgspec.Meta(gt=-limit, lt=limit)]
    elif json_type is int:
        bounds = np.iinfo(dtype)
        most = int(bounds.max) if bounds.max <= _MSGSPEC_MAX else None
        element = Annotated[json_type, msgspec.Meta(ge=int(bounds.min), le=most)]
    return Datatype(name, dtype, json_type, element)


BYTES = Datatype("BYTES", np.dtype(object), str, str)

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
