"""The body of an infer request to the tensors that the model takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from serin_server.oip.datatypes import DATATYPES, Array
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.signature import Signature, TensorSpec
from serin_server.oip.values import decode_values, make_array


@dataclass(slots=True)
class InferRequest:
    id: str | None
    feeds: dict[str, Array]
    outputs: tuple[str, ...]
    """Names of the wanted outputs, in the order wanted; all of them when the request names none."""


class _Input(msgspec.Struct):
    name: str
    shape: tuple[Annotated[int, msgspec.Meta(ge=0)], ...]
    datatype: str
    data: Any


class _Output(msgspec.Struct):
    name: str


class _Body(msgspec.Struct):
    inputs: list[_Input]
    id: str | None = None
    outputs: list[_Output] | None = None


class InferDecoder:
    """For one model, whose signature says what to expect.

    Flat data of a model with one datatype, which is what most clients send, is parsed in one pass. All other data is
    parsed in a second one, when its tensor and so its datatype is known; that pass also finds the words for errors.
    """

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._specs = {spec.name: spec for spec in signature.inputs}
        datatypes = {spec.datatype.name: spec.datatype for spec in signature.inputs}
        self._flat = None
        if len(datatypes) == 1:
            element: Any = datatypes.popitem()[1].json_element
            self._flat = _make_decoder(list[element])

    def decode(self, body: bytes) -> InferRequest:
        parsed = self._parse(body)
        feeds: dict[str, Array] = {}
        for tensor in parsed.inputs:
            spec = self._specs.get(tensor.name)
            if spec is None:
                raise InvalidRequestError(
                    f"unknown input {tensor.name!r}: the model takes {self._signature.describe_inputs()}"
                )
            if tensor.name in feeds:
                raise InvalidRequestError(f"input {tensor.name!r}: expected once, got twice")
            feeds[tensor.name] = _decode_tensor(tensor, spec)
        if len(feeds) < len(self._specs):
            missing = ", ".join(str(spec) for spec in self._signature.inputs if spec.name not in feeds)
            raise InvalidRequestError(f"missing input {missing}")
        return InferRequest(parsed.id, feeds, _check_outputs(parsed.outputs, self._signature))

    def _parse(self, body: bytes) -> _Body:
        if self._flat is not None:
            try:
                return self._flat.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        try:
            return _RAW.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRequestError(f"the body is not an infer request: {error}") from error


def _make_decoder(data: Any) -> msgspec.json.Decoder[_Body]:
    with_data = msgspec.defstruct("_Input", [("data", data)], bases=(_Input,))
    return msgspec.json.Decoder(msgspec.defstruct("_Body", [("inputs", list[with_data])], bases=(_Body,)))  # type: ignore[valid-type]


_RAW: Final = _make_decoder(msgspec.Raw)


def _decode_tensor(tensor: _Input, spec: TensorSpec) -> Array:
    subject = f"input {tensor.name!r}"
    if tensor.datatype != spec.datatype.name:
        known = "" if tensor.datatype in DATATYPES else f", which is none of {', '.join(DATATYPES)}"
        raise InvalidRequestError(f"{subject}: expected datatype {spec.datatype}, got {tensor.datatype!r}{known}")
    shape = tensor.shape
    check_shape(spec, shape)
    is_parsed = type(tensor.data) is list
    array = (make_array if is_parsed else decode_values)(tensor.data, spec.datatype, subject)
    if array.ndim == 1:
        return reshape(array, shape, subject)
    if array.shape != shape:
        raise InvalidRequestError(f"{subject}: expected data nested as shape {list(shape)}, got {list(array.shape)}")
    return array


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


def _check_outputs(wanted: list[_Output] | None, signature: Signature) -> tuple[str, ...]:
    names = signature.output_names
    if not wanted:
        return names
    for output in wanted:
        if output.name not in names:
            raise InvalidRequestError(f"unknown output {output.name!r}: the model gives {', '.join(map(repr, names))}")
    return tuple(output.name for output in wanted)
