"""Answers within the windows that the peer gives, for the whole connection and for each stream.

An answer that fits, which nearly all do, goes out as one write. What does not fit is kept in its stream's backlog and
goes on when the peer opens a window or the socket takes more; the backlogs take turns, a frame each.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from serin_server.http2.frames import (
    DATA,
    DEFAULT_WINDOW_BYTES,
    END_HEADERS,
    END_STREAM,
    HEADER,
    HEADERS,
    MAX_FRAME_BYTES,
    MAX_WINDOW_BYTES,
    BrokenRuleError,
    ErrorCode,
    StreamError,
    make_frame,
    make_reset,
)
from serin_server.http2.stream import Stream, StreamState


class Forget(Protocol):
    def __call__(self, stream: Stream, *, is_answered: bool) -> None:
        """Told of every stream that has been closed."""


class Sender:
    def __init__(self, transport: asyncio.Transport, forget: Forget) -> None:
        self._transport = transport
        self._forget = forget
        self._window = DEFAULT_WINDOW_BYTES
        self._blocked: dict[int, Stream] = {}
        self.first_window = DEFAULT_WINDOW_BYTES
        """Of a new stream."""
        self.max_frame_bytes = MAX_FRAME_BYTES
        self.is_paused = False
        """The socket takes no more."""
        self.moves = 0
        """Grows with each frame that a backlog could send."""

    @property
    def has_backlog(self) -> bool:
        return bool(self._blocked)

    def write(self, frame: bytes) -> None:
        self._transport.write(frame)

    def send(self, stream: Stream, headers: bytes, data: bytes, trailers: bytes | None) -> None:
        """A block of headers, unless it is empty, some data, and the block that ends the answer, unless it is None."""
        if stream.state is StreamState.CLOSED:
            return
        size = len(data)
        if (
            stream.backlog
            or size > self._window
            or size > stream.send_window
            or size > self.max_frame_bytes
            or self.is_paused
        ):
            self._send_later(stream, headers, data, trailers)
            return
        self._window -= size
        stream.send_window -= size
        number = stream.id
        pieces: list[bytes] = []
        if headers:
            pieces += (HEADER.pack(0, len(headers), HEADERS, END_HEADERS, number), headers)
        if size:
            pieces += (HEADER.pack(size >> 8, size & 0xFF, DATA, 0, number), data)
        if trailers is not None:
            length = len(trailers)
            pieces += (HEADER.pack(length >> 8, length & 0xFF, HEADERS, END_HEADERS | END_STREAM, number), trailers)
        self._transport.write(b"".join(pieces))
        if trailers is not None:
            self._close(stream)

    def reset(self, stream: Stream, code: ErrorCode) -> None:
        self._transport.write(make_reset(stream.id, code))
        self.drop(stream)

    def drop(self, stream: Stream) -> None:
        """Nothing more is sent on it."""
        stream.state = StreamState.CLOSED
        stream.backlog = b""
        self._blocked.pop(stream.id, None)
        self._forget(stream, is_answered=False)

    # -- the peer's windows ---------------------------------------------------------------------------------------

    def widen(self, more_bytes: int) -> None:
        self._window += more_bytes
        if self._window > MAX_WINDOW_BYTES:
            raise BrokenRuleError(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is larger than 2^31 - 1")
        self.go_on()

    def widen_stream(self, stream: Stream, more_bytes: int) -> None:
        stream.send_window += more_bytes
        if stream.send_window > MAX_WINDOW_BYTES:
            raise StreamError(ErrorCode.FLOW_CONTROL_ERROR, stream.id)
        if stream.id in self._blocked:
            self.go_on()

    def go_on(self) -> None:
        """Send what the windows and the socket let through now."""
        moved = True
        while moved and self._blocked and not self.is_paused:
            moved = False
            for stream in list(self._blocked.values()):
                if not self.is_paused:
                    moved = self._send_frame(stream) or moved

    def _send_later(self, stream: Stream, headers: bytes, data: bytes, trailers: bytes | None) -> None:
        if headers:
            self._transport.write(make_frame(HEADERS, END_HEADERS, stream.id, headers))
        # Cut from the front a frame at a time: a view, because copying what is left each time would take too long.
        stream.backlog = memoryview(bytes(stream.backlog) + data if stream.backlog else data)
        stream.trailers = trailers
        self._blocked[stream.id] = stream
        self.go_on()

    def _send_frame(self, stream: Stream) -> bool:
        """False when nothing of the stream can be sent."""
        backlog = stream.backlog
        size = min(len(backlog), self._window, stream.send_window, self.max_frame_bytes)
        if backlog and size <= 0:
            return False
        if backlog:
            self._window -= size
            stream.send_window -= size
            self._transport.write(make_frame(DATA, 0, stream.id, backlog[:size]))
            stream.backlog = backlog[size:]
        self.moves += 1
        if stream.backlog:
            return True
        del self._blocked[stream.id]
        if stream.trailers is not None:
            self._transport.write(make_frame(HEADERS, END_HEADERS | END_STREAM, stream.id, stream.trailers))
            self._close(stream)
        return True

    def _close(self, stream: Stream) -> None:
        if stream.state is StreamState.OPEN:
            # The answer does not wait for the rest of the request, and nobody wants that any more.
            self._transport.write(make_reset(stream.id, ErrorCode.NO_ERROR))
        stream.state = StreamState.CLOSED
        self._forget(stream, is_answered=True)
