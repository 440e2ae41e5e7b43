"""What may come next on a connection. See `connection`, which can be compiled because this is not part of it."""

from __future__ import annotations

import enum


class ConnectionState(enum.Enum):
    PREFACE = "preface"
    GREETED = "greeted"
    """The preface has come, the peer's settings have not."""
    OPEN = "open"
    LEAVING = "leaving"
    ENDED = "ended"
    CLOSED = "closed"

    def __init__(self, name: str) -> None:
        self.is_reading = name not in ("ended", "closed")
        self.is_new = name in ("preface", "greeted")
        self.takes_requests = name == "open"
