"""One request and its answer."""

from __future__ import annotations

import enum
from typing import Protocol


class StreamState(enum.Enum):
    OPEN = "open"
    ASKED = "asked"
    """The peer has sent its whole request."""
    CLOSED = "closed"


class Receiver(Protocol):
    """Who makes the answer."""

    def receive(self, data: bytes, *, is_end: bool) -> None:
        """A piece of the request, empty or not; with `is_end` the last."""

    def give_up(self) -> None:
        """The peer no longer wants an answer, or is gone."""

    def time_out(self) -> None:
        """The request did not arrive in time."""


class _Nobody:
    def receive(self, data: bytes, *, is_end: bool) -> None:
        pass

    def give_up(self) -> None:
        pass

    def time_out(self) -> None:
        pass


_NOBODY = _Nobody()


class Stream:
    __slots__ = (
        "backlog",
        "began_at",
        "granted",
        "id",
        "receive_window",
        "receiver",
        "send_window",
        "state",
        "trailers",
    )

    def __init__(self, stream_id: int, send_window: int, receive_window: int, began_at: float) -> None:
        self.id = stream_id
        self.state = StreamState.OPEN
        self.receiver: Receiver = _NOBODY
        self.began_at = began_at
        self.send_window = send_window
        self.receive_window = receive_window
        self.granted = 0
        """Bytes that the peer may send beyond its window, out of the connection's budget."""
        self.backlog: bytes | memoryview = b""
        """What the peer's windows have not let through yet."""
        self.trailers: bytes | None = None
        """The header block that follows the backlog; None: more data may come."""

    def __repr__(self) -> str:
        return f"<Stream {self.id} {self.state.value}>"
