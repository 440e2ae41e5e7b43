"""Which requests get a line in the log, and what it says."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from serin_server.request_log import RequestLog
from serin_server.wire.request import Request
from serin_server.wire.response import Response
from unit.server.onnx_models import save_linear_model
from unit.server.server_process import ServerProcess

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def write(
    caplog: pytest.LogCaptureFixture, log: RequestLog, request: Request, response: Response | None = None
) -> dict[str, Any] | None:
    caplog.clear()
    with caplog.at_level(logging.INFO):
        log.maybe_write(request, 200, 0.0015, response)
    facts: dict[str, Any] | None = vars(caplog.records[0])["facts"] if caplog.records else None
    return facts


def make_request(body: bytes = b"[[1]]", **headers: str) -> Request:
    return Request(
        b"POST", b"/predict", {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}, body
    )


def test_a_line_tells_what_was_asked_and_answered_but_not_the_payload(caplog: pytest.LogCaptureFixture) -> None:
    request = make_request(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01", x_request_id="r-1")
    assert write(caplog, RequestLog(1, with_payloads=False), request, Response(200, b"answer")) == {
        "method": "POST",
        "path": "/predict",
        "code": 200,
        "duration_ms": 1.5,
        "request_bytes": 5,
        "response_bytes": 6,
        "trace_id": TRACE,
        "span_id": "00f067aa0ba902b7",
        "request_id": "r-1",
    }


def test_payloads_are_logged_when_asked_for_and_cut_when_long(caplog: pytest.LogCaptureFixture) -> None:
    log = RequestLog(1, with_payloads=True)
    facts = write(caplog, log, make_request(), Response(200, b"x" * 5000))
    assert facts is not None
    assert facts["request_body"] == "[[1]]"
    assert facts["response_body"] == "x" * 4096 + "… 904 more"
    facts = write(caplog, log, make_request(b"\xff\xfe"))
    assert facts is not None
    assert (facts["request_body"], facts["response_body"]) == ("<2 bytes>", "")


def test_chance_chooses_the_share_that_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    chances = iter([0.009, 0.01, 0.5])
    log = RequestLog(0.01, with_payloads=False, chance=lambda: next(chances))
    assert [write(caplog, log, make_request()) is not None for _ in range(3)] == [True, False, False]


def test_inference_is_logged_refused_or_not_and_probes_are_not(tmp_path: Path) -> None:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx"), "--log-requests", "1") as server:
        server.wait_until_ready()
        server.get("/v2/health/ready")
        server.get("/metrics")
        server.post("/predict", [[0] * 6], {"X-Request-Id": "mine"})
        server.post("/predict", [[0]])
        lines = [server.wait_for_log("request") for _ in range(2)]
    assert [(line["code"], line.get("request_id")) for line in lines] == [(200, "mine"), (400, None)]


def test_without_the_flag_no_request_is_logged(tmp_path: Path) -> None:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx")) as server:
        server.wait_until_ready().post("/predict", [[0] * 6])
        server.send_signal()
        _, log, _ = server.wait_until_exit()
    assert '"message":"request"' not in log
