"""`/score` takes CSV; `/docs` and `/openapi.json` describe this model."""

from __future__ import annotations

from typing import Any

import pytest
from serin_server.csv_rows import decode_csv
from serin_server.docs_page import make_example, render_docs_page
from serin_server.oip.datatypes import DATATYPES
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.signature import Signature, TensorSpec
from serin_server.openapi import make_openapi
from unit.server.server_process import ServerProcess

CSV = {"Content-Type": "text/csv; charset=utf-8"}


def make_signature(**inputs: tuple[str, tuple[int, ...]]) -> Signature:
    return Signature(tuple(TensorSpec(name, DATATYPES[kind], shape) for name, (kind, shape) in inputs.items()), ())


TABLE = make_signature(x=("FP32", (-1, 2)))
NAMED = make_signature(a=("FP32", (-1, 1)), b=("BYTES", (-1,)), c=("INT64", (-1,)), d=("BOOL", (-1,)))


@pytest.mark.parametrize("first", [b"", b"one,two\n", b"\xef\xbb\xbfone,two\r\n"])
def test_a_table_is_taken_as_it_stands_with_or_without_names(first: bytes) -> None:
    assert decode_csv(first + b"1,2\r\n\r\n3.5,4e1\n", TABLE)["x"].tolist() == [[1, 2], [3.5, 40]]


def test_named_columns_may_stand_in_any_order_and_cells_may_be_empty() -> None:
    feeds = decode_csv(b'd,b,a,c\ntrue,"x, ""y""",1.5,7\n0,,,8\n', NAMED)
    assert feeds["a"][0].tolist() == [1.5]
    assert feeds["a"][1] != feeds["a"][1]
    assert (feeds["b"].tolist(), feeds["c"].tolist(), feeds["d"].tolist()) == (['x, "y"', ""], [7, 8], [True, False])


@pytest.mark.parametrize(
    ("body", "signature", "expected"),
    [
        (b"", TABLE, "expected at least one row, got none"),
        (b"1,2\n3,x\n", TABLE, "line 2: expected FP32, got 'x'"),
        (b"1,2\n3\n", TABLE, "input 'x': expected 2 features in row 1, got 1"),
        (b"a,b\n1,2\n", NAMED, "line 1: expected the names of 'a' (FP32 [-1, 1])"),
        (b"a,b,c,d\n1,u,7\n", NAMED, "line 2: expected 4 values, got 3"),
        (b"a,b,c,d\n1,u,,1\n", NAMED, "line 2, 'c': expected INT64, got ''"),
        (b"1,2\n1,inf\n", TABLE, "line 2: expected FP32, got 'inf'"),
        (b"1,2\n1,1_0\n", TABLE, "line 2: expected FP32, got '1_0'"),
        (b"a,b,c,d\n1,u,99999999999999999999,1\n", NAMED, "line 2, 'c': expected INT64, got '999"),
        (b"a,b,c,d\n1,u,1,maybe\n", NAMED, "line 2, 'd': expected BOOL, got 'maybe'"),
        (b'"unclosed', TABLE, "expected CSV in UTF-8"),
        (b"\xff,1", TABLE, "expected CSV in UTF-8"),
    ],
)
def test_csv_that_does_not_fit_says_where(body: bytes, signature: Signature, expected: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        decode_csv(body, signature)
    assert str(raised.value).startswith(expected)


def test_score_answers_csv_and_json_alike_and_counts_them_as_predict(linear_server: ServerProcess) -> None:
    before = linear_server.count_requests("predict", 200)
    csv = linear_server.post("/score", b"a,b,c,d,e,f\n1,2,3,4,5,6\n", CSV)
    assert (csv.status, csv.json["predictions"]) == (200, [[21.0, 21.0]])
    assert linear_server.post("/score", [[1, 2, 3, 4, 5, 6]]).json == csv.json
    assert before is not None
    assert linear_server.count_requests("predict", 200) == before + 2


def test_predict_takes_no_csv(linear_server: ServerProcess) -> None:
    assert linear_server.post("/predict", b"1,2,3,4,5,6\n", CSV).status == 415


def test_the_example_of_the_page_is_a_request_that_the_server_answers(named_features_server: ServerProcess) -> None:
    openapi = named_features_server.get("/openapi.json").json
    assert openapi["openapi"] == "3.1.0"
    example = make_example(read_rows_schema(openapi))
    assert example == [{"temperature": 0, "pressure": 0, "city": ""}]
    assert named_features_server.post("/predict", example).status == 200


def read_rows_schema(openapi: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = openapi["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    return schema


def test_open_and_fixed_dimensions_are_told_apart() -> None:
    rows = read_rows_schema(make_openapi("m", "1", make_signature(x=("UINT8", (-1, 2, -1)))))
    assert rows["items"]["minItems"] == rows["items"]["maxItems"] == 2
    assert "minItems" not in rows["items"]["items"]
    assert make_example(rows) == [[[0], [0]]]


def test_the_page_loads_nothing_from_elsewhere(linear_server: ServerProcess) -> None:
    answer = linear_server.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"POST /predict" in answer.body
    assert b"//" not in answer.body


def test_names_cannot_become_part_of_the_page() -> None:
    page = render_docs_page(make_openapi("<script>", "1", make_signature(**{"<b>": ("FP32", (-1, 1))})), "<i>")
    assert not any(word in page for word in (b"<script></", b"<b>", b"<i>", b"<h1><script>"))
