"""The body of an infer request as msgspec reads it. Apart from `decode`, which is compiled: these classes cannot be."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec


class InputParameters(msgspec.Struct):
    binary_data_size: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Input(msgspec.Struct, kw_only=True):
    name: str
    shape: tuple[Annotated[int, msgspec.Meta(ge=0)], ...]
    datatype: str
    data: Any = None
    parameters: InputParameters | None = None


class OutputParameters(msgspec.Struct):
    binary_data: bool | None = None


class Output(msgspec.Struct):
    name: str
    parameters: OutputParameters | None = None


class Parameters(msgspec.Struct):
    binary_data_output: bool = False


class Body(msgspec.Struct):
    inputs: list[Input]
    id: str | None = None
    outputs: list[Output] | None = None
    parameters: Parameters | None = None


class Binary(bytes):
    """A tensor's binary data, in the place of its JSON."""


def make_decoder(*data: Any) -> msgspec.json.Decoder[Body]:
    with_data = msgspec.defstruct("Input", [("data", *data)], bases=(Input,), kw_only=True)
    return msgspec.json.Decoder(msgspec.defstruct("Body", [("inputs", list[with_data])], bases=(Body,)))  # type: ignore[valid-type]


RAW: Final = make_decoder(msgspec.Raw, None)
