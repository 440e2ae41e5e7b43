"""What a connection needs from the program behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from serin_server.wire.request import Request
from serin_server.wire.response import Response


class PendingResponse:
    """An answer that takes its time: settled once, in the loop's thread, by whoever works on it.

    Cheaper than a future, whose callbacks go through the loop once more.
    """

    __slots__ = ("_respond", "_response", "give_up_work")

    def __init__(self) -> None:
        self._respond: Callable[[Response], None] | None = None
        self._response: Response | None = None
        self.give_up_work: Callable[[], None] | None = None
        """Set by whoever works on it, if the work can be stopped."""

    @property
    def is_settled(self) -> bool:
        return self._response is not None

    def settle(self, response: Response) -> None:
        assert self._response is None
        self._response = response
        if self._respond is not None:
            self._respond(response)

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""
        if self._response is None and self.give_up_work is not None:
            self.give_up_work()

    def when_settled(self, respond: Callable[[Response], None]) -> None:
        if self._response is not None:
            respond(self._response)
        else:
            self._respond = respond


Answer = Response | PendingResponse


class Application(Protocol):
    def handle(self, request: Request) -> Answer:
        """Answer one request. Never raises: what went wrong is an answer too."""

    def record(self, request: Request, status: int, seconds: float, response: Response | None) -> None:
        """Told once per request, also for those the connection refused and those whose client went away (499)."""
