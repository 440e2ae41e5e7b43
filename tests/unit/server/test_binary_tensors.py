"""The binary tensor extension: JSON first, then the tensors' bytes; and gzip or deflate around either form."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from serin_server.oip.datatypes import DATATYPES, Array, datatype_of
from serin_server.oip.decode import InferDecoder
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.raw_values import decode_raw, encode_raw
from serin_server.oip.signature import Signature, TensorSpec
from unit.server.onnx_models import ALL_DATATYPES
from unit.server.server_process import Answer, ServerProcess

INFER = "/v2/models/m/infer"
MAX_BODY_BYTES = 100_000

VALUES: dict[str, list[Any]] = {name: [0, 1] for name in ALL_DATATYPES} | {
    "BOOL": [True, False],
    "BYTES": ["null \0 inside", "żółw"],
    "FP32": [float("nan"), float("-inf")],
    "FP16": [0.5, float("inf")],
}


def make_array(name: str) -> Array:
    return np.array([VALUES[name]], DATATYPES[name].dtype)


def describe(name: str, array: Array, size: int, tensor: str = "x") -> dict[str, Any]:
    parameters = {"binary_data_size": size}
    return {"name": tensor, "shape": list(array.shape), "datatype": name, "parameters": parameters}


def post_binary(
    server: ServerProcess, head: object, data: bytes, headers: dict[str, str] | None = None, path: str = INFER
) -> Answer:
    text = json.dumps(head).encode()
    announced = {"Inference-Header-Content-Length": str(len(text)), "Content-Type": "application/octet-stream"}
    return server.post(path, text + data, {**announced, **(headers or {})})


def read_outputs(answer: Answer) -> dict[str, Array]:
    size = int(answer.headers["inference-header-content-length"])
    head, data = json.loads(answer.body[:size]), answer.body[size:]
    outputs = {}
    for output in head["outputs"]:
        length = output["parameters"]["binary_data_size"]
        outputs[output["name"]] = decode_raw(data[:length], DATATYPES[output["datatype"]], tuple(output["shape"]), "")
        data = data[length:]
    assert data == b""
    return outputs


def test_every_datatype_comes_back_to_the_last_bit(echo_server: ServerProcess) -> None:
    arrays = {name: make_array(name) for name in ALL_DATATYPES}
    pieces = {name: encode_raw(array, DATATYPES[name]) for name, array in arrays.items()}
    inputs = [describe(name, array, len(pieces[name]), f"in_{name}") for name, array in arrays.items()]
    head = {"id": "7", "inputs": inputs, "parameters": {"binary_data_output": True}}
    answer = post_binary(echo_server, head, b"".join(pieces.values()))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    for name, array in read_outputs(answer).items():
        assert encode_raw(array, datatype_of(array)) == pieces[name.removeprefix("out_")]


def test_each_output_is_binary_or_json_as_wished(echo_server: ServerProcess) -> None:
    inputs = [{"name": f"in_{n}", "shape": [0, 1], "datatype": n, "data": []} for n in ALL_DATATYPES]
    outputs: list[dict[str, Any]] = [{"name": "out_INT8", "parameters": {"binary_data": True}}, {"name": "out_BOOL"}]
    answer = echo_server.post(INFER, {"inputs": inputs, "outputs": outputs})
    head = json.loads(answer.body[: int(answer.headers["inference-header-content-length"])])
    assert [set(output) for output in head["outputs"]] == [
        {"name", "shape", "datatype", "parameters"},
        {"name", "shape", "datatype", "data"},
    ]
    outputs[0]["parameters"] = {"binary_data": False}
    with_default = {"inputs": inputs, "outputs": outputs, "parameters": {"binary_data_output": True}}
    head = echo_server.post(INFER, with_default).body
    assert head.index(b'"data":[]') < head.index(b"binary_data_size")


@given(st.sampled_from(list(DATATYPES)), st.binary(max_size=64), st.lists(st.integers(0, 4), max_size=3))
def test_no_bytes_do_worse_than_being_refused(name: str, raw: bytes, shape: list[int]) -> None:
    try:
        array = decode_raw(raw, DATATYPES[name], tuple(shape), "input 'x'")
    except InvalidRequestError:
        return
    assert name == "BOOL" or encode_raw(array, DATATYPES[name]) == raw


@pytest.mark.parametrize(
    ("name", "size", "data", "expected"),
    [
        ("FP32", 4, b"\0" * 4, "input 'x': expected 8 bytes for shape [1, 2] of FP32, got 4"),
        ("FP32", 8, b"\0" * 7, "input 'x': expected 8 bytes of binary data, got 7"),
        ("FP32", 8, b"\0" * 9, "1 bytes of binary data belong to no input"),
        ("FP32", None, b"", "input 'x': expected data, or binary_data_size and binary data, got neither"),
        ("BYTES", 5, b"\1\0\0\0a", "input 'x': shape [1, 2] holds 2 values, got 1"),
        ("BYTES", 5, b"\2\0\0\0a", "input 'x': the string at byte 0 is longer than the 5 bytes of the tensor"),
        ("BYTES", 3, b"\2\0\0", "input 'x': the string at byte 0 is longer than the 3 bytes of the tensor"),
        ("BYTES", 10, b"\1\0\0\0a\1\0\0\0\xff", "input 'x': expected text in UTF-8: 'utf-8' codec"),
    ],
)
def test_wrong_lengths_name_the_tensor(name: str, size: int | None, data: bytes, expected: str) -> None:
    decoder = InferDecoder(Signature((TensorSpec("x", DATATYPES[name], (-1, 2)),), ()))
    tensor = {"name": "x", "shape": [1, 2], "datatype": name, "parameters": {"binary_data_size": size}}
    with pytest.raises(InvalidRequestError) as raised:
        decoder.decode(json.dumps({"inputs": [tensor]}).encode(), data)
    assert str(raised.value).startswith(expected)


@pytest.mark.parametrize("announced", ["-1", "1000", "ten", "", "9" * 30])
def test_a_length_of_the_json_that_cannot_be_is_a_400(linear_server: ServerProcess, announced: str) -> None:
    answer = linear_server.post(INFER, b"{}", {"Inference-Header-Content-Length": announced})
    assert (answer.status, "expected the length of the JSON" in answer.error) == (400, True)


def test_rows_are_not_taken_as_binary_data(linear_server: ServerProcess) -> None:
    assert post_binary(linear_server, [], b"", path="/predict").status == 415


CODINGS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
ROWS = [[1, 2, 3, 4, 5, 6]] * 200


@pytest.mark.parametrize("coding", CODINGS)
def test_bodies_may_be_compressed_both_ways(linear_server: ServerProcess, coding: str) -> None:
    body = CODINGS[coding](json.dumps(ROWS).encode())
    answer = linear_server.post("/predict", body, {"Content-Encoding": coding, "Accept-Encoding": coding})
    assert (answer.status, answer.headers["content-encoding"]) == (200, coding)
    assert json.loads(zlib.decompress(answer.body, 47))["predictions"] == [[21.0, 21.0]] * 200


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity"])
def test_an_answer_is_compressed_only_as_the_client_accepts(linear_server: ServerProcess, accepted: str) -> None:
    answer = linear_server.post("/predict", ROWS, {"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert len(answer.json["predictions"]) == 200


def test_short_answers_stay_as_they_are(linear_server: ServerProcess) -> None:
    assert "content-encoding" not in linear_server.post("/predict", ROWS[:1], {"Accept-Encoding": "gzip"}).headers


def test_a_compressed_body_is_measured_by_what_it_becomes(linear_server: ServerProcess) -> None:
    bomb = gzip.compress(b"[" * 50_000_000)
    assert len(bomb) < MAX_BODY_BYTES
    answer = linear_server.post("/predict", bomb, {"Content-Encoding": "gzip"})
    assert (answer.status, "when inflated" in answer.error) == (413, True)


WHOLE = gzip.compress(b"[]", mtime=0)


@pytest.mark.parametrize("body", [b"", b"not gzip", WHOLE[:-5], WHOLE + b"more"])
def test_a_body_that_is_not_what_it_says_is_a_400(linear_server: ServerProcess, body: bytes) -> None:
    answer = linear_server.post("/predict", body, {"Content-Encoding": "gzip"})
    assert (answer.status, answer.error.startswith("the body is not gzip")) == (400, True)
