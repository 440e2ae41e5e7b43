"""gRPC's standard health service, `grpc.health.v1.Health`, for the whole server and for the protocol's service.

The servicer of grpcio-health-checking keeps one condition per service and drops it with the first watcher that leaves,
so that the others are never told again; and its watches hold a server that wants to stop for the whole grace period.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthServicer, add_HealthServicer_to_server

from serin_server.grpc.service import SERVICE_NAME

_NAMES = ("", SERVICE_NAME)


class Health(HealthServicer):  # type: ignore[misc]  # grpcio has no types
    def __init__(self) -> None:
        self._status = HealthCheckResponse.NOT_SERVING
        self._changed = asyncio.Event()
        self._is_leaving = False

    def add_to(self, server: Any) -> None:
        add_HealthServicer_to_server(self, server)

    def show(self, *, is_ready: bool) -> None:
        self._status = HealthCheckResponse.SERVING if is_ready else HealthCheckResponse.NOT_SERVING
        self._tell_watchers()

    def end_watches(self) -> None:
        self._is_leaving = True
        self._tell_watchers()

    async def Check(self, request: HealthCheckRequest, context: Any) -> HealthCheckResponse:  # noqa: N802 - the protocol's
        if request.service not in _NAMES:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"expected one of {_NAMES}, got {request.service!r}")
        return HealthCheckResponse(status=self._status)

    async def Watch(self, request: HealthCheckRequest, context: Any) -> None:  # noqa: N802 - the protocol's
        told = None
        while True:
            # Taken before the status is looked at: a change meanwhile sets this very event.
            changed = self._changed
            status = self._status if request.service in _NAMES else HealthCheckResponse.SERVICE_UNKNOWN
            if status != told:
                await context.write(HealthCheckResponse(status=status))
                told = status
            elif self._is_leaving:
                return
            else:
                await changed.wait()

    def _tell_watchers(self) -> None:
        told, self._changed = self._changed, asyncio.Event()
        told.set()
