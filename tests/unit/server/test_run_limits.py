"""How many long runs at once, how long a request waits for one, and how long a run may take."""

from __future__ import annotations

import asyncio
import json
import socket
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serin_server.job import Job
from serin_server.long_runs import LongRuns, RunLimits
from serin_server.served_model import ServedModel, load_served_model
from serin_server.telemetry import Telemetry
from serin_server.wire.request import Request
from serin_server.wire.response import Response
from unit.server.onnx_models import save_patient_model
from unit.server.server_process import ServerProcess


class StoppedPool(Executor):
    """Runs what it was given only when told to."""

    def __init__(self) -> None:
        self._runs: list[tuple[Future[Any], Any, Any]] = []

    def submit(self, run: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._runs.append((future, run, arguments))
        return future

    def run_all(self) -> int:
        runs, self._runs = self._runs, []
        for future, run, arguments in runs:
            future.set_result(run(*arguments))
        return len(runs)


class Desk:
    """Long runs of the patient model, each of one step, and their answers in the order they came."""

    def __init__(self, model: ServedModel, limits: RunLimits) -> None:
        self.model = model
        self.pool = StoppedPool()
        self.long_runs = LongRuns(self.pool, Telemetry("m", "1"), limits)
        self._statuses: asyncio.Queue[int] = asyncio.Queue()

    def submit(self) -> Job:
        job = Job(Request(), {"steps": np.array(1)}, ("v",), lambda _: Response(200, b""))
        self.long_runs.submit(self.model, job).when_settled(self._keep)
        return job

    async def receive(self, count: int) -> list[int]:
        return [await self._statuses.get() for _ in range(count)]

    def _keep(self, response: Response) -> None:
        self._statuses.put_nowait(response.status)


@pytest.fixture(scope="module")
def patient_model(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return load_served_model(save_patient_model(tmp_path_factory.mktemp("m") / "m.onnx"), "m", "1", threads=1)


async def test_a_request_beyond_the_limit_waits_for_its_turn(patient_model: ServedModel) -> None:
    desk = Desk(patient_model, RunLimits(max_concurrency=2, queue_wait_seconds=3600))
    for _ in range(3):
        desk.submit()
    assert desk.pool.run_all() == 2
    assert await desk.receive(2) == [200, 200]
    assert desk.pool.run_all() == 1
    assert await desk.receive(1) == [200]


async def test_a_request_that_waited_long_enough_is_sent_away_with_429(patient_model: ServedModel) -> None:
    desk = Desk(patient_model, RunLimits(max_concurrency=1, queue_wait_seconds=0))
    desk.submit()
    desk.submit()
    assert await desk.receive(1) == [429]
    assert desk.pool.run_all() == 1
    assert await desk.receive(1) == [200]


async def test_a_request_whose_time_is_over_is_a_504_even_while_it_waits(patient_model: ServedModel) -> None:
    desk = Desk(patient_model, RunLimits(max_concurrency=1, queue_wait_seconds=3600, timeout_seconds=0.001))
    running, waiting = desk.submit(), desk.submit()
    assert await desk.receive(2) == [504, 504]
    assert all(job.stop_sign is not None and job.stop_sign.is_shown for job in (running, waiting))
    assert desk.pool.run_all() == 1


async def test_whose_client_is_gone_does_not_run_and_is_stopped_where_it_runs(patient_model: ServedModel) -> None:
    desk = Desk(patient_model, RunLimits(max_concurrency=1, queue_wait_seconds=3600))
    running, waiting = desk.submit(), desk.submit()
    waiting.pending.abandon()
    running.pending.abandon()
    assert await desk.receive(2) == [499, 499]
    assert running.stop_sign is not None
    assert running.stop_sign.is_shown
    assert desk.pool.run_all() == 1
    await asyncio.sleep(0)
    assert desk.pool.run_all() == 0


def test_an_http_client_that_breaks_its_connection_stops_its_run(tmp_path: Path) -> None:
    """One that only closes its side may still wait for the answer."""
    with ServerProcess(save_patient_model(tmp_path / "m.onnx")) as server:
        server.wait_until_ready()
        tensor = {"name": "steps", "shape": [], "datatype": "INT64", "data": [9_000_000_000]}
        connection = server.connect()
        connection.request("POST", "/v2/models/m/infer", json.dumps({"inputs": [tensor]}))
        server.wait_for_in_flight(1)
        assert connection.sock is not None
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        server.wait_for_in_flight(0)
        assert server.count_requests("infer", 499) == 1


def test_a_run_that_takes_too_long_is_stopped_and_its_thread_is_free_again(tmp_path: Path) -> None:
    flags = ("--timeout-seconds", "0.3", "--max-concurrency", "1")
    with ServerProcess(save_patient_model(tmp_path / "m.onnx"), *flags) as server:
        server.wait_until_ready()
        tensor = {"name": "steps", "shape": [], "datatype": "INT64", "data": [9_000_000_000]}
        answer = server.post("/v2/models/m/infer", {"inputs": [tensor]})
        assert (answer.status, answer.error) == (504, "the model did not answer within 0.3 seconds")
        server.wait_for_in_flight(0)
        assert server.count_requests("infer", 504) == 1
        assert server.post("/v2/models/m/infer", {"inputs": [{**tensor, "data": [1]}]}).status == 200
