"""The raw and the typed form of a tensor's values."""

from __future__ import annotations

import runpy
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from serin_server.grpc.contents import decode_raw, decode_typed, encode_raw, encode_typed, has_typed_form
from serin_server.grpc.inference_pb2 import InferTensorContents
from serin_server.oip.datatypes import BYTES, DATATYPES, Datatype
from serin_server.oip.errors import InvalidRequestError

ROOT = Path(__file__).parents[3]

NUMERIC = [datatype for datatype in DATATYPES.values() if datatype is not BYTES]


def make_edge_values(datatype: Datatype) -> np.ndarray:
    if datatype.name == "BOOL":
        return np.array([[True, False, True]])
    limits = np.finfo(datatype.dtype) if datatype.is_float else np.iinfo(datatype.dtype)
    return np.array([[limits.min, 0, limits.max]], dtype=datatype.dtype)


@pytest.mark.parametrize("datatype", NUMERIC, ids=str)
def test_the_extremes_of_every_datatype_pass_as_raw_bytes(datatype: Datatype) -> None:
    array = make_edge_values(datatype)
    decoded = decode_raw(encode_raw(array, datatype), datatype, array.shape, "input 'x'")
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)


@pytest.mark.parametrize("datatype", [d for d in NUMERIC if has_typed_form(d)], ids=str)
def test_the_extremes_of_every_datatype_but_fp16_pass_as_typed_contents(datatype: Datatype) -> None:
    array = make_edge_values(datatype)
    decoded = decode_typed(encode_typed(array, datatype), datatype, array.shape, "input 'x'")
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)


def test_not_a_number_and_the_infinities_pass_in_both_forms() -> None:
    array = np.array([np.nan, np.inf, -np.inf], np.float32)
    for decoded in (
        decode_raw(encode_raw(array, DATATYPES["FP32"]), DATATYPES["FP32"], (3,), "x"),
        decode_typed(encode_typed(array, DATATYPES["FP32"]), DATATYPES["FP32"], (3,), "x"),
    ):
        np.testing.assert_array_equal(decoded, array)


@given(st.lists(st.text()))
def test_any_text_passes_in_both_forms(texts: list[str]) -> None:
    array = np.array([*texts, ""], dtype=object)[:-1]
    for decoded in (
        decode_raw(encode_raw(array, BYTES), BYTES, array.shape, "x"),
        decode_typed(encode_typed(array, BYTES), BYTES, array.shape, "x"),
    ):
        assert decoded.tolist() == texts


@given(st.binary(), st.sampled_from(list(DATATYPES.values())), st.lists(st.integers(0, 2**62), max_size=70))
def test_no_bytes_and_no_shape_end_in_anything_but_an_array_or_a_refusal(
    raw: bytes, datatype: Datatype, shape: list[int]
) -> None:
    explanation = ""
    try:
        array = decode_raw(raw, datatype, tuple(shape), "x")
    except InvalidRequestError as error:
        explanation = str(error)
    assert explanation.startswith("x: ") or array.shape == tuple(shape)


def test_a_byte_other_than_0_and_1_is_true() -> None:
    assert decode_raw(b"\x00\x01\xff", DATATYPES["BOOL"], (3,), "x").tolist() == [False, True, True]


REFUSED_RAW = {
    "too few bytes": (b"\0" * 7, "FP32", "expected 8 bytes for shape [2] of FP32, got 7"),
    "a string that ends too early": (struct.pack("<I", 9) + b"ab", "BYTES", "the string at byte 0 is longer"),
    "half a length": (b"\0\0", "BYTES", "the string at byte 0 is longer"),
    "too few strings": (struct.pack("<I", 1) + b"a", "BYTES", "shape [2] holds 2 values, got 1"),
    "a string that is no text": (struct.pack("<I", 1) + b"\xff", "BYTES", "expected text in UTF-8"),
}


@pytest.mark.parametrize(("raw", "name", "explanation"), REFUSED_RAW.values(), ids=REFUSED_RAW)
def test_raw_contents_that_do_not_fit_are_refused(raw: bytes, name: str, explanation: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        decode_raw(raw, DATATYPES[name], (2,), "input 'x'")
    assert str(refusal.value).startswith(f"input 'x': {explanation}")


REFUSED_TYPED = {
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


@pytest.mark.parametrize(("contents", "name", "explanation"), REFUSED_TYPED.values(), ids=REFUSED_TYPED)
def test_typed_contents_that_do_not_fit_are_refused(contents: InferTensorContents, name: str, explanation: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        decode_typed(contents, DATATYPES[name], (2,), "input 'x'")
    assert str(refusal.value).startswith(f"input 'x': {explanation}")


def test_the_generated_messages_are_those_of_the_proto_file() -> None:
    files: dict[Path, str] = runpy.run_path(str(ROOT / "hack" / "generate_messages.py"))["make_files"]()
    stale = [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run: make generate"
