"""One run of the model that a request asks for, and how its outputs become the answer."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from serin_server.failures import make_failure
from serin_server.inference.engine import StopSign
from serin_server.oip.datatypes import Array
from serin_server.served_model import ServedModel
from serin_server.wire.application import PendingResponse
from serin_server.wire.request import Request
from serin_server.wire.response import Response, make_error


class Job:
    __slots__ = (
        "answered",
        "feeds",
        "outputs",
        "pending",
        "queue_wait_seconds",
        "render",
        "request",
        "run_seconds",
        "stop_sign",
    )

    def __init__(
        self,
        request: Request,
        feeds: dict[str, Array],
        outputs: tuple[str, ...],
        render: Callable[[dict[str, Array]], Response],
    ) -> None:
        self.request = request
        self.feeds = feeds
        self.outputs = outputs
        self.render = render
        self.pending = PendingResponse()
        self.answered: dict[str, Array] | None = None
        """What the run gave; None before it and after a failure."""
        self.queue_wait_seconds = 0.0
        self.run_seconds = 0.0
        self.stop_sign: StopSign | None = None
        """Only for a run that takes long enough to be stopped."""

    def run(self, model: ServedModel) -> Response:
        """May be called in a thread."""
        start = perf_counter()
        self.queue_wait_seconds = start - self.request.received_at
        try:
            outputs = model.engine.run(self.feeds, self.outputs, self.stop_sign)
            self.run_seconds = perf_counter() - start
            self.answered = outputs
        except Exception as error:  # noqa: BLE001 - whatever happens, the client gets an answer
            if self.stop_sign is not None and self.stop_sign.is_shown:
                return make_error(504, "the run was stopped")
            return make_failure(error, self.request)
        return self.render_or_explain(outputs)

    def render_or_explain(self, outputs: dict[str, Array]) -> Response:
        try:
            return self.render(outputs)
        except Exception as error:  # noqa: BLE001 - as above
            return make_failure(error, self.request)
