"""What a connection needs from the program behind it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from serin_server.wire.request import Request
from serin_server.wire.response import Response


class Application(Protocol):
    def handle(self, request: Request) -> Response | Coroutine[Any, Any, Response]:
        """Answer one request. Never raises: what went wrong is an answer too. A coroutine when it takes long."""

    def record(self, request: Request, status: int, seconds: float) -> None:
        """Told once per request, also for those the connection refused and those whose client went away (499)."""
