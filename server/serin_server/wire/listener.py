"""The listening socket and the connections it has accepted, from the first to the last."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Final

from serin_server.wire.application import Application
from serin_server.wire.connection import Connection
from serin_server.wire.known_heads import KnownHeads
from serin_server.wire.limits import Limits

_LOG = logging.getLogger(__name__)

_SWEEP_SECONDS: Final = 1.0
_BACKLOG: Final = 2048


class Listener:
    def __init__(self, application: Application, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self.application = application
        self.limits = limits
        self.loop = loop
        self.known_heads = KnownHeads()
        self.is_leaving = False
        """From now on every answer says Connection: close, so that clients come back elsewhere."""
        self._is_finishing = False
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._all_closed = asyncio.Event()
        self._all_closed.set()

    def add(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._all_closed.clear()
        if self._is_finishing:
            connection.close_when_answered()

    def discard(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_closed.set()

    async def listen(self, host: str, port: int, *, shares_port: bool = False) -> int:
        """Start accepting; the port is returned because 0 lets the kernel choose."""
        listening = make_socket(host, port, shares_port=shares_port)
        self._server = await self.loop.create_server(lambda: Connection(self), sock=listening, backlog=_BACKLOG)
        self._sweep = self.loop.call_later(_SWEEP_SECONDS, self._observe_time)
        return int(listening.getsockname()[1])

    def start_leaving(self) -> None:
        self.is_leaving = True

    async def finish(self, within_seconds: float) -> int:
        """Accept nothing more, close what is idle, wait for what is in flight. Returns how many were cut off."""
        assert self._server is not None
        self.is_leaving = self._is_finishing = True
        self._server.close()
        # One turn of the loop reads what the kernel already holds: a request that has arrived is answered.
        await asyncio.sleep(0)
        for connection in list(self._connections):
            connection.close_when_answered()
        try:
            await asyncio.wait_for(self._all_closed.wait(), within_seconds)
        except TimeoutError:
            _LOG.warning("connections were cut off", extra={"facts": {"connections": len(self._connections)}})
        cut_off = len(self._connections)
        for connection in list(self._connections):
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()
        return cut_off

    def _observe_time(self) -> None:
        now = self.loop.time()
        for connection in list(self._connections):
            connection.observe_time(now)
        self._sweep = self.loop.call_later(_SWEEP_SECONDS, self._observe_time)


def make_socket(host: str, port: int, *, shares_port: bool = False) -> socket.socket:
    """Empty host: every interface, IPv6 and IPv4 on one socket where the kernel has both.

    `shares_port`: the kernel spreads connections over all such sockets of this port.
    """
    if host:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG, reuse_port=shares_port)
    if socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG, reuse_port=shares_port
        )
    return socket.create_server(("", port), backlog=_BACKLOG, reuse_port=shares_port)


def reserve_port(host: str, port: int) -> socket.socket:
    """A socket that holds the port for those who share it, and accepts nothing itself."""
    is_dual = not host and socket.has_dualstack_ipv6()
    reserved = socket.socket(socket.AF_INET6 if is_dual or ":" in host else socket.AF_INET)
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if is_dual:
            reserved.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        reserved.bind((host, port))
    except OSError:
        reserved.close()
        raise
    return reserved
