"""One form for every log line of the process."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from serin.adapters.log import set_up_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_lines_and_the_libraries_are_json_with_the_reconcile_they_belong_to(stream: io.StringIO) -> None:
    set_up_logging("json", "info", stream)
    with structlog.contextvars.bound_contextvars(model_deployment="ml/weather", reconcile=7):
        structlog.get_logger("serin.test").info("applied", kind="Service")
        logging.getLogger("kopf").warning("watching %s", "pods")
    ours, theirs = lines(stream)
    assert (ours["event"], ours["kind"], ours["level"], ours["logger"]) == ("applied", "Service", "info", "serin.test")
    assert theirs["event"] == "watching pods"
    assert ours["reconcile"] == theirs["reconcile"] == 7


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    set_up_logging("json", "warning", stream)
    structlog.get_logger("serin.test").info("quiet")
    logging.getLogger("kopf.objects").info("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_tells_the_error_and_no_local_variable(stream: io.StringIO, log_format: Any) -> None:
    set_up_logging(log_format, "info", stream)
    password = "".join(("hun", "ter2"))
    try:
        raise ValueError("wrong answer")
    except ValueError:
        structlog.get_logger("serin.test").exception("failed", size=len(password))
    assert "wrong answer" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_a_stream_that_is_no_terminal_gets_json(stream: io.StringIO) -> None:
    set_up_logging("auto", "info", stream)
    structlog.get_logger("serin.test").info("hello")
    assert lines(stream)[0]["event"] == "hello"
