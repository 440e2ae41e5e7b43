"""The ports of the process, HTTP and perhaps gRPC, from the first connection to the last."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from serin_server.dispatch import Dispatcher
from serin_server.lifecycle import Lifecycle
from serin_server.settings import Settings
from serin_server.telemetry import Telemetry
from serin_server.wire.application import Application
from serin_server.wire.limits import Limits
from serin_server.wire.listener import Listener, reserve_port

if TYPE_CHECKING:
    from serin_server.grpc.listener import GrpcListener

_LOG = logging.getLogger(__name__)

_FAREWELL_OF_DRAIN = 0.5
"""When gRPC's clients are told to go, as a share of the drain: new connections lead to other pods then, and the rest of
the drain is for those that take their time. HTTP's are told with each answer, which costs them nothing more."""


class StartError(Exception):
    """The server cannot start; the text is one plain sentence."""


class Ports:
    def __init__(self, settings: Settings, http: Application, grpc: GrpcListener | None) -> None:
        self._settings = settings
        self._http = Listener(
            http, replace(Limits(), max_body_bytes=settings.max_body_bytes), asyncio.get_running_loop()
        )
        self._grpc = grpc
        self.are_open = False

    async def open(self, *, are_shared: bool) -> None:
        """`are_shared`: among several workers. StartError."""
        settings = self._settings
        try:
            port = await self._http.listen(settings.host, settings.http_port, shares_port=are_shared)
        except OSError as error:
            raise _explain(settings.host, settings.http_port, "", error) from error
        _LOG.info("listening", extra={"facts": {"port": port}})
        if self._grpc is not None:
            try:
                await self._grpc.listen(settings.host, settings.grpc_port, shares_port=are_shared)
            except OSError as error:
                raise _explain(settings.host, settings.grpc_port, " for gRPC", error) from error
            _LOG.info("listening for gRPC", extra={"facts": {"port": settings.grpc_port}})
        self.are_open = True

    def show_ready(self, *, is_ready: bool) -> None:
        """To those who watch; whoever asks is told by the lifecycle."""
        if self._grpc is not None:
            self._grpc.show_ready(is_ready=is_ready)

    def start_leaving(self, drain_seconds: float) -> None:
        self._http.start_leaving()
        if self._grpc is not None:
            self._grpc.start_leaving(drain_seconds * _FAREWELL_OF_DRAIN)

    async def finish(self, within_seconds: float) -> int:
        """Returns how many connections and calls were cut off."""
        finishing = [self._http.finish(within_seconds)]
        if self._grpc is not None:
            finishing.append(self._grpc.finish(within_seconds))
        return sum(await asyncio.gather(*finishing))


def reserve_ports(settings: Settings, reserved: ExitStack) -> int:
    """Held for workers that will share them, until `reserved` is closed. Returns the HTTP port. StartError."""
    ports = []
    for port, purpose in ((settings.http_port, ""), (settings.grpc_port, " for gRPC")):
        if purpose and not port:
            continue
        try:
            held = reserved.enter_context(reserve_port(settings.host, port))
        except OSError as error:
            raise _explain(settings.host, port, purpose, error) from error
        ports.append(int(held.getsockname()[1]))
    return ports[0]


def maybe_make_grpc_listener(
    settings: Settings, lifecycle: Lifecycle, telemetry: Telemetry, dispatcher: Dispatcher
) -> GrpcListener | None:
    if settings.grpc_port == 0:
        return None
    # Not at the top: who does not speak gRPC should not pay for it.
    from serin_server.grpc.call_record import CallRecord
    from serin_server.grpc.listener import GrpcListener
    from serin_server.grpc.service import InferenceService
    from serin_server.http2.limits import Limits as Http2Limits

    service = InferenceService(settings.model_name, settings.model_version, lifecycle, dispatcher)
    limits = Http2Limits(
        max_message_bytes=settings.max_body_bytes, connection_age_seconds=settings.grpc_connection_seconds
    )
    return GrpcListener(service, CallRecord(telemetry, settings.request_log), limits, settings.bearer_token)


def _explain(host: str, port: int, purpose: str, error: OSError) -> StartError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return StartError(f"cannot listen on {host or '*'}:{port}{purpose}: {reason}")
