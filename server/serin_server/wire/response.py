"""One HTTP response and its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import orjson

JSON = b"application/json"

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    content_type: bytes = JSON
    headers: bytes = b""
    """Further header lines, each ending in CRLF."""


def make_error(status: int, message: str, headers: bytes = b"") -> Response:
    return Response(status, orjson.dumps({"error": message}), headers=headers)


def render_response(response: Response, *, keep_alive: bool, head_only: bool) -> bytes:
    head = b"%scontent-type: %s\r\ncontent-length: %d\r\n%s%s\r\n" % (
        _STATUS_LINES[response.status],
        response.content_type,
        len(response.body),
        response.headers,
        b"" if keep_alive else b"connection: close\r\n",
    )
    return head if head_only else head + response.body
