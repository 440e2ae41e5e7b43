"""Runs that take long: in threads, so many at once, each so long at most.

A request beyond `max_concurrency` waits for its turn up to `queue_wait_seconds` and is then sent away with 429: what
cannot be served soon should go elsewhere, and not grow a queue here. After `timeout_seconds` the client gets 504 and
the runtime is told to stop at the next node, so that the thread is free for somebody who still waits.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from serin_server.inference.engine import StopSign
from serin_server.job import Job
from serin_server.served_model import ServedModel
from serin_server.telemetry import Telemetry
from serin_server.wire.application import PendingResponse
from serin_server.wire.response import Response, make_error


@dataclass(frozen=True, slots=True)
class RunLimits:
    max_concurrency: int = 64
    queue_wait_seconds: float = 1.0
    timeout_seconds: float = 0.0
    """0: none."""


class LongRuns:
    def __init__(self, pool: Executor, telemetry: Telemetry, limits: RunLimits) -> None:
        self._pool = pool
        self._telemetry = telemetry
        self._limits = limits
        self._running = 0
        self._waiting: dict[Job, tuple[ServedModel, asyncio.TimerHandle]] = {}
        self._deadlines: dict[Job, asyncio.TimerHandle] = {}

    def submit(self, model: ServedModel, job: Job) -> PendingResponse:
        loop = asyncio.get_running_loop()
        job.stop_sign = StopSign()
        job.pending.give_up_work = partial(self._give_up, job)
        if self._limits.timeout_seconds:
            self._deadlines[job] = loop.call_later(self._limits.timeout_seconds, self._time_out, job)
        if self._running < self._limits.max_concurrency:
            self._start(model, job)
        else:
            end_of_patience = loop.call_later(self._limits.queue_wait_seconds, self._send_away, job)
            self._waiting[job] = (model, end_of_patience)
        return job.pending

    def _start(self, model: ServedModel, job: Job) -> None:
        self._running += 1
        self._telemetry.record_started()
        run = asyncio.get_running_loop().run_in_executor(self._pool, job.run, model)
        run.add_done_callback(partial(self._finish, job))

    def _finish(self, job: Job, run: asyncio.Future[Response]) -> None:
        self._running -= 1
        self._telemetry.record_finished()
        if not job.pending.is_settled:
            self._telemetry.record_run(1, job.run_seconds, job.queue_wait_seconds)
            if job.answered is not None:
                self._telemetry.record_values(job.feeds, job.answered)
            self._settle(job, run.result())
        while self._waiting and self._running < self._limits.max_concurrency:
            waiting = next(iter(self._waiting))
            model, end_of_patience = self._waiting.pop(waiting)
            end_of_patience.cancel()
            self._start(model, waiting)

    def _send_away(self, job: Job) -> None:
        del self._waiting[job]
        limits = self._limits
        sentence = f"{limits.max_concurrency} requests are being worked on; none of them finished in time for this one"
        self._settle(job, make_error(429, sentence, b"retry-after: 1\r\n"))

    def _time_out(self, job: Job) -> None:
        if job in self._waiting:
            self._waiting.pop(job)[1].cancel()
        if job.stop_sign is not None:
            job.stop_sign.show()
        sentence = f"the model did not answer within {self._limits.timeout_seconds:g} seconds"
        self._settle(job, make_error(504, sentence))

    def _give_up(self, job: Job) -> None:
        """Its client is gone: what waits is dropped, what runs is stopped at the model's next node."""
        if job in self._waiting:
            self._waiting.pop(job)[1].cancel()
        if job.stop_sign is not None:
            job.stop_sign.show()
        self._settle(job, make_error(499, "the client went away"))

    def _settle(self, job: Job, response: Response) -> None:
        deadline = self._deadlines.pop(job, None)
        if deadline is not None:
            deadline.cancel()
        job.pending.settle(response)
