"""Where and when the model runs for a request: in the event loop or in a thread.

Short runs happen in the loop. Those that arrive in the same turn of the loop run together, if the model allows it:
nobody waits for company, unless `max_delay_seconds` says so, but what is there anyway shares one run. Long runs are the
matter of `long_runs`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter

from serin_server.inference.batching import join_feeds, split_outputs
from serin_server.input_ranges import InputRange, check_ranges
from serin_server.job import Job
from serin_server.long_runs import LongRuns
from serin_server.oip.datatypes import Array
from serin_server.oip.errors import InvalidRequestError
from serin_server.served_model import ServedModel, count_rows
from serin_server.telemetry import Telemetry
from serin_server.wire.application import Answer
from serin_server.wire.response import Response


class Dispatcher:
    def __init__(
        self,
        long_runs: LongRuns,
        telemetry: Telemetry,
        max_delay_seconds: float = 0.0,
        refused_outside: Sequence[InputRange] = (),
    ) -> None:
        """`refused_outside`: a request with a number outside of these is not run."""
        self._long_runs = long_runs
        self._telemetry = telemetry
        self._batch: list[Job] = []
        self._batch_rows = 0
        self._max_delay_seconds = max_delay_seconds
        self._batch_start: asyncio.Handle | None = None
        self._refused_outside = refused_outside

    def submit(self, model: ServedModel, job: Job) -> Answer:
        """Raises InvalidRequestError for values that are refused."""
        if self._refused_outside:
            self._check(job.feeds)
        rows = count_rows(job.feeds)
        if rows > model.inline_rows:
            return self._long_runs.submit(model, job)
        if rows >= model.batch_rows or not model.can_share_a_run(job.feeds):
            return self._run_alone(model, job)
        if self._batch_rows + rows > model.batch_rows:
            self._run_batch(model)
        if not self._batch:
            self._batch_start = self._schedule_batch(model)
        self._batch.append(job)
        self._batch_rows += rows
        if self._batch_rows == model.batch_rows:
            self._run_batch(model)
        return job.pending

    def _check(self, feeds: dict[str, Array]) -> None:
        try:
            check_ranges(self._refused_outside, feeds)
        except InvalidRequestError:
            self._telemetry.record_refused(feeds)
            raise

    def _schedule_batch(self, model: ServedModel) -> asyncio.Handle:
        loop = asyncio.get_running_loop()
        if self._max_delay_seconds:
            return loop.call_later(self._max_delay_seconds, self._run_batch, model)
        return loop.call_soon(self._run_batch, model)

    def _run_batch(self, model: ServedModel) -> None:
        if self._batch_start is not None:
            self._batch_start.cancel()
            self._batch_start = None
        jobs, self._batch, self._batch_rows = self._batch, [], 0
        answers = self._run_together(model, jobs) if len(jobs) > 1 else None
        if answers is None:
            answers = [self._run_alone(model, job) for job in jobs]
        for job, answer in zip(jobs, answers, strict=True):
            job.pending.settle(answer)

    def _run_alone(self, model: ServedModel, job: Job) -> Response:
        response = job.run(model)
        self._telemetry.record_run(1, job.run_seconds, job.queue_wait_seconds)
        if job.answered is not None:
            self._telemetry.record_values(job.feeds, job.answered)
        return response

    def _run_together(self, model: ServedModel, jobs: list[Job]) -> list[Response] | None:
        """None when the jobs have to run one by one: they want different outputs, or one of them breaks the run."""
        names = jobs[0].outputs
        if any(job.outputs != names for job in jobs):
            return None
        start = perf_counter()
        try:
            feeds = join_feeds([job.feeds for job in jobs])
            outputs = model.engine.run(feeds, names)
        except Exception:  # noqa: BLE001 - each job runs again alone and tells its own error
            return None
        self._telemetry.record_run(len(jobs), perf_counter() - start, start - jobs[0].request.received_at)
        self._telemetry.record_values(feeds, outputs)
        pieces = split_outputs(outputs, [len(next(iter(job.feeds.values()))) for job in jobs])
        return [job.render_or_explain(piece) for job, piece in zip(jobs, pieces, strict=True)]
