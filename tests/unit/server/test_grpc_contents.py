"""The typed form of a tensor's values in a gRPC message, and the generated messages."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from serin_server.grpc.contents import decode_typed, encode_typed, has_typed_form
from serin_server.grpc.inference_pb2 import InferTensorContents
from serin_server.oip.datatypes import BYTES, DATATYPES, Datatype
from serin_server.oip.errors import InvalidRequestError

ROOT = Path(__file__).parents[3]


def make_edge_values(datatype: Datatype) -> np.ndarray:
    if datatype.name == "BOOL":
        return np.array([[True, False, True]])
    limits = np.finfo(datatype.dtype) if datatype.is_float else np.iinfo(datatype.dtype)
    return np.array([[limits.min, 0, limits.max]], dtype=datatype.dtype)


@pytest.mark.parametrize("datatype", [d for d in DATATYPES.values() if has_typed_form(d) and d is not BYTES], ids=str)
def test_the_extremes_of_every_datatype_but_fp16_pass(datatype: Datatype) -> None:
    array = make_edge_values(datatype)
    decoded = decode_typed(encode_typed(array, datatype), datatype, array.shape, "input 'x'")
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)


def test_not_a_number_and_the_infinities_pass() -> None:
    array = np.array([np.nan, np.inf, -np.inf], np.float32)
    decoded = decode_typed(encode_typed(array, DATATYPES["FP32"]), DATATYPES["FP32"], (3,), "x")
    np.testing.assert_array_equal(decoded, array)


@given(st.lists(st.text()))
def test_any_text_passes(texts: list[str]) -> None:
    array = np.array([*texts, ""], dtype=object)[:-1]
    assert decode_typed(encode_typed(array, BYTES), BYTES, array.shape, "x").tolist() == texts


REFUSED = {
    "too few values": (InferTensorContents(fp32_contents=[1]), "FP32", "shape [2] holds 2 values, got 1"),
    "none at all": (InferTensorContents(), "FP32", "shape [2] holds 2 values, got 0"),
    "the field of another datatype": (
        InferTensorContents(fp64_contents=[1, 2]),
        "FP32",
        "expected its FP32 values in fp32_contents, got fp64_contents",
    ),
    "a number that is too large": (
        InferTensorContents(int_contents=[1, 128]),
        "INT8",
        "a value does not fit into INT8",
    ),
    "fp16": (InferTensorContents(), "FP16", "FP16 has no typed contents, expected raw_input_contents"),
    "no text": (InferTensorContents(bytes_contents=[b"\xff", b""]), "BYTES", "expected text in UTF-8"),
}


@pytest.mark.parametrize(("contents", "name", "explanation"), REFUSED.values(), ids=REFUSED)
def test_contents_that_do_not_fit_are_refused(contents: InferTensorContents, name: str, explanation: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        decode_typed(contents, DATATYPES[name], (2,), "input 'x'")
    assert str(refusal.value).startswith(f"input 'x': {explanation}")


def test_the_generated_messages_are_those_of_the_proto_file() -> None:
    files: dict[Path, str] = runpy.run_path(str(ROOT / "hack" / "generate_messages.py"))["make_files"]()
    stale = [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run: make generate"
