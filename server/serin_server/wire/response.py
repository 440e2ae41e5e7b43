"""One HTTP response and its bytes."""

from __future__ import annotations

import functools
from http import HTTPStatus

import orjson

JSON = b"application/json"

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Response:
    """Not a frozen dataclass: making one would cost more than sending it."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(self, status: int, body: bytes, content_type: bytes = JSON, headers: bytes = b"") -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers
        """Further header lines, each ending in CRLF."""

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.content_type.decode()} {len(self.body)} bytes>"


def make_error(status: int, message: str, headers: bytes = b"") -> Response:
    return Response(status, orjson.dumps({"error": message}), headers=headers)


def render_response(response: Response, *, keep_alive: bool, head_only: bool) -> bytes:
    head = b"%s%d\r\n%s%s\r\n" % (
        _render_start(response.status, response.content_type),
        len(response.body),
        response.headers,
        b"" if keep_alive else b"connection: close\r\n",
    )
    return head if head_only else head + response.body


@functools.lru_cache(maxsize=64)
def _render_start(status: int, content_type: bytes) -> bytes:
    return b"%scontent-type: %s\r\ncontent-length: " % (_STATUS_LINES[status], content_type)
