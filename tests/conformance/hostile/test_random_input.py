"""Hypothesis makes what no client would send: bytes that are nearly HTTP, JSON and binary tensors that nearly fit."""

from __future__ import annotations

import json
from typing import Any

from conformance.hostile.conftest import REFUSALS, Target, find_statuses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ALLOWED = REFUSALS | {200}

many = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

BODY = json.dumps(
    {
        "id": "1",
        "inputs": [
            {"name": "in_FP32", "datatype": "FP32", "shape": [1, 2], "data": [0.5, 1]},
            {"name": "in_INT64", "datatype": "INT64", "shape": [1, 2], "data": [1, 2]},
            {"name": "in_BYTES", "datatype": "BYTES", "shape": [1, 2], "data": ["a", "b"]},
        ],
        "outputs": [{"name": "out_FP32", "parameters": {"binary_data": True}}],
    }
).encode()
REQUEST = (
    b"POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
)
WHOLE = REQUEST % (len(BODY), BODY)


@st.composite
def nearly(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes with up to four pieces cut out, put in or overwritten."""
    text = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8) | st.sampled_from(WIRE_WORDS))
    return bytes(text)


WIRE_WORDS = [
    *(b"\r\n", b"\n", b"\r", b"\0", b":", b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 0\r\n"),
    *(b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Encoding: gzip\r\n"),
    *(b"Inference-Header-Content-Length: 5\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b"HTTP/2.0"),
]

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
shapes = st.lists(st.integers(-2, 4) | st.sampled_from([2**31, 2**62, 2**63]), max_size=4)


def tensors(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "name": st.just(f"in_{name}") | st.text(max_size=3),
            "datatype": st.sampled_from([name, name, name, "FP16", "nothing"]) | any_json,
            "shape": st.just([1, 2]) | shapes | any_json,
        },
        optional={
            "data": st.just([1, 2]) | any_json,
            "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 2**64) | any_json}) | any_json,
        },
    )


documents = st.fixed_dictionaries(
    {"inputs": st.tuples(tensors("FP32"), tensors("INT64"), tensors("BYTES")).map(list) | any_json},
    optional={
        "id": st.text(max_size=4) | any_json,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.just("out_FP32") | st.text(max_size=3)})) | any_json,
        "parameters": any_json,
    },
)


@given(sent=nearly(WHOLE) | nearly(WHOLE + WHOLE) | st.binary(max_size=200))
@many
def test_bytes_that_are_nearly_http(target: Target, sent: bytes) -> None:
    assert set(find_statuses(target.exchange(sent))) <= ALLOWED | {100}


@given(document=documents | any_json, path=st.sampled_from(["/v2/models/m/infer", "/predict", "/score"]))
@many
def test_json_that_nearly_fits(target: Target, document: Any, path: str) -> None:
    check_refusal(target, path, json.dumps(document).encode(), {})


@given(document=documents, rest=st.binary(max_size=64), off_by=st.integers(-3, 3))
@many
def test_binary_tensors_that_nearly_fit(target: Target, document: Any, rest: bytes, off_by: int) -> None:
    head = json.dumps(document).encode()
    length = str(max(0, len(head) + off_by))
    check_refusal(target, "/v2/models/m/infer", head + rest, {"Inference-Header-Content-Length": length})


@given(text=st.text(alphabet='ab,;"\n\r\t 0.-e\0é', max_size=60))
@many
def test_text_that_is_nearly_csv(target: Target, text: str) -> None:
    check_refusal(target, "/score", text.encode(), {"Content-Type": "text/csv"})


def check_refusal(target: Target, path: str, body: bytes, headers: dict[str, str]) -> None:
    """The right answer or an error that says what is wrong."""
    answer = target.process.post(path, body, headers)
    assert answer.status in ALLOWED, answer.body
    if answer.status != 200:
        assert answer.error
