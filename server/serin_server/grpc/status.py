"""How a call ends."""

from __future__ import annotations

import enum


class Status(enum.Enum):
    """Names are those of gRPC; the value is the HTTP code that the same end is counted as.

    So one query over `serin_requests_total` holds for both protocols.
    """

    OK = 200
    INVALID_ARGUMENT = 400
    NOT_FOUND = 404
    RESOURCE_EXHAUSTED = 429
    CANCELLED = 499
    INTERNAL = 500
    UNAVAILABLE = 503
    DEADLINE_EXCEEDED = 504


class CallError(Exception):
    """A call that does not end well, raised where that is found; the text goes to the client."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
