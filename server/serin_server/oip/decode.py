"""The body of an infer request to the tensors that the model takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from serin_server.oip.datatypes import DATATYPES, Array
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.infer_body import RAW, Binary, Body, Input, Output, make_decoder
from serin_server.oip.raw_values import decode_raw
from serin_server.oip.signature import Signature, TensorSpec
from serin_server.oip.values import decode_values, make_array

_Head = tuple[str, str, tuple[int, ...]]
"""Name, datatype and shape of a tensor, as a request gives them."""

_MAX_ACCEPTED: Final = 64


@dataclass(slots=True)
class InferRequest:
    id: str | None
    feeds: dict[str, Array]
    outputs: tuple[str, ...]
    """Names of the wanted outputs, in the order wanted; all of them when the request names none."""
    binary_outputs: frozenset[str]
    """Those of them that are wanted as binary data behind the JSON."""


class InferDecoder:
    """For one model, whose signature says what to expect.

    Flat data of a model with one datatype, which is what most clients send, is parsed in one pass. All other data is
    parsed in a second one, when its tensor and so its datatype is known; that pass also finds the words for errors.
    """

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._accepted: dict[_Head, TensorSpec] = {}
        self._specs = {spec.name: spec for spec in signature.inputs}
        datatypes = {spec.datatype.name: spec.datatype for spec in signature.inputs}
        self._flat = None
        if len(datatypes) == 1:
            element: Any = datatypes.popitem()[1].json_element
            self._flat = make_decoder(list[element])

    def decode(self, body: bytes, binary: bytes | None = None) -> InferRequest:
        """`binary`: the data behind the JSON, of the inputs that have a `binary_data_size`, in their order."""
        if binary is None:
            parsed = self._parse(body, self._flat)
        else:
            parsed = self._parse(body, None)
            _hand_out(binary, parsed.inputs)
        feeds: dict[str, Array] = {}
        for tensor in parsed.inputs:
            head = (tensor.name, tensor.datatype, tensor.shape)
            spec = self._accepted.get(head) or self._accept(head)
            if tensor.name in feeds:
                raise InvalidRequestError(f"{spec.subject}: expected once, got twice")
            feeds[tensor.name] = _decode_tensor(tensor.data, spec, tensor.shape)
        if len(feeds) < len(self._specs):
            missing = ", ".join(str(spec) for spec in self._signature.inputs if spec.name not in feeds)
            raise InvalidRequestError(f"missing input {missing}")
        names = _check_outputs(parsed.outputs, self._signature)
        return InferRequest(parsed.id, feeds, names, _choose_binary_outputs(parsed, names))

    def _accept(self, head: _Head) -> TensorSpec:
        """The tensor that is meant. Right heads are kept: clients send the same ones again and again."""
        name, datatype, shape = head
        spec = self._specs.get(name)
        if spec is None:
            raise InvalidRequestError(f"unknown input {name!r}: the model takes {self._signature.describe_inputs()}")
        if datatype != spec.datatype.name:
            known = "" if datatype in DATATYPES else f", which is none of {', '.join(DATATYPES)}"
            raise InvalidRequestError(f"{spec.subject}: expected datatype {spec.datatype}, got {datatype!r}{known}")
        check_shape(spec, shape)
        if len(self._accepted) >= _MAX_ACCEPTED:
            self._accepted.clear()
        self._accepted[head] = spec
        return spec

    def _parse(self, body: bytes, first: msgspec.json.Decoder[Body] | None) -> Body:
        if first is not None:
            try:
                return first.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        try:
            return RAW.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRequestError(f"the body is not an infer request: {error}") from error


def _hand_out(binary: bytes, inputs: list[Input]) -> None:
    start = 0
    for tensor in inputs:
        size = tensor.parameters.binary_data_size if tensor.parameters is not None else None
        if size is None:
            continue
        end = start + size
        if end > len(binary):
            left = len(binary) - start
            raise InvalidRequestError(f"input {tensor.name!r}: expected {size} bytes of binary data, got {left}")
        tensor.data = Binary(binary[start:end])
        start = end
    if start < len(binary):
        raise InvalidRequestError(f"{len(binary) - start} bytes of binary data belong to no input")


def _decode_tensor(data: Any, spec: TensorSpec, shape: tuple[int, ...]) -> Array:
    if type(data) is list:
        return _make_flat_array(data, spec, shape)
    if data is None:
        raise InvalidRequestError(f"{spec.subject}: expected data, or binary_data_size and binary data, got neither")
    if isinstance(data, Binary):
        return decode_raw(data, spec.datatype, shape, spec.subject)
    array = decode_values(data, spec.datatype, spec.subject)
    if array.ndim == 1:
        return reshape(array, shape, spec.subject)
    if array.shape != shape:
        got = list(array.shape)
        raise InvalidRequestError(f"{spec.subject}: expected data nested as shape {list(shape)}, got {got}")
    return array


def _make_flat_array(values: list[Any], spec: TensorSpec, shape: tuple[int, ...]) -> Array:
    try:
        return np.array(values, dtype=spec.datatype.dtype).reshape(shape)
    except (OverflowError, ValueError):
        # The same again, in steps that find the words for it.
        return reshape(make_array(values, spec.datatype, spec.subject), shape, spec.subject)


def reshape(array: Array, shape: tuple[int, ...], subject: str) -> Array:
    try:
        return array.reshape(shape)
    except ValueError:
        raise InvalidRequestError(
            f"{subject}: shape {list(shape)} holds {math.prod(shape)} values, got {array.size}"
        ) from None


def check_shape(spec: TensorSpec, shape: tuple[int, ...]) -> None:
    if not spec.takes(shape):
        assert spec.shape is not None
        raise InvalidRequestError(f"input {spec.name!r}: expected shape {list(spec.shape)}, got {list(shape)}")


def _check_outputs(wanted: list[Output] | None, signature: Signature) -> tuple[str, ...]:
    names = signature.output_names
    if not wanted:
        return names
    for output in wanted:
        if output.name not in names:
            raise InvalidRequestError(f"unknown output {output.name!r}: the model gives {', '.join(map(repr, names))}")
    return tuple(output.name for output in wanted)


def _choose_binary_outputs(parsed: Body, names: tuple[str, ...]) -> frozenset[str]:
    wants_binary = parsed.parameters is not None and parsed.parameters.binary_data_output
    if not parsed.outputs:
        return frozenset(names) if wants_binary else _NONE
    wishes = {output.name: output.parameters.binary_data for output in parsed.outputs if output.parameters is not None}
    return frozenset(name for name in names if (wishes[name] if wishes.get(name) is not None else wants_binary))


_NONE: Final[frozenset[str]] = frozenset()
