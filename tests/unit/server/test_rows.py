"""Rows to tensors, without a server."""

from __future__ import annotations

import pytest
from serin_server.oip.datatypes import DATATYPES
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.signature import Signature, TensorSpec
from serin_server.rows import decode_rows


def make_signature(**inputs: tuple[str, tuple[int, ...] | None]) -> Signature:
    return Signature(
        tuple(TensorSpec(name, DATATYPES[datatype], shape) for name, (datatype, shape) in inputs.items()), ()
    )


TABLE = make_signature(x=("FP32", (-1, 2)))
NAMED = make_signature(a=("FP32", (-1, 1)), b=("BYTES", (-1,)))


def test_lists_become_one_block() -> None:
    assert decode_rows(b" [ [1, 2], [3, null] ] ", TABLE)["x"].shape == (2, 2)


def test_objects_become_columns_of_the_rank_the_model_wants() -> None:
    feeds = decode_rows(b'[{"a": 1, "b": "u"}, {"a": 2, "b": "v"}]', NAMED)
    assert feeds["a"].tolist() == [[1.0], [2.0]]
    assert feeds["b"].tolist() == ["u", "v"]


def test_rows_of_single_values_fit_a_model_with_one_scalar_input() -> None:
    assert decode_rows(b"[[1],[2]]", make_signature(x=("INT64", (-1,))))["x"].tolist() == [1, 2]


def test_images_are_rows_too() -> None:
    signature = make_signature(x=("UINT8", (-1, 2, 2)))
    assert decode_rows(b"[[[1,2],[3,4]]]", signature)["x"].shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[]", "expected at least one row, got none"),
        (b"[1, 2]", "input 'x': expected row 0 to be a list of features, got a single value"),
        (b"[[1, 2], [3]]", "input 'x': expected 2 features in row 1, got 1"),
        (b'[[1, "2"]]', "input 'x': expected a number (FP32) at [0][1], got str"),
        (b"[[1, 1e39]]", "input 'x': a value does not fit into FP32"),
        (b"[[[1], [2]]]", "input 'x': expected shape [-1, 2], got [1, 2, 1]"),
        (b'[{"y": 1}]', "row 0: missing 'x'; the model takes 'x' (FP32 [-1, 2])"),
        (b"7", "expected a list of rows"),
        (b'{"rows": []}', "expected a list of rows"),
        (b'[[1, 2], {"x": [1, 2]}]', "input 'x': expected an array (FP32) at [1], got object"),
    ],
)
def test_rows_that_do_not_fit_say_where(body: bytes, expected: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        decode_rows(body, TABLE)
    assert str(raised.value).startswith(expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'[{"a": 1, "b": "u"}, {"a": 1}]', "row 1: missing 'b'"),
        (b'[{"a": 1, "b": "u", "c": 3}]', "row 0: unknown 'c'"),
        (b'[{"a": "1", "b": "u"}]', "input 'a': expected a number (FP32) at [0], got str"),
        (b"[[1]]", "expected 2 features in row 0, got 1"),
    ],
)
def test_named_rows_that_do_not_fit_say_which_feature(body: bytes, expected: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        decode_rows(body, NAMED)
    assert str(raised.value).startswith(expected)


def test_lists_cannot_stand_for_several_inputs_that_are_not_scalar() -> None:
    signature = make_signature(a=("FP32", (-1, 3)), b=("FP32", (-1, 2)))
    with pytest.raises(InvalidRequestError, match="expected rows as objects"):
        decode_rows(b"[[1, 2]]", signature)
    assert decode_rows(b'[{"a": [1,2,3], "b": [1,2]}]', signature)["a"].shape == (1, 3)
