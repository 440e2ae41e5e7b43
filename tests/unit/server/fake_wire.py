"""A connection without a socket: what was written is kept, and time passes when the test says so."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from serin_server.wire.application import Answer, PendingResponse
from serin_server.wire.connection import Connection
from serin_server.wire.limits import Limits
from serin_server.wire.listener import Listener
from serin_server.wire.request import Request
from serin_server.wire.response import Response

LIMITS = Limits(max_head_bytes=1000, max_body_bytes=100)


class FakeTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_reading_paused = False
        self.is_sending_shut = False
        self.is_closed = False
        self.is_aborted = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def write_eof(self) -> None:
        self.is_sending_shut = True

    def pause_reading(self) -> None:
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        self.is_reading_paused = False

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True


class EchoApplication:
    """Answers with the path and the body; under /slow only when `release` is set."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.requests: list[Request] = []
        self.records: list[tuple[bytes, int]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def handle(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.path != b"/slow":
            return make_echo(request)
        pending = PendingResponse()
        self._tasks.append(asyncio.create_task(self._answer_later(request, pending)))
        return pending

    def record(self, request: Request, status: int, seconds: float, response: Response | None) -> None:
        assert response is None or response.status == status
        assert 0 <= seconds < 60
        self.records.append((request.path, status))

    async def _answer_later(self, request: Request, pending: PendingResponse) -> None:
        await self.release.wait()
        pending.settle(make_echo(request))


def make_echo(request: Request) -> Response:
    return Response(200, request.path + b"|" + request.body, b"text/plain")


class Wire:
    """One connection between a test, playing the peer, and the echo application."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.application = EchoApplication()
        self.loop = asyncio.get_running_loop()
        self.listener = Listener(self.application, limits, self.loop)
        self.transport = FakeTransport()
        self.connection = Connection(self.listener)
        self.connection.connection_made(self.transport)

    def send(self, *pieces: bytes) -> bytes:
        """Returns what is answered at once."""
        before = len(self.transport.written)
        for piece in pieces:
            self.connection.data_received(piece)
        return self.transport.written[before:]

    async def release(self) -> bytes:
        """Let the slow answers come; returns what is written until nothing more happens."""
        before = len(self.transport.written)
        self.application.release.set()
        await self.settle()
        return self.transport.written[before:]

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    def pass_time(self, seconds: float) -> None:
        self.connection.observe_time(self.loop.time() + seconds)

    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.transport.written)]


def make_request(path: bytes = b"/a", body: bytes = b"", *headers: bytes, method: bytes = b"POST") -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: h", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
