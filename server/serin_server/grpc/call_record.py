"""What is counted and logged of a call when it is over."""

from __future__ import annotations

from time import perf_counter

from serin_server.grpc.method import CallHead
from serin_server.grpc.status import Status
from serin_server.request_log import RequestLog
from serin_server.telemetry import Telemetry
from serin_server.wire.request import Request
from serin_server.wire.response import Response


class CallRecord:
    def __init__(self, telemetry: Telemetry, request_log: RequestLog | None = None) -> None:
        self._telemetry = telemetry
        self._request_log = request_log

    def write(
        self, head: CallHead, status: Status, received_at: float, request: bytes = b"", answer: bytes | None = None
    ) -> None:
        """`received_at`: on the clock of perf_counter, when the request was there as a whole."""
        seconds = perf_counter() - received_at
        self._telemetry.record_request("infer", status.value, seconds, protocol="grpc")
        if self._request_log is not None:
            logged = Request(b"POST", head.headers[b":path"], head.headers, request)
            response = None if answer is None else Response(status.value, answer)
            self._request_log.maybe_write(logged, status.value, seconds, response)
