"""Log lines for machines and for people."""

from __future__ import annotations

import json
import logging
import sys

from serin_server.log_lines import JsonLines, PlainLines


def make_record(**more: object) -> logging.LogRecord:
    record = logging.LogRecord("serin_server", logging.WARNING, "f.py", 1, "download failed", None, None)
    record.created = 0.0
    record.__dict__.update(more)
    return record


def test_json_lines_carry_the_facts_beside_the_message() -> None:
    line = json.loads(JsonLines().format(make_record(facts={"attempt": 2, "path": sys})))
    assert line["time"] == "1970-01-01T00:00:00.000+00:00"
    assert (line["level"], line["message"], line["attempt"]) == ("warning", "download failed", 2)


def test_plain_lines_are_for_reading() -> None:
    line = PlainLines().format(make_record(facts={"attempt": 2}))
    assert line == "1970-01-01T00:00:00.000+00:00 warning download failed attempt=2"


def test_both_show_the_stack_of_an_error() -> None:
    error = ValueError("why")
    record = make_record(exc_info=(ValueError, error, None))
    assert "ValueError: why" in PlainLines().format(record)
    assert "ValueError: why" in json.loads(JsonLines().format(record))["stack"]
