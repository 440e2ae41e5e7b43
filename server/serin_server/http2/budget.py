"""Long messages that one connection may be sending at the same time.

Each stream's window lets a first part of its request through unasked. A longer one is let in as a whole when the budget
has room for all of it, and waits for its turn when it has not: with a part of each let in, none might ever be complete.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from serin_server.http2.stream import Stream, StreamState


class Budget:
    def __init__(self, size_bytes: int, grant: Callable[[Stream, int], None]) -> None:
        self._left = size_bytes
        self._grant = grant
        self._waiting: deque[tuple[Stream, int]] = deque()

    def ask(self, stream: Stream, more_bytes: int) -> None:
        """At most the whole budget."""
        self._waiting.append((stream, more_bytes))
        self._serve()

    def give_back(self, stream: Stream) -> None:
        self._left += stream.granted
        stream.granted = 0
        self._serve()

    def _serve(self) -> None:
        while self._waiting:
            stream, more_bytes = self._waiting[0]
            if stream.state is StreamState.OPEN:
                if more_bytes > self._left:
                    return
                self._left -= more_bytes
                stream.granted += more_bytes
                self._grant(stream, more_bytes)
            self._waiting.popleft()
