"""How far the reading of a connection is. See `connection`, which can be compiled because this is not part of it."""

from __future__ import annotations

import enum


class ConnectionState(enum.Enum):
    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    ENDED = "ended"
    CLOSED = "closed"

    def __init__(self, name: str) -> None:
        self.is_inside_request = name in ("head", "body")
        self.is_reading = name not in ("ended", "closed")
