"""Golden requests: what is expected of every version's answers, and where an answer is not as expected."""

import json
from typing import Any

import pytest
from serin.core.contract.golden_requests import (
    Answer,
    GoldenRequest,
    InvalidGoldenError,
    find_breach,
    read_golden_requests,
)


def a_golden(**case: Any) -> GoldenRequest:
    return read_golden_requests({"golden.json": json.dumps({"cases": [{"path": "/predict", **case}]})})[0]


def breach_of(body: Any, **case: Any) -> str | None:
    return find_breach(a_golden(request=[[1.0]], **case), Answer(200, body))


def test_an_answer_with_what_is_expected_is_good_whatever_else_it_says() -> None:
    assert breach_of({"predictions": [0], "version": "2"}, answer={"predictions": [0]}) is None


@pytest.mark.parametrize(
    ("expected", "got", "breach"),
    [
        (False, "false", '/predict: rain: expected boolean false, got string "false"'),
        (1, "1", '/predict: rain: expected number 1, got string "1"'),
        (1, True, "/predict: rain: expected number 1, got boolean true"),
        (0, None, "/predict: rain: expected number 0, got null"),
        (0, 1, "/predict: rain: expected number 0, got number 1"),
        ([0, 1], [0], "/predict: rain: expected 2 entries, got 1"),
        ([0, 1], [0, "1"], '/predict: rain[1]: expected number 1, got string "1"'),
        ({"a": 1}, {}, "/predict: rain.a: expected number 1, got nothing"),
        ({"a": 1}, [1], '/predict: rain: expected object {"a": 1}, got list [1]'),
    ],
)
def test_the_place_the_expectation_and_what_came_are_named(expected: Any, got: Any, breach: str) -> None:
    assert breach_of({"rain": got}, answer={"rain": expected}) == breach


def test_whole_and_other_numbers_are_one_type() -> None:
    assert breach_of({"rain": 1.0}, answer={"rain": 1}) is None


def test_numbers_may_differ_by_the_tolerance() -> None:
    assert breach_of({"p": 0.8701}, answer={"p": 0.87}, tolerance=1e-3) is None
    assert (
        breach_of({"p": 0.88}, answer={"p": 0.87}, tolerance=1e-3)
        == "/predict: p: expected number 0.87, got number 0.88"
    )


def test_an_expected_null_is_an_expectation() -> None:
    assert breach_of(None, answer=None) is None
    assert breach_of(0, answer=None) == "/predict: the answer: expected null, got number 0"


def test_the_status_comes_first() -> None:
    golden = a_golden(request=[], status=400, answer={"error": "x"})
    assert find_breach(golden, Answer(200, {})) == "/predict: expected status 400, got 200"


def test_an_answer_that_is_no_json_is_a_breach_where_its_content_matters() -> None:
    page = Answer(200, None, is_json=False)
    assert find_breach(a_golden(request=[], answer={}), page) == "/predict: expected JSON, got something else"
    assert find_breach(a_golden(request=[]), page) is None


def test_a_schema_can_stand_for_an_answer() -> None:
    schema = {
        "type": "object",
        "properties": {"predictions": {"items": {"type": "integer"}}},
        "required": ["predictions"],
    }
    assert breach_of({"predictions": [0]}, schema=schema) is None
    assert breach_of({"predictions": ["0"]}, schema=schema) == "/predict: predictions[0]: '0' is not of type 'integer'"


def test_without_a_request_it_is_a_get() -> None:
    assert a_golden().method == "GET"
    assert a_golden(request=[]).method == "POST"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no", "golden.json: expected JSON"),
        ("[]", 'golden.json: expected an object with a list "cases"'),
        ('{"cases": []}', "expected at least one golden request, got none"),
        ('{"cases": [1]}', r"cases\[0\]: expected an object, got number"),
        ('{"cases": [{"path": "predict"}]}', r"cases\[0\].path: expected a path such as /predict, got 'predict'"),
        ('{"cases": [{"path": "/", "anwser": 1}]}', r"cases\[0\]: unknown field anwser, expected path"),
        ('{"cases": [{"path": "/", "status": "200"}]}', r"cases\[0\].status: expected an HTTP status, got '200'"),
        ('{"cases": [{"path": "/", "tolerance": -1}]}', r"cases\[0\].tolerance: expected a number of at least 0"),
        ('{"cases": [{"path": "/", "schema": {"type": "no"}}]}', r"cases\[0\].schema: expected a JSON schema"),
        ('{"cases": [{"path": "/", "schema": {"$ref": "https://a/b"}}]}', r"schema: https://a/b leads nowhere"),
        ('{"cases": [{"path": "/"}' + ', {"path": "/"}' * 200 + "]}", "expected at most 200 golden requests, got 201"),
    ],
)
def test_golden_requests_that_cannot_be_used_are_refused_by_their_field(text: str, message: str) -> None:
    with pytest.raises(InvalidGoldenError, match=message):
        read_golden_requests({"golden.json": text})
