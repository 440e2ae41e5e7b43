"""What a connection needs from the program behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from serin_server.http2.headers import Headers
from serin_server.http2.stream import Stream

if TYPE_CHECKING:
    from serin_server.http2.connection import Connection


class Application(Protocol):
    def interpret(self, headers: Headers) -> Any:
        """What these headers ask for, whoever asks and when. MalformedHeadersError: the stream is to be reset."""

    def open(self, stream: Stream, connection: Connection, meaning: Any) -> None:
        """A request begins. Sets `stream.receiver`, or answers at once."""
