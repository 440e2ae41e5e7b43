"""Where and when the model runs for a request: in the event loop or in a thread.

Short runs happen in the loop. Those that arrive in the same turn of the loop run together, if the model allows it:
nobody waits for company, but what is there anyway shares one run. Long runs go to the pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from serin_server.failures import make_failure
from serin_server.inference.batching import join_feeds, split_outputs
from serin_server.oip.datatypes import Array
from serin_server.served_model import ServedModel, count_rows
from serin_server.telemetry import Telemetry
from serin_server.wire.application import Answer, PendingResponse
from serin_server.wire.request import Request
from serin_server.wire.response import Response


class Job:
    """One run that a request asks for, and how its outputs become the answer."""

    __slots__ = ("feeds", "outputs", "pending", "render", "request")

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

    def run(self, model: ServedModel) -> Response:
        try:
            return self.render(model.engine.run(self.feeds, self.outputs))
        except Exception as error:  # noqa: BLE001 - whatever happens, the client gets an answer
            return make_failure(error, self.request)

    def render_or_explain(self, outputs: dict[str, Array]) -> Response:
        try:
            return self.render(outputs)
        except Exception as error:  # noqa: BLE001 - as above
            return make_failure(error, self.request)


class Dispatcher:
    def __init__(self, pool: Executor, telemetry: Telemetry) -> None:
        self._pool = pool
        self._telemetry = telemetry
        self._batch: list[Job] = []
        self._batch_rows = 0

    def submit(self, model: ServedModel, job: Job) -> Answer:
        rows = count_rows(job.feeds)
        if rows > model.inline_rows:
            return self._run_in_pool(model, job)
        if rows >= model.batch_rows or not model.can_share_a_run(job.feeds):
            return job.run(model)
        if self._batch_rows + rows > model.batch_rows:
            self._run_batch(model)
        if not self._batch:
            asyncio.get_running_loop().call_soon(self._run_batch, model)
        self._batch.append(job)
        self._batch_rows += rows
        return job.pending

    def _run_batch(self, model: ServedModel) -> None:
        jobs, self._batch, self._batch_rows = self._batch, [], 0
        if len(jobs) == 1:
            jobs[0].pending.settle(jobs[0].run(model))
            return
        answers = self._run_together(model, jobs) or [job.run(model) for job in jobs]
        for job, answer in zip(jobs, answers, strict=True):
            job.pending.settle(answer)

    def _run_together(self, model: ServedModel, jobs: list[Job]) -> list[Response] | None:
        """None when the jobs have to run one by one: they want different outputs, or one of them breaks the run."""
        names = jobs[0].outputs if jobs else ()
        if any(job.outputs != names for job in jobs):
            return None
        try:
            outputs = model.engine.run(join_feeds([job.feeds for job in jobs]), names)
        except Exception:  # noqa: BLE001 - each job runs again alone and tells its own error
            return None
        pieces = split_outputs(outputs, [len(next(iter(job.feeds.values()))) for job in jobs])
        return [job.render_or_explain(piece) for job, piece in zip(jobs, pieces, strict=True)]

    def _run_in_pool(self, model: ServedModel, job: Job) -> PendingResponse:
        def finish(run: asyncio.Future[Response]) -> None:
            self._telemetry.record_finished()
            job.pending.settle(run.result())

        self._telemetry.record_started()
        asyncio.get_running_loop().run_in_executor(self._pool, job.run, model).add_done_callback(finish)
        return job.pending
