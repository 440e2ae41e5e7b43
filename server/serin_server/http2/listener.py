"""The listening socket of HTTP/2 and the connections it has accepted, from the first to the last."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Final

from serin_server.http2.application import Application
from serin_server.http2.connection import Connection
from serin_server.http2.limits import Limits
from serin_server.wire.listener import make_socket

_LOG = logging.getLogger(__name__)

_SWEEP_SECONDS: Final = 1.0
_BACKLOG: Final = 2048


class Listener:
    def __init__(self, application: Application, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self.application = application
        self.limits = limits
        self.loop = loop
        self._is_leaving = False
        self._is_finishing = False
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._all_closed = asyncio.Event()
        self._all_closed.set()

    def add(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._all_closed.clear()
        age_seconds = self.limits.connection_age_seconds
        if age_seconds:
            # Not all at once, or all of a restarted server's clients would come back in the same moment for ever.
            connection.retire_at = connection.began_at + age_seconds * random.uniform(0.9, 1.1)

    def greet(self, connection: Connection) -> None:
        """It is ready for requests."""
        if self._is_finishing:
            connection.leave()
        elif self._is_leaving:
            connection.announce_leave()

    def discard(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_closed.set()

    async def listen(self, host: str, port: int, *, shares_port: bool = False) -> None:
        """Raises OSError when the port cannot be had."""
        listening = make_socket(host, port, shares_port=shares_port)
        self._server = await self.loop.create_server(lambda: Connection(self), sock=listening, backlog=_BACKLOG)
        self._observe_time()

    def start_leaving(self, after_seconds: float) -> None:
        """Send every client elsewhere then. Sooner, and it might come back here: routes take a moment to change."""
        self._timers["leave"] = self.loop.call_later(after_seconds, self._announce_leave)

    async def finish(self, within_seconds: float) -> int:
        """Accept nothing more, wait for what is in flight. Returns how many calls were cut off."""
        assert self._server is not None
        self._is_leaving = self._is_finishing = True
        self._server.close()
        # One turn of the loop reads what the kernel already holds: a call that has arrived is answered.
        await asyncio.sleep(0)
        for connection in list(self._connections):
            connection.leave()
        try:
            await asyncio.wait_for(self._all_closed.wait(), within_seconds)
        except TimeoutError:
            _LOG.warning("connections were cut off", extra={"facts": {"connections": len(self._connections)}})
        cut_off = sum(len(connection.streams) for connection in self._connections)
        for connection in list(self._connections):
            connection.abort()
        for timer in self._timers.values():
            timer.cancel()
        return cut_off

    def _announce_leave(self) -> None:
        self._is_leaving = True
        for connection in list(self._connections):
            connection.announce_leave()

    def _observe_time(self) -> None:
        now = self.loop.time()
        for connection in list(self._connections):
            connection.observe_time(now)
        self._timers["sweep"] = self.loop.call_later(_SWEEP_SECONDS, self._observe_time)
