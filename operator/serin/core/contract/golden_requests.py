"""Requests with what every good version answers to them, sent to a canary before any user is.

A golden request names what matters: its `answer` may leave fields out. What is there must be there with the same JSON
type: `"false"` for `false`, `"1"` for `1` break a caller without any error to count. Numbers may differ by the
tolerance; the order and length of lists matter.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

MOST_REQUESTS: Final = 200
"""A preflight is a check of the form, in seconds; it is no test of accuracy."""

_JSON_TYPES: Final = {bool: "boolean", int: "number", float: "number", str: "string", list: "list", dict: "object"}


class InvalidGoldenError(ValueError):
    """Golden requests that cannot be used; tells which and what was expected."""


@dataclass(frozen=True, slots=True)
class GoldenRequest:
    """`body` None: a GET. `answer` None: its content is not looked at. `tolerance` is absolute and relative alike."""

    path: str
    body: Any = None
    status: int = 200
    answer: Any = None
    has_answer: bool = False
    schema: Mapping[str, Any] | None = None
    tolerance: float = 0.0

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `body` is decoded JSON, or None with `is_json` false."""

    status: int
    body: Any = None
    is_json: bool = True


def read_golden_requests(texts: Mapping[str, str]) -> tuple[GoldenRequest, ...]:
    """From the data of a ConfigMap: each key holds JSON, `{"cases": [...]}`. Raises InvalidGoldenError."""
    found: list[GoldenRequest] = []
    for key, text in sorted(texts.items()):
        try:
            document = json.loads(text)
        except ValueError as error:
            raise InvalidGoldenError(f"{key}: expected JSON, {error}") from error
        cases = document.get("cases") if isinstance(document, Mapping) else None
        if not isinstance(cases, list):
            raise InvalidGoldenError(f'{key}: expected an object with a list "cases"')
        found += [_read_case(case, f"{key}: cases[{index}]") for index, case in enumerate(cases)]
    if not found:
        raise InvalidGoldenError("expected at least one golden request, got none")
    if len(found) > MOST_REQUESTS:
        raise InvalidGoldenError(f"expected at most {MOST_REQUESTS} golden requests, got {len(found)}")
    return tuple(found)


def find_breach(golden: GoldenRequest, answer: Answer) -> str | None:
    """The first place where the answer is not as expected; None: it is good."""
    if answer.status != golden.status:
        return f"{golden.path}: expected status {golden.status}, got {answer.status}"
    if not golden.has_answer and golden.schema is None:
        return None
    if not answer.is_json:
        return f"{golden.path}: expected JSON, got something else"
    if golden.schema is not None:
        error = next(iter(_validator(golden.schema).iter_errors(answer.body)), None)
        if error is not None:
            return f"{golden.path}: {_place(error.absolute_path)}: {_short(error.message)}"
    if golden.has_answer:
        difference = _find_difference(golden.answer, answer.body, golden.tolerance, ())
        if difference:
            return f"{golden.path}: {difference}"
    return None


def _read_case(case: Any, place: str) -> GoldenRequest:
    if not isinstance(case, Mapping):
        raise InvalidGoldenError(f"{place}: expected an object, got {_type_of(case)}")
    unknown = set(case) - {"path", "request", "status", "answer", "schema", "tolerance"}
    if unknown:
        raise InvalidGoldenError(
            f"{place}: unknown field {min(unknown)}, expected path, request, status, answer, schema or tolerance"
        )
    path, status, tolerance = case.get("path"), case.get("status", 200), case.get("tolerance", 0)
    if not isinstance(path, str) or not path.startswith("/"):
        raise InvalidGoldenError(f"{place}.path: expected a path such as /predict, got {path!r}")
    if type(status) is not int or not 100 <= status <= 599:
        raise InvalidGoldenError(f"{place}.status: expected an HTTP status, got {status!r}")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < math.inf:
        raise InvalidGoldenError(f"{place}.tolerance: expected a number of at least 0, got {tolerance!r}")
    return GoldenRequest(
        path=path,
        body=case.get("request"),
        status=status,
        answer=case.get("answer"),
        has_answer="answer" in case,
        schema=_read_schema(case, f"{place}.schema"),
        tolerance=float(tolerance),
    )


def _read_schema(case: Mapping[str, Any], place: str) -> Mapping[str, Any] | None:
    schema = case.get("schema")
    if schema is None:
        return None
    if not isinstance(schema, Mapping):
        raise InvalidGoldenError(f"{place}: expected a JSON schema, got {_type_of(schema)}")
    try:
        Draft202012Validator.check_schema(schema)
        # A reference that leads nowhere shows only when it is followed.
        next(iter(_validator(schema).iter_errors(None)), None)
    except SchemaError as error:
        raise InvalidGoldenError(f"{place}: expected a JSON schema, {_short(error.message)}") from error
    except Unresolvable as error:
        raise InvalidGoldenError(
            f"{place}: {error.ref} leads nowhere: only references within it are followed"
        ) from error
    return schema


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """An empty registry: no reference is fetched from anywhere."""
    return Draft202012Validator(schema, registry=Registry())


def _find_difference(expected: Any, got: Any, tolerance: float, path: tuple[str | int, ...]) -> str | None:
    if _type_of(expected) != _type_of(got):
        return f"{_place(path)}: expected {_show(expected)}, got {_show(got)}"
    if isinstance(expected, Mapping):
        for name, value in expected.items():
            if name not in got:
                return f"{_place((*path, name))}: expected {_show(value)}, got nothing"
            difference = _find_difference(value, got[name], tolerance, (*path, name))
            if difference:
                return difference
        return None
    if isinstance(expected, list):
        if len(expected) != len(got):
            return f"{_place(path)}: expected {len(expected)} entries, got {len(got)}"
        differences = (
            _find_difference(ours, theirs, tolerance, (*path, index))
            for index, (ours, theirs) in enumerate(zip(expected, got, strict=True))
        )
        return next(filter(None, differences), None)
    if _is_same(expected, got, tolerance):
        return None
    return f"{_place(path)}: expected {_show(expected)}, got {_show(got)}"


def _is_same(expected: Any, got: Any, tolerance: float) -> bool:
    if tolerance and _type_of(expected) == "number":
        return math.isclose(expected, got, rel_tol=tolerance, abs_tol=tolerance)
    return bool(expected == got)


def _type_of(value: Any) -> str:
    """As JSON names it: whole and other numbers are one type, booleans are none of them."""
    return _JSON_TYPES.get(type(value), "null")


def _place(path: Sequence[str | int]) -> str:
    """`predictions[0]`"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the answer"


def _show(value: Any) -> str:
    return f"{_type_of(value)} {_short(json.dumps(value))}" if value is not None else "null"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
