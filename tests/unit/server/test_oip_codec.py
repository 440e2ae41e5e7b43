"""The protocol's JSON: bytes in, tensors out, and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from serin_server.oip.datatypes import DATATYPES, Array, Datatype, datatype_of
from serin_server.oip.decode import InferDecoder
from serin_server.oip.encode import encode_infer_response, make_model_metadata
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.signature import Signature, TensorSpec


def make_signature(datatype: str, shape: tuple[int, ...] | None) -> Signature:
    spec = TensorSpec("x", DATATYPES[datatype], shape)
    return Signature((spec,), (TensorSpec("y", DATATYPES["FP32"], None), TensorSpec("z", DATATYPES["FP32"], None)))


def decode(datatype: str, shape: list[int], data: str, takes: tuple[int, ...] | None = None) -> Array:
    body = f'{{"inputs": [{{"name": "x", "shape": {shape}, "datatype": "{datatype}", "data": {data}}}]}}'
    return InferDecoder(make_signature(datatype, takes)).decode(body.encode()).feeds["x"]


def elements(datatype: Datatype) -> st.SearchStrategy[Any]:
    if datatype.json_type is bool:
        return st.booleans()
    if datatype.json_type is str:
        return st.text(st.characters(exclude_categories=["Cs"]))
    if datatype.is_float:
        width = {2: 16, 4: 32, 8: 64}[datatype.dtype.itemsize]
        return st.none() | st.floats(width=width, allow_nan=False, allow_infinity=False)  # type: ignore[arg-type]
    bounds = np.iinfo(datatype.dtype)
    return st.integers(int(bounds.min), int(bounds.max))


@st.composite
def tensors(draw: st.DrawFn) -> tuple[Datatype, list[int], list[Any]]:
    datatype = draw(st.sampled_from(list(DATATYPES.values())))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    count = int(np.prod(shape, dtype=int))
    return datatype, shape, draw(st.lists(elements(datatype), min_size=count, max_size=count))


def nest(flat: list[Any], shape: list[int]) -> Any:
    array = np.empty(len(flat), dtype=object)
    array[:] = flat
    return array.reshape(shape).tolist()


@given(tensors())
def test_values_survive_the_way_in_and_out_bit_by_bit(tensor: tuple[Datatype, list[int], list[Any]]) -> None:
    datatype, shape, flat = tensor
    array = decode(datatype.name, shape, json.dumps(flat))
    assert array.shape == tuple(shape)
    assert datatype_of(array) is datatype
    output = json.loads(encode_infer_response("m", "1", None, {"x": array}))["outputs"][0]
    assert (output["name"], output["datatype"], output["shape"]) == ("x", datatype.name, shape)
    again = decode(datatype.name, shape, json.dumps(output["data"]))
    np.testing.assert_array_equal(array, again)
    if not datatype.is_float:
        assert output["data"] == flat


@given(tensors())
def test_nested_data_means_the_same_as_flat_data(tensor: tuple[Datatype, list[int], list[Any]]) -> None:
    datatype, shape, flat = tensor
    if not shape or 0 in shape[:-1]:
        return  # A list of nothing cannot show its inner dimensions, and a single number cannot be nested.
    nested = decode(datatype.name, shape, json.dumps(nest(flat, shape)))
    np.testing.assert_array_equal(decode(datatype.name, shape, json.dumps(flat)), nested)


@given(st.binary(max_size=200))
def test_no_body_does_worse_than_being_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        InferDecoder(make_signature("FP32", (-1, 2))).decode(body)


def test_null_in_a_float_tensor_is_a_missing_value() -> None:
    assert np.isnan(decode("FP32", [2], "[1, null]")[1])


def test_infinities_are_written_as_null_because_json_has_no_word_for_them() -> None:
    body = encode_infer_response("m", "1", None, {"y": np.array([np.inf, np.nan, 1], np.float32)})
    assert json.loads(body)["outputs"][0]["data"] == [None, None, 1.0]


def test_a_model_without_a_shape_takes_every_shape() -> None:
    assert decode("FP32", [], "[1]").shape == ()
    assert decode("FP32", [1, 2, 1], "[1, 2]").shape == (1, 2, 1)


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "expected"),
    [
        ("INT8", [1], "[128]", "input 'x': a value does not fit into INT8"),
        ("UINT64", [1], "[-1]", "input 'x': a value does not fit into UINT64"),
        ("INT64", [1], "[9223372036854775808]", "input 'x': a value does not fit into INT64"),
        ("FP16", [1], "[1e6]", "input 'x': a value does not fit into FP16"),
        ("INT32", [1], "[1.5]", "input 'x': expected an integer (INT32) at [0], got float"),
        ("INT32", [1], "[true]", "input 'x': expected an integer (INT32) at [0], got bool"),
        ("INT32", [1], "[null]", "input 'x': expected an integer (INT32) at [0], got null"),
        ("BOOL", [1], "[1]", "input 'x': expected true or false (BOOL) at [0], got int"),
        ("BYTES", [1], "[1]", "input 'x': expected a string (BYTES) at [0], got int"),
        ("FP32", [2, 1], "[[1], [2, 3]]", "input 'x': the nested arrays differ in length"),
        ("BYTES", [2, 1], '[["a"], ["b", "c"]]', "input 'x': the nested arrays differ in length"),
        ("FP32", [2, 2], "[[1, 2, 3, 4]]", "input 'x': expected data nested as shape [2, 2], got [1, 4]"),
        ("FP32", [1], "7", "input 'x': expected an array nested 1 to 16 deep, got depth 0"),
        ("FP32", [1], "[" * 20 + "]" * 20, "input 'x': expected an array nested 1 to 16 deep, got depth 20"),
    ],
)
def test_values_that_do_not_fit_the_datatype_are_refused(
    datatype: str, shape: list[int], data: str, expected: str
) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        decode(datatype, shape, data)
    assert str(raised.value) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"inputs": []}', "missing input 'x' (FP32 [-1, 2])"),
        (b'{"inputs": [{"name": "x"}]}', "the body is not an infer request: Object missing required field `shape`"),
        (b'{"inputs": [{"name": "x", "shape": [-1, 2], "datatype": "FP32", "data": []}]}', "the body is not"),
    ],
)
def test_a_request_that_lacks_something_says_what(body: bytes, expected: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        InferDecoder(make_signature("FP32", (-1, 2))).decode(body)
    assert str(raised.value).startswith(expected)


def make_body(**more: object) -> bytes:
    tensor = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}
    return json.dumps({"inputs": [tensor], **more}).encode()


def test_an_input_given_twice_is_refused() -> None:
    tensor = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}
    with pytest.raises(InvalidRequestError, match="expected once, got twice"):
        InferDecoder(make_signature("FP32", None)).decode(make_body(inputs=[tensor, tensor]))


def test_wanted_outputs_keep_their_order_and_unknown_ones_are_refused() -> None:
    signature = make_signature("FP32", None)
    assert InferDecoder(signature).decode(make_body()).outputs == ("y", "z")
    wanted = make_body(outputs=[{"name": "z"}, {"name": "y"}])
    assert InferDecoder(signature).decode(wanted).outputs == ("z", "y")
    with pytest.raises(InvalidRequestError, match="unknown output 'q': the model gives 'y', 'z'"):
        InferDecoder(signature).decode(make_body(outputs=[{"name": "q"}]))


def test_unknown_fields_and_parameters_are_no_error() -> None:
    body = make_body(parameters={"priority": 1}, something={"else": []})
    assert InferDecoder(make_signature("FP32", None)).decode(body).id is None


def test_metadata_marks_open_dimensions() -> None:
    metadata = make_model_metadata("m", "1", make_signature("FP32", (-1, 2)))
    assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert metadata["outputs"][0]["shape"] == [-1]
