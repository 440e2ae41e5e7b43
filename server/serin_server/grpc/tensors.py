"""The tensors of a ModelInfer request to the arrays that the model takes, and the model's arrays to the response."""

from __future__ import annotations

from serin_server.grpc.contents import decode_typed, encode_typed, has_typed_form
from serin_server.grpc.inference_pb2 import ModelInferRequest, ModelInferResponse
from serin_server.oip.datatypes import DATATYPES, Array, datatype_of
from serin_server.oip.decode import check_shape
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.raw_values import decode_raw, encode_raw
from serin_server.oip.signature import Signature, TensorSpec


def decode_feeds(request: ModelInferRequest, signature: Signature) -> dict[str, Array]:
    specs = {spec.name: spec for spec in signature.inputs}
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidRequestError(
            f"raw_input_contents: expected one per input, {len(request.inputs)} in all, got {len(raw)}"
        )
    feeds: dict[str, Array] = {}
    for index, tensor in enumerate(request.inputs):
        spec = specs.get(tensor.name)
        if spec is None:
            raise InvalidRequestError(f"unknown input {tensor.name!r}: the model takes {signature.describe_inputs()}")
        if tensor.name in feeds:
            raise InvalidRequestError(f"input {tensor.name!r}: expected once, got twice")
        feeds[tensor.name] = _decode_tensor(tensor, spec, raw[index] if raw else None)
    if len(feeds) < len(specs):
        missing = ", ".join(str(spec) for spec in signature.inputs if spec.name not in feeds)
        raise InvalidRequestError(f"missing input {missing}")
    return feeds


def choose_outputs(request: ModelInferRequest, signature: Signature) -> tuple[str, ...]:
    """The names of the wanted outputs, in the order wanted; all of them when the request names none."""
    names = tuple(spec.name for spec in signature.outputs)
    wanted = tuple(output.name for output in request.outputs)
    for name in wanted:
        if name not in names:
            raise InvalidRequestError(f"unknown output {name!r}: the model gives {', '.join(map(repr, names))}")
    return wanted or names


def encode_outputs(outputs: dict[str, Array], response: ModelInferResponse, *, wants_raw: bool) -> None:
    """Raw or typed as the request was. FP16 has no typed form, and the two do not mix in one message."""
    is_raw = wants_raw or not all(has_typed_form(datatype_of(array)) for array in outputs.values())
    for name, array in outputs.items():
        datatype = datatype_of(array)
        tensor = response.outputs.add(name=name, datatype=datatype.name, shape=array.shape)
        if is_raw:
            response.raw_output_contents.append(encode_raw(array, datatype))
        else:
            tensor.contents.CopyFrom(encode_typed(array, datatype))


def _decode_tensor(tensor: ModelInferRequest.InferInputTensor, spec: TensorSpec, raw: bytes | None) -> Array:
    subject = f"input {tensor.name!r}"
    if tensor.datatype != spec.datatype.name:
        known = "" if tensor.datatype in DATATYPES else f", which is none of {', '.join(DATATYPES)}"
        raise InvalidRequestError(f"{subject}: expected datatype {spec.datatype}, got {tensor.datatype!r}{known}")
    shape = tuple(tensor.shape)
    if any(size < 0 for size in shape):
        raise InvalidRequestError(f"{subject}: expected a shape without negative sizes, got {list(shape)}")
    check_shape(spec, shape)
    if raw is None:
        return decode_typed(tensor.contents, spec.datatype, shape, subject)
    if tensor.HasField("contents"):
        raise InvalidRequestError(f"{subject}: expected contents or raw_input_contents, got both")
    return decode_raw(raw, spec.datatype, shape, subject)
