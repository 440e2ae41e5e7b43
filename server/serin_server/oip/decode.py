"""The body of an infer request to the tensors that the model takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import msgspec

from serin_server.oip.datatypes import DATATYPES, Array
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.signature import Signature, TensorSpec
from serin_server.oip.values import decode_values


@dataclass(frozen=True, slots=True)
class InferRequest:
    id: str | None
    feeds: dict[str, Array]
    outputs: tuple[str, ...]
    """Names of the wanted outputs, in the order wanted; all of them when the request names none."""


class _Input(msgspec.Struct):
    name: str
    shape: list[Annotated[int, msgspec.Meta(ge=0)]]
    datatype: str
    data: msgspec.Raw


class _Output(msgspec.Struct):
    name: str


class _Body(msgspec.Struct):
    inputs: list[_Input]
    id: str | None = None
    outputs: list[_Output] | None = None


_BODY = msgspec.json.Decoder(_Body)


def decode_infer_request(body: bytes, signature: Signature) -> InferRequest:
    try:
        parsed = _BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequestError(f"the body is not an infer request: {error}") from error
    specs = {spec.name: spec for spec in signature.inputs}
    feeds: dict[str, Array] = {}
    for tensor in parsed.inputs:
        spec = specs.get(tensor.name)
        if spec is None:
            raise InvalidRequestError(f"unknown input {tensor.name!r}: the model takes {signature.describe_inputs()}")
        if tensor.name in feeds:
            raise InvalidRequestError(f"input {tensor.name!r}: expected once, got twice")
        feeds[tensor.name] = _decode_tensor(tensor, spec)
    if len(feeds) < len(specs):
        missing = ", ".join(str(spec) for spec in signature.inputs if spec.name not in feeds)
        raise InvalidRequestError(f"missing input {missing}")
    return InferRequest(parsed.id, feeds, _check_outputs(parsed.outputs, signature))


def _decode_tensor(tensor: _Input, spec: TensorSpec) -> Array:
    subject = f"input {tensor.name!r}"
    if tensor.datatype != spec.datatype.name:
        known = "" if tensor.datatype in DATATYPES else f", which is none of {', '.join(DATATYPES)}"
        raise InvalidRequestError(f"{subject}: expected datatype {spec.datatype}, got {tensor.datatype!r}{known}")
    shape = tuple(tensor.shape)
    check_shape(spec, shape)
    array = decode_values(tensor.data, spec.datatype, subject)
    if array.ndim == 1:
        if array.size != math.prod(shape):
            raise InvalidRequestError(
                f"{subject}: shape {tensor.shape} holds {math.prod(shape)} values, got {array.size}"
            )
        return array.reshape(shape)
    if array.shape != shape:
        raise InvalidRequestError(f"{subject}: expected data nested as shape {tensor.shape}, got {list(array.shape)}")
    return array


def check_shape(spec: TensorSpec, shape: tuple[int, ...]) -> None:
    if not spec.takes(shape):
        assert spec.shape is not None
        raise InvalidRequestError(f"input {spec.name!r}: expected shape {list(spec.shape)}, got {list(shape)}")


def _check_outputs(wanted: list[_Output] | None, signature: Signature) -> tuple[str, ...]:
    names = [spec.name for spec in signature.outputs]
    if not wanted:
        return tuple(names)
    for output in wanted:
        if output.name not in names:
            raise InvalidRequestError(f"unknown output {output.name!r}: the model gives {', '.join(map(repr, names))}")
    return tuple(output.name for output in wanted)
