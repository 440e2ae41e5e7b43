"""What is far too large, does not keep its word, or is no number."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import numpy as np
import pytest
from conformance.hostile.conftest import MAX_BODY_BYTES, Target, find_statuses
from serin_server.oip.datatypes import BYTES
from serin_server.oip.raw_values import encode_raw
from unit.server.server_process import Answer

INFER = "/v2/models/m/infer"
POST = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\n"


def make_document(**data: Any) -> dict[str, Any]:
    """One value for each input, those given instead of 0."""
    defaults = {"FP32": 0.0, "INT64": 0, "BYTES": ""}
    return {
        "inputs": [
            {"name": f"in_{name}", "datatype": name, "shape": [1, 1], "data": [value]}
            for name, value in {**defaults, **data}.items()
        ]
    }


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_body_that_becomes_a_gigabyte_is_a_413_and_takes_no_memory(target: Target, coding: str) -> None:
    packer = zlib.compressobj(9, wbits=31 if coding == "gzip" else 15)
    bomb = b"".join([packer.compress(bytes(1 << 20)) for _ in range(1000)]) + packer.flush()
    assert len(bomb) < MAX_BODY_BYTES
    before = target.read_peak_memory_bytes()
    assert target.process.post(INFER, bomb, {"Content-Encoding": coding}).status == 413
    assert target.read_peak_memory_bytes() - before < 16 * MAX_BODY_BYTES


def test_a_bomb_inside_a_bomb_is_opened_once(target: Target) -> None:
    body = gzip.compress(gzip.compress(bytes(1 << 24)))
    assert target.process.post(INFER, body, {"Content-Encoding": "gzip"}).status == 400
    assert target.process.post(INFER, body, {"Content-Encoding": "gzip, gzip"}).status == 415


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (POST + b"Content-Length: 1000000000000\r\n\r\n", 413),
        (POST + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
        (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 20, 413),
        (POST + b"X: " + b"y" * (1 << 20), 431),
        (b"GET /" + b"x" * (1 << 20), 431),
        (b"GET /\0 HTTP/1.1\r\nHost: m\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
    ids=lambda value: str(value)[36:80] if isinstance(value, bytes) else None,
)
def test_lengths_and_lines_beyond_all_measure_get_one_refusal(target: Target, sent: bytes, status: int) -> None:
    assert find_statuses(target.exchange(sent)) == [status]


def test_a_body_shorter_than_announced_is_not_answered(target: Target) -> None:
    assert target.exchange(POST + b"Content-Length: 100\r\n\r\n{}") == b""


@pytest.mark.parametrize("opening", ["[", '{"inputs":', '{"inputs":[{"data":[', '[{"x":'])
@pytest.mark.parametrize("path", [INFER, "/predict", "/score"])
def test_json_nested_tens_of_thousands_deep_is_a_400(target: Target, path: str, opening: str) -> None:
    assert target.process.post(path, (opening * 50_000).encode()).status == 400


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e39"])
def test_what_is_no_number_of_the_datatype_is_a_400_that_names_the_tensor_or_the_place(
    target: Target, value: str
) -> None:
    body = json.dumps(make_document()).replace("[0.0]", f"[{value}]").encode()
    assert send(target, body).status == 400


@pytest.mark.parametrize("value", ["9223372036854775808", "-9223372036854775809", "1e30", "0.5", "true", '"1"', "null"])
def test_what_is_no_whole_number_of_64_bits_is_a_400_that_names_the_tensor(target: Target, value: str) -> None:
    answer = send(target, json.dumps(make_document(INT64=4711)).replace("[4711]", f"[{value}]").encode())
    assert answer.status == 400
    assert "in_INT64" in answer.error


def test_nan_and_the_infinities_pass_as_binary_data_and_come_back_as_null_in_json(target: Target) -> None:
    odd = np.array([np.nan, np.inf, -np.inf], np.float32)
    answer = target.process.post(INFER, *make_binary_request(odd.tobytes(), is_answer_binary=True))
    assert answer.body[int(answer.headers["inference-header-content-length"]) :][:12] == odd.tobytes()
    answer = target.process.post(INFER, *make_binary_request(odd.tobytes(), is_answer_binary=False))
    assert answer.json["outputs"][0]["data"] == [None, None, None]


def make_binary_request(floats: bytes, *, is_answer_binary: bool) -> tuple[bytes, dict[str, str]]:
    document = make_document()
    for tensor, size in zip(document["inputs"], (12, 24, 12), strict=True):
        tensor.update(shape=[1, 3], parameters={"binary_data_size": size})
        del tensor["data"]
    document["parameters"] = {"binary_data_output": is_answer_binary}
    head = json.dumps(document).encode()
    return head + floats + bytes(24) + bytes(12), {"Inference-Header-Content-Length": str(len(head))}


@pytest.mark.parametrize("text", ["a\0b", "\0", "\x7f\x01", "𝄞\u202e", "\\u0000", '"', "a" * 100_000])
def test_a_string_comes_back_as_it_went_whatever_is_in_it(target: Target, text: str) -> None:
    answer = target.process.post(INFER, make_document(BYTES=text))
    assert answer.json["outputs"][2]["data"] == [text]


def test_half_a_surrogate_is_a_400(target: Target) -> None:
    body = json.dumps(make_document(BYTES="?")).replace("?", "\\ud800").encode()
    assert send(target, body).status == 400


@pytest.mark.parametrize("cut", [1, 3, 4, 5])
def test_a_string_cut_off_in_binary_data_is_a_400_that_names_the_tensor(target: Target, cut: int) -> None:
    strings = encode_raw(np.array([["ab"]], dtype=object), BYTES)[:-cut]
    document = make_document()
    document["inputs"][2].update(parameters={"binary_data_size": len(strings)})
    del document["inputs"][2]["data"]
    head = json.dumps(document).encode()
    answer = target.process.post(INFER, head + strings, {"Inference-Header-Content-Length": str(len(head))})
    assert answer.status == 400
    assert "in_BYTES" in answer.error


def send(target: Target, body: bytes) -> Answer:
    return target.process.post(INFER, body)
