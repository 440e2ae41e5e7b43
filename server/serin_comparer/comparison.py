"""Whether two answers to one request say the same. Pure, and total over whatever servers may send.

What counts as the same:
- Status first. Where the baseline itself failed, or either of the two refused for lack of room, nothing can be said.
- JSON by structure, types and values: two whole numbers exactly, other numbers within the tolerance, NaN like NaN.
- V2 answers by tensor, whatever order they come in; binary tensors like those in JSON: v2_answers.py.
- Everything else byte by byte.
Left out: `id` and `model_version` of an answer, fields that a person named, and texts that are the version's own name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from serin_comparer.answers import Answer, NoAnswer
from serin_comparer.json_values import Difference, Rules, find_difference
from serin_comparer.v2_answers import MalformedTensorsError, spread_tensors

_TOO_MANY_REQUESTS: Final = 429
_IGNORED_AT_TOP: Final = ("id", "model_version")


class Result(StrEnum):
    """`NOT_COMPARABLE` says nothing about the canary; the others after AGREE are disagreements."""

    AGREE = "agree"
    STATUS = "status"
    TYPE = "type"
    VALUE = "value"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`place` is where the answers differ, such as outputs.rain.data[0]; both sides as people read them."""

    result: Result
    place: str = ""
    baseline: str = ""
    canary: str = ""


AGREES: Final = Comparison(Result.AGREE)


class _NotJson:
    pass


_NOT_JSON: Final = _NotJson()


def compare_answers(baseline: Answer | NoAnswer, canary: Answer | NoAnswer, rules: Rules) -> Comparison:
    if isinstance(baseline, NoAnswer) or baseline.status >= 500:
        return Comparison(Result.NOT_COMPARABLE, "status", _tell_status(baseline), _tell_status(canary))
    if isinstance(canary, NoAnswer):
        return Comparison(Result.STATUS, "status", _tell_status(baseline), _tell_status(canary))
    if _TOO_MANY_REQUESTS in (baseline.status, canary.status):
        return Comparison(Result.NOT_COMPARABLE, "status", _tell_status(baseline), _tell_status(canary))
    if baseline.status != canary.status:
        return Comparison(Result.STATUS, "status", _tell_status(baseline), _tell_status(canary))
    # How a refusal is worded is not what a version is asked for.
    if baseline.status >= 400 or (baseline.body == canary.body and baseline.json_bytes == canary.json_bytes):
        return AGREES
    return _compare_bodies(baseline, canary, rules)


def _compare_bodies(baseline: Answer, canary: Answer, rules: Rules) -> Comparison:
    documents = (_read(baseline), _read(canary))
    are_json = tuple(document is not _NOT_JSON for document in documents)
    if not any(are_json):
        if baseline.body == canary.body:
            return AGREES
        return Comparison(Result.VALUE, "body", _tell_bytes(baseline.body), _tell_bytes(canary.body))
    if not all(are_json):
        sides = ("JSON" if is_json else "no JSON" for is_json in are_json)
        return Comparison(Result.TYPE, "body", *sides)
    found = find_difference(_without_names(documents[0]), _without_names(documents[1]), rules)
    if found is None:
        return AGREES
    return _tell(found)


def _tell(found: Difference) -> Comparison:
    result = Result.TYPE if found.is_type else Result.VALUE
    return Comparison(result, found.place, found.baseline, found.canary)


def _read(answer: Answer) -> Any:
    """The document, tensors in their place; `_NOT_JSON` when it is none."""
    text = answer.body if answer.json_bytes is None else answer.body[: max(0, answer.json_bytes)]
    document = _parse(text)
    if document is _NOT_JSON:
        return _NOT_JSON
    raw = b"" if answer.json_bytes is None else answer.body[max(0, answer.json_bytes) :]
    try:
        return spread_tensors(document, raw)
    except MalformedTensorsError:
        # As any other JSON, unless there are bytes that it does not explain.
        return _NOT_JSON if raw else document


def _parse(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)  # Python's own servers write NaN and Infinity, which are no JSON
    except (ValueError, RecursionError):
        return _NOT_JSON


def _without_names(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    return {name: value for name, value in document.items() if name not in _IGNORED_AT_TOP}


def _tell_status(answer: Answer | NoAnswer) -> str:
    return answer.reason if isinstance(answer, NoAnswer) else str(answer.status)


def _tell_bytes(body: bytes) -> str:
    return f"{len(body)} bytes {body[:40]!r}"
