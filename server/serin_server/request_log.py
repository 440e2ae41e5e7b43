"""A line in the log for a share of the inference requests.

Chosen by chance and not by what they are, so that counts in the log times the share are counts of requests. Without
`--log-requests` there is no such log and nothing is asked per request.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any, Final

from serin_server.wire.request import Request
from serin_server.wire.response import Response

_LOG = logging.getLogger(__name__)

_MAX_PAYLOAD_CHARACTERS: Final = 4096
_MAX_ID_CHARACTERS: Final = 128


class RequestLog:
    def __init__(self, share: float, *, with_payloads: bool, chance: Callable[[], float] = random.random) -> None:
        self._share = share
        self._with_payloads = with_payloads
        self._chance = chance

    def maybe_write(self, request: Request, status: int, seconds: float, response: Response | None) -> None:
        """`response`: None for a client that went away before it had one."""
        if self._chance() >= self._share:
            return
        facts: dict[str, Any] = {
            "method": request.method.decode("latin-1"),
            "path": request.path.decode("utf-8", "replace"),
            "code": status,
            "duration_ms": round(seconds * 1000, 3),
            "request_bytes": len(request.body),
            "response_bytes": 0 if response is None else len(response.body),
            **_make_correlation(request),
        }
        if self._with_payloads:
            facts["request_body"] = _show(request.body)
            facts["response_body"] = "" if response is None else _show(response.body)
        _LOG.info("request", extra={"facts": facts})


def _make_correlation(request: Request) -> dict[str, str]:
    """What ties the line to others: the trace of W3C's traceparent, and the id that a proxy or the client gave."""
    found: dict[str, str] = {}
    # version-trace-parent-flags
    parts = request.headers.get(b"traceparent", b"").split(b"-")
    if len(parts) >= 4:
        found["trace_id"] = _shorten(parts[1])
        found["span_id"] = _shorten(parts[2])
    request_id = request.headers.get(b"x-request-id")
    if request_id is not None:
        found["request_id"] = _shorten(request_id)
    return found


def _shorten(text: bytes) -> str:
    return text[:_MAX_ID_CHARACTERS].decode("latin-1")


def _show(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"<{len(body)} bytes>"
    rest = len(text) - _MAX_PAYLOAD_CHARACTERS
    return text if rest <= 0 else f"{text[:_MAX_PAYLOAD_CHARACTERS]}… {rest} more"
