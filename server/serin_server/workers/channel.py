"""A worker's line to its parent: one JSON message a line, over a socket that the worker inherits.

The worker says `ready`, asks for the `metrics` of all and answers with its own `snapshot`; the parent says `serve` when
all are ready. When the line breaks the parent is gone, and the worker leaves too.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from serin_server.telemetry import CONTENT_TYPE, Telemetry
from serin_server.wire.application import PendingResponse
from serin_server.wire.request import Request
from serin_server.wire.response import Response
from serin_server.workers.snapshot import take_snapshot

_LOG = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024

_FD_VARIABLE: Final = "SERIN_WORKER_FD"
_EARLY_VARIABLE: Final = "SERIN_WORKER_LISTENS_AT_ONCE"


@dataclass(frozen=True, slots=True)
class WorkerRole:
    """What the parent tells a worker when it starts it."""

    fd: int
    listens_at_once: bool
    """Otherwise only with its model loaded: the others answer already, and a part of their requests would meet 503."""

    def make_environment(self) -> dict[str, str]:
        return {_FD_VARIABLE: str(self.fd), _EARLY_VARIABLE: str(int(self.listens_at_once))}


def take_worker_role(environment: Mapping[str, str] = os.environ) -> WorkerRole | None:
    """None in a process that is no worker."""
    if _FD_VARIABLE not in environment:
        return None
    return WorkerRole(int(environment[_FD_VARIABLE]), environment.get(_EARLY_VARIABLE) == "1")


def make_message(**content: Any) -> bytes:
    return orjson.dumps(content) + b"\n"


class Channel:
    def __init__(self, telemetry: Telemetry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._telemetry = telemetry
        self._reader = reader
        self._writer = writer
        self._may_serve = asyncio.Event()
        self._scrapes: deque[PendingResponse] = deque()
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, role: WorkerRole, telemetry: Telemetry, leave: Callable[[], None]) -> Channel:
        line = socket.socket(fileno=role.fd)
        line.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=line, limit=MAX_MESSAGE_BYTES)
        channel = cls(telemetry, reader, writer)
        channel._listening = asyncio.create_task(channel._listen(leave))
        return channel

    async def wait_until_all_are_ready(self, leave: asyncio.Event) -> None:
        """Or until this process is told to leave."""
        self._writer.write(make_message(ready=True))
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._may_serve, leave)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for future in waiting:
            future.cancel()

    def scrape(self, _: Request) -> PendingResponse:
        """The metrics of all workers."""
        pending = PendingResponse()
        self._scrapes.append(pending)
        self._writer.write(make_message(want="metrics"))
        return pending

    async def _listen(self, leave: Callable[[], None]) -> None:
        try:
            while line := await self._reader.readline():
                self._take(orjson.loads(line))
        except OSError as error:
            _LOG.warning("the line to the parent broke", extra={"facts": {"error": str(error)}})
        leave()

    def _take(self, message: dict[str, Any]) -> None:
        if "serve" in message:
            self._may_serve.set()
        elif "want" in message:
            self._writer.write(make_message(snapshot=take_snapshot(self._telemetry.collect_all())))
        elif "metrics" in message and self._scrapes:
            self._scrapes.popleft().settle(Response(200, message["metrics"].encode(), CONTENT_TYPE))
