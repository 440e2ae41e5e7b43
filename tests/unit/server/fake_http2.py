"""An HTTP/2 connection without a socket, and frames made and read by hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import hpack
from serin_server.http2 import frames
from serin_server.http2.connection import Connection
from serin_server.http2.frames import make_frame, make_settings
from serin_server.http2.headers import Headers, check_headers, encode_status
from serin_server.http2.limits import Limits
from serin_server.http2.listener import Listener
from serin_server.http2.stream import Stream
from unit.server.fake_wire import FakeTransport

LIMITS = replace(Limits(), max_message_bytes=100_000, max_streams=4, patience=50, patience_per_second=10)


@dataclass
class Echo:
    """Answers with what it was sent, when that is complete; under /wait only when told to."""

    stream: Stream
    connection: Connection
    path: bytes
    body: bytes = b""
    ending: str = ""

    def receive(self, data: bytes, *, is_end: bool) -> None:
        self.body += data
        if is_end and self.path != b"/wait":
            self.answer()

    def answer(self) -> None:
        self.ending = "answered"
        self.connection.sender.send(self.stream, encode_status(200), self.body, encode_status(200))

    def give_up(self) -> None:
        self.ending = "given up"

    def time_out(self) -> None:
        self.ending = "timed out"


class EchoApplication:
    def __init__(self) -> None:
        self.requests: list[Echo] = []
        self.interpreted = 0

    def interpret(self, headers: Headers) -> bytes:
        self.interpreted += 1
        return check_headers(headers)[b":path"]

    def open(self, stream: Stream, connection: Connection, meaning: bytes) -> None:
        stream.receiver = Echo(stream, connection, meaning)
        self.requests.append(stream.receiver)


@dataclass(frozen=True)
class Frame:
    kind: int
    flags: int
    stream_id: int
    payload: bytes

    @property
    def code(self) -> frames.ErrorCode:
        """Of RST_STREAM or GOAWAY."""
        start = 4 if self.kind == frames.GOAWAY else 0
        return frames.ErrorCode(int.from_bytes(self.payload[start : start + 4], "big"))


class Http2Wire:
    """One connection between a test, playing the peer, and the echo application."""

    def __init__(self, limits: Limits = LIMITS, *, is_greeted: bool = True) -> None:
        self.application = EchoApplication()
        self.loop = asyncio.get_running_loop()
        self.listener = Listener(self.application, limits, self.loop)
        self.transport = FakeTransport()
        self.connection = Connection(self.listener)
        self.connection.connection_made(self.transport)
        self.encoder = hpack.Encoder()
        self._read = 0
        if is_greeted:
            self.send(frames.PREFACE + make_settings({}))

    def send(self, *pieces: bytes) -> list[Frame]:
        """The frames that are answered at once."""
        for piece in pieces:
            self.connection.data_received(piece)
        return self.receive()

    def receive(self) -> list[Frame]:
        found = list(read_frames(self.transport.written[self._read :]))
        self._read = len(self.transport.written)
        return found

    def make_headers(self, stream_id: int, path: str = "/echo", flags: int = 0, **more: Any) -> bytes:
        headers = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "m")]
        block = self.encoder.encode([*headers, *more.items()])
        return make_frame(frames.HEADERS, flags | frames.END_HEADERS, stream_id, block)

    def make_request(self, stream_id: int, body: bytes = b"x", path: str = "/echo") -> bytes:
        return self.make_headers(stream_id, path) + make_frame(frames.DATA, frames.END_STREAM, stream_id, body)

    def pass_time(self, seconds: float) -> None:
        self.connection.observe_time(self.loop.time() + seconds)


def read_frames(data: bytes) -> list[Frame]:
    found: list[Frame] = []
    position = 0
    while position < len(data):
        high, low, kind, flags, stream_id = frames.HEADER.unpack_from(data, position)
        start = position + frames.HEADER_BYTES
        position = start + (high << 8 | low)
        found.append(Frame(kind, flags, stream_id, data[start:position]))
    return found
