"""The gRPC port: the protocol's service, standard health and reflection."""

from __future__ import annotations

import asyncio

from serin_server.access import BearerToken
from serin_server.grpc.application import GrpcApplication
from serin_server.grpc.call_record import CallRecord
from serin_server.grpc.health import Health
from serin_server.grpc.reflection import Reflection
from serin_server.grpc.service import InferenceService
from serin_server.http2.limits import Limits
from serin_server.http2.listener import Listener


class GrpcListener:
    def __init__(
        self, service: InferenceService, record: CallRecord, limits: Limits, token: BearerToken | None
    ) -> None:
        self._health = Health()
        methods = (*service.methods, *self._health.methods, *Reflection().methods)
        application = GrpcApplication(methods, limits, record, token)
        self._listener = Listener(application, limits, asyncio.get_running_loop())

    async def listen(self, host: str, port: int, *, shares_port: bool = False) -> None:
        """Raises OSError when the port cannot be had."""
        await self._listener.listen(host, port, shares_port=shares_port)

    def show_ready(self, *, is_ready: bool) -> None:
        self._health.show(is_ready=is_ready)

    def start_leaving(self, after_seconds: float) -> None:
        self._listener.start_leaving(after_seconds)

    async def finish(self, within_seconds: float) -> int:
        """Accept nothing more, wait for what is in flight. Returns how many calls were cut off."""
        self._health.end_watches()
        return await self._listener.finish(within_seconds)
