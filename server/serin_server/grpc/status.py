"""How a call ends."""

from __future__ import annotations

import enum


class Status(enum.Enum):
    """Names are those of gRPC; the value is the HTTP code that the same end is counted as.

    So one query over `serin_requests_total` holds for both protocols.
    """

    OK = 200
    INVALID_ARGUMENT = 400
    UNAUTHENTICATED = 401
    NOT_FOUND = 404
    TOO_LARGE = 413
    RESOURCE_EXHAUSTED = 429
    CANCELLED = 499
    INTERNAL = 500
    UNIMPLEMENTED = 501
    UNAVAILABLE = 503
    DEADLINE_EXCEEDED = 504

    @property
    def code(self) -> int:
        """Of gRPC."""
        return _CODES[self]


_CODES = {
    Status.OK: 0,
    Status.CANCELLED: 1,
    Status.INVALID_ARGUMENT: 3,
    Status.DEADLINE_EXCEEDED: 4,
    Status.NOT_FOUND: 5,
    Status.RESOURCE_EXHAUSTED: 8,
    Status.TOO_LARGE: 8,  # gRPC has one word for both.
    Status.UNIMPLEMENTED: 12,
    Status.INTERNAL: 13,
    Status.UNAVAILABLE: 14,
    Status.UNAUTHENTICATED: 16,
}


class CallError(Exception):
    """A call that does not end well, raised where that is found; the text goes to the client."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
