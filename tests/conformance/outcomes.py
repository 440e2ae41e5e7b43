"""What becomes of a case of the onnx suite when it goes through the server's codecs, compared with ONNX Runtime alone.

No sockets: 2,000 servers would take an hour. The requests over HTTP are written, and their answers read, by Triton's
client; those over gRPC are the protocol's messages.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import tritonclient.http as http_client
from conformance.onnx_suite import Case
from conformance.tensors import Array, Tensors, are_same
from serin_server.grpc.contents import decode_typed, encode_typed, has_typed_form
from serin_server.grpc.inference_pb2 import ModelInferRequest, ModelInferResponse
from serin_server.grpc.tensors import choose_outputs, decode_feeds, encode_outputs
from serin_server.inference.batching import Batching
from serin_server.inference.engine import ModelLoadError
from serin_server.oip.datatypes import DATATYPES, datatype_of
from serin_server.oip.encode import encode_binary_infer_response, encode_infer_response
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.raw_values import decode_raw, encode_raw
from serin_server.served_model import ServedModel, load_served_model


class Outcome(enum.Enum):
    """In the order of the table in docs/server.md."""

    SAME = "the same answer as ONNX Runtime alone, to the last bit"
    NO_NUMBER = "NaN in a request or an infinity in an answer: JSON has no word for them"
    NO_TYPED_FORM = "FP16 inputs: the protocol has no typed contents for them"
    RANDOM = "the answer is random"
    FIRST_RUN = "refused at load: runs on no generated input, though it takes any floating-point numbers"
    TYPE = "refused at load: sequences, optionals and types that the protocol does not have"
    NOT_RUNNABLE = "ONNX Runtime alone cannot run it either"
    DIFFERENT = "any other answer"


@dataclass(frozen=True)
class Trial:
    model: ServedModel
    feeds: Tensors
    answer: Tensors


Way = Callable[[ServedModel, Tensors], Tensors]


def prepare(case: Case, folder: Path) -> Trial | Outcome:
    path = folder / "model.onnx"
    path.write_bytes(case.model)
    try:
        session = onnxruntime.InferenceSession(case.model, make_options(), providers=["CPUExecutionProvider"])
        arguments = [argument.name for argument in session.get_inputs()]
        feeds = dict(zip(arguments, case.inputs, strict=True))
        names = [output.name for output in session.get_outputs()]
        # Three: the generator behind a seeded Dropout gives the same twice and only then goes on.
        answers = [session.run(names, feeds) for _ in range(3)]
    except Exception:  # noqa: BLE001 - the runtime has a dozen classes of errors for this
        return Outcome.NOT_RUNNABLE
    try:
        model = load_served_model(path, "m", "1", 1, Batching.OFF)
    except ModelLoadError as error:
        return Outcome.FIRST_RUN if "fails on its first run" in str(error) else Outcome.TYPE
    if not all(all(map(are_same, answers[0], again)) for again in answers[1:]):
        return Outcome.RANDOM
    return Trial(model, feeds, dict(zip(names, answers[0], strict=True)))


def make_options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return options


def try_way(name: str, trial: Trial) -> Outcome:
    if name == "gRPC, typed" and not all(has_typed_form(datatype_of(array)) for array in trial.feeds.values()):
        return Outcome.NO_TYPED_FORM
    try:
        got = WAYS[name](trial.model, trial.feeds)
        is_same = all(are_same(got[output], expected) for output, expected in trial.answer.items())
    except InvalidRequestError:
        is_same = False
    if is_same:
        return Outcome.SAME
    has_no_number = not all(map(is_finite, trial.feeds.values())) or any(map(has_infinity, trial.answer.values()))
    return Outcome.NO_NUMBER if name == "HTTP, JSON" and has_no_number else Outcome.DIFFERENT


def is_finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def has_infinity(array: Array) -> bool:
    return array.dtype.kind == "f" and bool(np.isinf(array).any())


# -- the ways of a request to the model and of the answer back --------------------------------------------------------


def over_http(model: ServedModel, feeds: Tensors, *, is_binary: bool) -> Tensors:
    inputs = []
    for name, array in feeds.items():
        tensor = http_client.InferInput(name, array.shape, datatype_of(array).name)
        inputs.append(tensor.set_data_from_numpy(array, binary_data=is_binary))
    outputs = [http_client.InferRequestedOutput(name, binary_data=is_binary) for name in model.signature.output_names]
    client = http_client.InferenceServerClient
    body, json_bytes = client.generate_request_body(inputs, outputs)
    wanted = model.decoder.decode(body[:json_bytes], None if json_bytes is None else body[json_bytes:])
    got = model.engine.run(wanted.feeds, wanted.outputs)
    if is_binary:
        answer, json_bytes = encode_binary_infer_response("m", "1", wanted, got)
        result = client.parse_response_body(answer, header_length=json_bytes)
    else:
        result = client.parse_response_body(encode_infer_response("m", "1", None, got))
    return {name: result.as_numpy(name) for name in got}


def over_grpc(model: ServedModel, feeds: Tensors, *, is_raw: bool) -> Tensors:
    request = ModelInferRequest(model_name="m")
    for name, array in feeds.items():
        datatype = datatype_of(array)
        tensor = request.inputs.add(name=name, datatype=datatype.name, shape=array.shape)
        if is_raw:
            request.raw_input_contents.append(encode_raw(array, datatype))
        else:
            tensor.contents.CopyFrom(encode_typed(array, datatype))
    request = ModelInferRequest.FromString(request.SerializeToString())
    got = model.engine.run(decode_feeds(request, model.signature), choose_outputs(request, model.signature))
    response = ModelInferResponse()
    encode_outputs(got, response, wants_raw=is_raw)
    return read_response(ModelInferResponse.FromString(response.SerializeToString()))


def read_response(response: ModelInferResponse) -> Tensors:
    tensors: Tensors = {}
    for index, output in enumerate(response.outputs):
        datatype, shape = DATATYPES[output.datatype], tuple(output.shape)
        if response.raw_output_contents:
            tensors[output.name] = decode_raw(response.raw_output_contents[index], datatype, shape, output.name)
        else:
            tensors[output.name] = decode_typed(output.contents, datatype, shape, output.name)
    return tensors


WAYS: dict[str, Way] = {
    "HTTP, JSON": functools.partial(over_http, is_binary=False),
    "HTTP, binary": functools.partial(over_http, is_binary=True),
    "gRPC, typed": functools.partial(over_grpc, is_raw=False),
    "gRPC, raw": functools.partial(over_grpc, is_raw=True),
}
