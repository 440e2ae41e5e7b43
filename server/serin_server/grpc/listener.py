"""The gRPC port: grpcio's server with the protocol's service, standard health and reflection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from serin_server.grpc import inference_pb2
from serin_server.grpc.health import Health
from serin_server.grpc.service import SERVICE_NAME, InferenceService
from serin_server.grpc.status import CallError

_CONNECTION_AGE_OF_DRAIN = 0.7
"""How old a connection may get, as a share of the drain; grpcio varies it by a tenth either way.

grpcio's server cancels the calls that reach it while it stops, before its clients have read that it does. Sending them
away from an old connection is the only farewell it does without loss. So within the drain each client comes back on a
new connection, which Kubernetes leads to another pod, and nobody is left when the server stops.
"""

_SAME_MOMENT_SECONDS = 0.1

_LONGER_THAN_ANY_CALL_SECONDS = 86_400.0

_Handler = Callable[[bytes, Any], Awaitable[bytes]]


class GrpcListener:
    def __init__(self, service: InferenceService, max_message_bytes: int, drain_seconds: float) -> None:
        self._service = service
        self._health = Health()
        self._in_flight = 0
        self._server = grpc.aio.server(options=_make_options(max_message_bytes, drain_seconds))

    async def listen(self, host: str, port: int) -> None:
        """Raises OSError when the port cannot be had."""
        handlers = {name: grpc.unary_unary_rpc_method_handler(self._make_handler(name)) for name in self._service.names}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))
        self._health.add_to(self._server)
        _add_reflection(self._server)
        try:
            self._server.add_insecure_port(f"{make_address(host)}:{port}")
        except RuntimeError as error:
            raise OSError(str(error)) from error
        await self._server.start()

    def show_ready(self, *, is_ready: bool) -> None:
        self._health.show(is_ready=is_ready)

    async def finish(self, within_seconds: float) -> int:
        """Send clients elsewhere, accept nothing more, wait for what is in flight. Returns how many were cut off."""
        self._health.end_watches()
        stopping = asyncio.ensure_future(self._server.stop(_LONGER_THAN_ANY_CALL_SECONDS))
        await asyncio.wait((stopping,), timeout=within_seconds)
        cut_off = self._in_flight
        await self._server.stop(None)
        await stopping
        return cut_off

    def _make_handler(self, name: str) -> _Handler:
        async def handle(request: bytes, context: Any) -> bytes:
            self._in_flight += 1
            try:
                return await self._service.call(name, request, lambda: _is_late(context))
            except CallError as error:
                context.set_code(grpc.StatusCode[error.status.name])
                context.set_details(str(error))
                return b""
            finally:
                self._in_flight -= 1

        return handle


def _make_options(max_message_bytes: int, drain_seconds: float) -> list[tuple[str, int]]:
    options = [
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", -1),
        # Otherwise a second process on the same port takes half of the connections and nobody is told.
        ("grpc.so_reuseport", 0),
    ]
    if drain_seconds > 0:
        age_ms = max(1, int(drain_seconds * 1000 * _CONNECTION_AGE_OF_DRAIN))
        options.append(("grpc.max_connection_age_ms", age_ms))
    return options


def _is_late(context: Any) -> bool:
    """The client's own clock, which started earlier, may run out first: its farewell comes just before our deadline."""
    seconds_left = context.time_remaining()
    return seconds_left is not None and seconds_left < _SAME_MOMENT_SECONDS


def make_address(host: str) -> str:
    """Empty host: every interface, IPv6 and IPv4."""
    if not host:
        return "[::]"
    return f"[{host}]" if ":" in host else host


def _add_reflection(server: Any) -> None:
    # The protocol's messages have a pool of their own; reflection answers from one pool, so the others go in there too.
    pool = inference_pb2.DESCRIPTOR.pool
    names = [SERVICE_NAME]
    for description in (health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
        pool.AddSerializedFile(description.serialized_pb)
        names += [service.full_name for service in description.services_by_name.values()]
    reflection.enable_server_reflection(names, server, pool)
