"""Heads of requests that were parsed before, byte for byte.

Clients that keep their connections send the same head again and again, and parsing one costs more than anything else
the wire does. Known are only heads that leave no question open: the message is the head, `content-length` bytes, and
the connection stays. So the rest of the rules is asked once per head, by the parser, and not here.
"""

from __future__ import annotations

from typing import Final

from serin_server.wire.request import Request

_END: Final = b"\r\n\r\n"
_MAX_HEADS: Final = 256
_MAX_HEAD_BYTES: Final = 1024
_OPEN_QUESTIONS: Final = (b"transfer-encoding", b"expect", b"upgrade", b"connection")


class KnownHeads:
    def __init__(self) -> None:
        self._heads: dict[bytes, tuple[Request, int]] = {}

    def find(self, data: bytes) -> Request | None:
        """The request, if the data are one whole request under a known head."""
        size = data.find(_END) + 4
        known = self._heads.get(data[:size])
        if known is None or len(data) - size != known[1]:
            return None
        model = known[0]
        return Request(model.method, model.path, model.headers, data[size:])

    def remember(self, data: bytes, request: Request) -> None:
        """The parser made the request of the data and then stood between two messages, on an open connection."""
        size = data.find(_END) + 4
        if size > _MAX_HEAD_BYTES or len(data) - size != len(request.body):
            return
        if any(name in request.headers for name in _OPEN_QUESTIONS):
            return
        if len(self._heads) >= _MAX_HEADS:
            self._heads.clear()  # Heads with an id in each: nothing here is worth keeping.
        head = Request(request.method, request.path, request.headers)
        self._heads[data[:size]] = (head, len(request.body))
