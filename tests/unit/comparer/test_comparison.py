"""When two answers to one request are the same, and what is told when they are not."""

import json
import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from serin_comparer.answers import Answer, NoAnswer
from serin_comparer.comparison import AGREES, Comparison, Result, compare_answers
from serin_comparer.json_values import Rules

RULES = Rules(tolerance=1e-3)


def answer(document: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(document).encode())


def v2(*outputs: dict[str, Any], raw: bytes = b"", **fields: Any) -> Answer:
    text = json.dumps({"model_name": "weather", "outputs": outputs, **fields}).encode()
    return Answer(200, text + raw, len(text) if raw else None)


def tensor(name: str, datatype: str, data: list[Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data, **more}


def binary(name: str, datatype: str, raw: bytes, *shape: int) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(raw)}}


def compare(baseline: Any, canary: Any, rules: Rules = RULES) -> Comparison:
    return compare_answers(answer(baseline), answer(canary), rules)


def test_the_word_false_is_not_false() -> None:
    found = compare({"predictions": [{"rain": False}]}, {"predictions": [{"rain": "false"}]})

    assert found == Comparison(Result.TYPE, "predictions[0].rain", "boolean False", "text 'false'")


@pytest.mark.parametrize(
    ("baseline", "canary"),
    [
        (1, True),
        (None, 0),
        ("1", 1),
        ([1], {"0": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": None}, {}),
    ],
)
def test_another_type_or_another_field_is_a_difference_of_types(baseline: Any, canary: Any) -> None:
    assert compare(baseline, canary).result is Result.TYPE
    assert compare(canary, baseline).result is Result.TYPE


@pytest.mark.parametrize(
    ("baseline", "canary"),
    [
        (0.5, 0.5009),
        (1, 1.0),
        (1000.0, 1000.9),
        (0.0, -0.0009),
        (math.nan, math.nan),
        ([1.0, math.nan, math.inf], [1.0001, math.nan, math.inf]),
        ({"a": 1, "b": [2.0]}, {"b": [2.001], "a": 1}),
    ],
)
def test_numbers_agree_within_the_tolerance(baseline: Any, canary: Any) -> None:
    assert compare(baseline, canary) == AGREES


@pytest.mark.parametrize(
    ("baseline", "canary"),
    [
        (0.5, 0.503),
        (100000, 100001),
        (1.0, math.nan),
        (1.0, math.inf),
        ([0.1, 0.2], [0.2, 0.1]),
        ([1.0, 2.0], [1.0]),
        ([math.inf], [-math.inf]),
        (10**400, 1.5),
        ("yes", "no"),
        (True, False),
    ],
)
def test_other_values_are_a_difference_of_values(baseline: Any, canary: Any) -> None:
    assert compare(baseline, canary).result is Result.VALUE
    assert compare(canary, baseline).result is Result.VALUE


def test_a_difference_of_types_goes_before_one_of_values() -> None:
    assert compare({"a": 1, "z": "x"}, {"a": 2, "z": 1}).place == "z"
    assert compare({"a": "x", "z": 1}, {"a": 1, "z": 2}).place == "a"


def test_the_first_of_many_differences_is_told() -> None:
    assert compare({"a": [["x", "y"], ["z"]]}, {"a": [["x", "1"], ["2"]]}).place == "a[0][1]"


def test_the_names_of_request_and_version_are_left_out() -> None:
    rules = Rules(versions=("2", "3"))

    assert compare({"id": "a", "model_version": "2", "y": 1}, {"id": "b", "model_version": "3", "y": 1}) == AGREES
    assert compare({"served": {"by": "2"}}, {"served": {"by": "3"}}, rules) == AGREES
    assert compare({"served": {"by": "3"}}, {"served": {"by": "2"}}, rules).result is Result.VALUE
    assert compare({"points": [{"id": "a"}]}, {"points": [{"id": "b"}]}).result is Result.VALUE


def test_fields_that_a_person_named_are_left_out_wherever_they_are() -> None:
    rules = Rules(ignored=frozenset({"took_ms"}))

    assert compare({"y": 1, "took_ms": 3}, {"y": 1}, rules) == AGREES
    assert compare([{"took_ms": 3}], [{"took_ms": 9}], rules) == AGREES


class TestTensors:
    def test_outputs_may_come_in_any_order_and_nesting(self) -> None:
        one = v2(tensor("a", "FP32", [1.0, 2.0]), tensor("b", "INT64", [7]))
        other = v2(tensor("b", "INT64", [7]), {**tensor("a", "FP32", [1, 2]), "data": [[1], [2.0001]]})

        assert compare_answers(one, other, RULES) == AGREES

    def test_the_place_of_a_difference_is_named(self) -> None:
        found = compare_answers(v2(tensor("a", "FP32", [1.0, 2.0])), v2(tensor("a", "FP32", [1.0, 3.0])), RULES)

        assert found == Comparison(Result.VALUE, "outputs.a.data[1]", "number 2.0", "number 3.0")

    def test_an_output_that_is_missing_or_of_another_type_is_a_difference_of_types(self) -> None:
        one = v2(tensor("a", "FP32", [1.0]))

        assert compare_answers(one, v2(tensor("b", "FP32", [1.0])), RULES).result is Result.TYPE
        assert compare_answers(one, v2(tensor("a", "BYTES", ["1.0"])), RULES).result is Result.TYPE

    @pytest.mark.parametrize(
        ("datatype", "dtype"), [("FP16", np.float16), ("FP32", np.float32), ("FP64", np.float64), ("INT64", np.int64)]
    )
    def test_a_binary_tensor_is_compared_by_its_values(self, datatype: str, dtype: type[np.generic]) -> None:
        def make(*values: float) -> Answer:
            raw = np.array(values).astype(dtype).tobytes()
            return v2(binary("a", datatype, raw, 3), raw=raw)

        assert compare_answers(make(1, 2, 3), make(1, 2, 3.001 if datatype != "INT64" else 3), RULES) == AGREES
        assert compare_answers(make(1, 2, 3), make(1, 2, 4), RULES).place == "outputs.a.data[2]"

    def test_a_binary_tensor_agrees_with_the_same_one_in_json(self) -> None:
        raw = struct.pack("<I", 3) + b"yes" + struct.pack("<I", 0)

        one, other = v2(binary("a", "BYTES", raw, 2), raw=raw), v2(tensor("a", "BYTES", ["yes", ""]))

        assert compare_answers(one, other, RULES) == AGREES

    def test_half_a_float_is_read_as_one(self) -> None:
        def make(value: float) -> Answer:
            raw = np.array([value], np.float32).tobytes()[2:]
            return v2(binary("a", "BF16", raw, 1), raw=raw)

        assert compare_answers(make(1.0), make(1.0), RULES) == AGREES
        assert compare_answers(make(1.0), make(2.0), RULES).result is Result.VALUE

    @pytest.mark.parametrize("size", [-1, 3, 5, 400, "4", None, 1.5, True])
    def test_sizes_that_do_not_fit_never_pass_for_agreement(self, size: Any) -> None:
        raw = np.array([1.0], np.float32).tobytes()
        good = v2(binary("a", "FP32", raw, 1), raw=raw)
        bad = v2({**binary("a", "FP32", raw, 1), "parameters": {"binary_data_size": size}}, raw=raw)

        assert compare_answers(good, bad, RULES).result is Result.TYPE

    def test_bytes_that_no_document_explains_are_compared_as_bytes(self) -> None:
        def make(raw: bytes) -> Answer:
            return Answer(200, b"{}" + raw, 2)

        assert compare_answers(make(b"one"), make(b"two"), RULES).result is Result.VALUE


class TestStatus:
    def test_another_status_is_a_disagreement(self) -> None:
        assert compare_answers(answer(1), answer(1, 400), RULES) == Comparison(Result.STATUS, "status", "200", "400")
        assert compare_answers(answer(1), answer(1, 500), RULES).result is Result.STATUS

    def test_no_answer_of_the_canary_alone_is_a_disagreement(self) -> None:
        assert compare_answers(answer(1), NoAnswer("no answer within 10 s"), RULES).result is Result.STATUS

    def test_nothing_is_said_where_the_baseline_failed_or_one_of_them_had_no_room(self) -> None:
        pairs: list[tuple[Answer | NoAnswer, Answer | NoAnswer]] = [
            (answer(1, 500), answer(1)),
            (answer(1, 503), answer(1, 503)),
            (NoAnswer("no pod"), answer(1)),
            (NoAnswer("no pod"), NoAnswer("no pod")),
            (answer(1), answer(1, 429)),
            (answer(1, 429), answer(1)),
        ]
        for baseline, canary in pairs:
            assert compare_answers(baseline, canary, RULES).result is Result.NOT_COMPARABLE

    def test_two_refusals_agree_however_they_are_worded(self) -> None:
        assert compare_answers(answer("bad", 400), answer("wrong", 400), RULES) == AGREES


class TestOtherBodies:
    def test_what_is_no_json_is_compared_byte_by_byte(self) -> None:
        assert compare_answers(Answer(200, b"\xff\x00"), Answer(200, b"\xff\x00"), RULES) == AGREES
        assert compare_answers(Answer(200, b"\xff\x00"), Answer(200, b"\xff\x01"), RULES).result is Result.VALUE

    def test_json_and_no_json_are_of_different_types(self) -> None:
        assert compare_answers(answer([1]), Answer(200, b"<html>"), RULES).result is Result.TYPE

    def test_a_document_of_any_depth_is_compared(self) -> None:
        for depth in (900, 5_000, 200_000):
            one, other = (Answer(200, b"[" * depth + middle + b"]" * depth) for middle in (b"1", b"2"))
            assert compare_answers(one, one, RULES) == AGREES
            assert compare_answers(one, other, RULES).result is Result.VALUE

    def test_a_number_of_any_length_is_compared(self) -> None:
        one, other = (Answer(200, b"[" + b"9" * 4000 + end + b"]") for end in (b"1", b"2"))
        assert compare_answers(one, other, RULES).result is Result.VALUE
        long = Answer(200, b"[" + b"9" * 10_000 + b"1]")
        assert compare_answers(one, long, RULES).result is not Result.AGREE


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers()
documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
tensors = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b"]) | documents,
        "datatype": st.sampled_from(["FP32", "BF16", "BOOL", "BYTES", "INT8"]) | documents,
        "shape": st.lists(st.integers(-1, 2**70), max_size=2) | documents,
        "data": documents,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": st.integers(-1, 9) | documents})
        | documents,
    },
)
hostile_bodies = (
    st.binary(max_size=30)
    | documents.map(lambda document: json.dumps(document).encode())
    | st.lists(tensors | documents, max_size=3).map(lambda outputs: json.dumps({"outputs": outputs}).encode())
)
hostile_answers = st.builds(
    lambda status, body, raw, json_bytes: Answer(status, body + raw, json_bytes if json_bytes is None else len(body)),
    st.sampled_from([200, 204, 400, 429, 500]),
    hostile_bodies,
    st.binary(max_size=9),
    st.none() | st.just(0),
) | st.builds(Answer, st.just(200), st.binary(max_size=30), st.integers(0, 10**19))


@given(hostile_answers, hostile_answers)
def test_whatever_servers_send_there_is_an_answer_and_it_has_no_favourite(one: Answer, other: Answer) -> None:
    forth, back = compare_answers(one, other, RULES), compare_answers(other, one, RULES)

    if one.status == other.status:
        assert forth.result == back.result
    assert max(map(len, (forth.place, forth.baseline, forth.canary))) <= 200


@given(hostile_answers)
def test_an_answer_agrees_with_itself_unless_it_says_nothing(one: Answer) -> None:
    expected = Result.NOT_COMPARABLE if one.status in (429, 500) else Result.AGREE
    assert compare_answers(one, one, RULES).result is expected


@given(documents)
def test_how_a_document_is_spelled_does_not_matter(document: Any) -> None:
    loose, tight = (json.dumps(document, indent=i, sort_keys=bool(i)).encode() for i in (2, None))
    assert compare_answers(Answer(200, loose), Answer(200, tight), RULES) == AGREES
