"""gRPC's standard health service, `grpc.health.v1.Health`, for the whole server and for the protocol's service."""

from __future__ import annotations

from collections.abc import Iterable

from serin_server.grpc.health_pb2 import HealthCheckRequest, HealthCheckResponse
from serin_server.grpc.method import Messenger, Method
from serin_server.grpc.service import SERVICE_NAME
from serin_server.grpc.status import CallError, Status

HEALTH_SERVICE_NAME = "grpc.health.v1.Health"

_NAMES = ("", SERVICE_NAME)


class Health:
    def __init__(self) -> None:
        self._status = HealthCheckResponse.NOT_SERVING
        self._watches: list[_Watch] = []

    @property
    def methods(self) -> Iterable[Method]:
        path = f"/{HEALTH_SERVICE_NAME}/".encode()
        yield Method(path + b"Check", answer=self._check, is_open=True)
        yield Method(path + b"Watch", converse=self._watch, is_open=True)

    def show(self, *, is_ready: bool) -> None:
        self._status = HealthCheckResponse.SERVING if is_ready else HealthCheckResponse.NOT_SERVING
        for watch in list(self._watches):
            watch.tell()

    def end_watches(self) -> None:
        for watch in list(self._watches):
            watch.messenger.finish()

    def find(self, name: str) -> HealthCheckResponse.ServingStatus:
        return self._status if name in _NAMES else HealthCheckResponse.SERVICE_UNKNOWN

    def add(self, watch: _Watch) -> None:
        self._watches.append(watch)

    def discard(self, watch: _Watch) -> None:
        if watch in self._watches:
            self._watches.remove(watch)

    def _check(self, message: bytes) -> bytes:
        name = HealthCheckRequest.FromString(message).service
        if name not in _NAMES:
            raise CallError(Status.NOT_FOUND, f"expected one of {_NAMES}, got {name!r}")
        return HealthCheckResponse(status=self._status).SerializeToString()

    def _watch(self, messenger: Messenger) -> _Watch:
        return _Watch(self, messenger)


class _Watch:
    def __init__(self, health: Health, messenger: Messenger) -> None:
        self._health = health
        self._name: str | None = None
        self._told: int | None = None
        self.messenger = messenger

    def receive(self, message: bytes) -> None:
        if self._name is not None:
            raise CallError(Status.INVALID_ARGUMENT, "expected one message, got more")
        self._name = HealthCheckRequest.FromString(message).service
        self._health.add(self)
        self.tell()

    def end(self) -> None:
        if self._name is None:
            raise CallError(Status.INVALID_ARGUMENT, "expected one message, got none")

    def give_up(self) -> None:
        self._health.discard(self)

    def tell(self) -> None:
        assert self._name is not None
        status = self._health.find(self._name)
        if status != self._told:
            self._told = status
            self.messenger.send(HealthCheckResponse(status=status).SerializeToString())
