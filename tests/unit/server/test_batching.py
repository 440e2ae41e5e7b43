"""Requests of one turn of the loop that share a run, and the proof at load that nobody can tell."""

from __future__ import annotations

import asyncio
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from serin_server.dispatch import Dispatcher
from serin_server.inference.batching import Batching, join_feeds, measure_batch_rows, split_outputs
from serin_server.inference.engine import Engine, load_engine
from serin_server.inference.warm_up import make_varied_inputs, warm_up
from serin_server.job import Job
from serin_server.long_runs import LongRuns, RunLimits
from serin_server.oip.datatypes import Array
from serin_server.served_model import load_served_model
from serin_server.telemetry import Telemetry
from serin_server.wire.application import PendingResponse
from serin_server.wire.request import Request
from serin_server.wire.response import Response
from unit.server.onnx_models import save_linear_model, save_lookup_model


def save_mixing_model(path: Path) -> Path:
    """x [rows, 2] -> y = x minus the largest value of all rows: each row's answer depends on the others."""
    nodes = [helper.make_node("ReduceMax", ["x"], ["max"], keepdims=0), helper.make_node("Sub", ["x", "max"], ["y"])]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 2]) for name in "xy")
    graph = helper.make_graph(nodes, "mixing", [x], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


class CountingEngine(Engine):
    """The real one, which tells how many rows each run had."""

    def __init__(self, engine: Engine) -> None:
        self.__dict__.update(engine.__dict__)
        self.runs: list[int] = []

    def run(self, feeds: dict[str, Array], *rest: Any) -> dict[str, Array]:
        self.runs.append(len(next(iter(feeds.values()))))
        return super().run(feeds, *rest)


class Turn:
    """Jobs given to a dispatcher in one turn of the loop."""

    def __init__(self, path: Path, batch_rows: int | None = None, max_delay_seconds: float = 0.0) -> None:
        loaded = load_served_model(path, "m", "1", threads=1)
        self.engine = CountingEngine(loaded.engine)
        self.model = dataclasses.replace(loaded, engine=self.engine, batch_rows=batch_rows or loaded.batch_rows)
        telemetry = Telemetry("m", "1")
        long_runs = LongRuns(ThreadPoolExecutor(1), telemetry, RunLimits())
        self.dispatcher = Dispatcher(long_runs, telemetry, max_delay_seconds)

    async def submit(self, *feeds: dict[str, Array], outputs: tuple[str, ...] | None = None) -> list[Response]:
        names = outputs or self.model.signature.output_names
        answers = [self.dispatcher.submit(self.model, Job(Request(), each, names, render)) for each in feeds]
        await asyncio.sleep(0)
        responses: list[Response] = []
        for answer in answers:
            if isinstance(answer, PendingResponse):
                answer.when_settled(responses.append)
            else:
                responses.append(answer)
        return responses


def render(outputs: dict[str, Array]) -> Response:
    return Response(200, repr({name: array.tolist() for name, array in outputs.items()}).encode())


def row(*values: float) -> dict[str, Array]:
    return {"x": np.array([values], np.float32)}


async def test_jobs_of_one_turn_share_a_run_and_each_gets_its_own_rows(tmp_path: Path) -> None:
    turn = Turn(save_linear_model(tmp_path / "m.onnx", features=2, outputs=1))
    two_rows = {"x": np.array([[3, 3], [4, 4]], np.float32)}
    answers = await turn.submit(row(1, 1), two_rows, row(5, 5))
    assert turn.engine.runs == [4]
    assert [answer.body for answer in answers] == [b"{'y': [[2.0]]}", b"{'y': [[6.0], [8.0]]}", b"{'y': [[10.0]]}"]


async def test_a_batch_never_has_more_rows_than_were_proved_at_load(tmp_path: Path) -> None:
    turn = Turn(save_linear_model(tmp_path / "m.onnx", features=2), batch_rows=3)
    answers = await turn.submit(*[row(i, i) for i in range(7)])
    assert turn.engine.runs == [3, 3, 1]
    assert len(answers) == 7


async def test_with_a_delay_jobs_of_later_turns_join_the_batch(tmp_path: Path) -> None:
    turn = Turn(save_linear_model(tmp_path / "m.onnx", features=2), max_delay_seconds=0.05)
    responses = await turn.submit(row(1, 1))
    assert (responses, turn.engine.runs) == ([], [])
    await turn.submit(row(2, 2))
    while not turn.engine.runs:  # noqa: ASYNC110 - the engine tells no one
        await asyncio.sleep(0.01)
    assert turn.engine.runs == [2]


async def test_a_full_batch_waits_for_nobody(tmp_path: Path) -> None:
    turn = Turn(save_linear_model(tmp_path / "m.onnx", features=2), batch_rows=2, max_delay_seconds=3600)
    assert len(await turn.submit(row(1, 1), row(2, 2))) == 2
    assert turn.engine.runs == [2]


async def test_a_job_that_fails_fails_alone(tmp_path: Path) -> None:
    turn = Turn(save_lookup_model(tmp_path / "m.onnx"))
    answers = await turn.submit(*({"index": np.array([index])} for index in (0, 99, 2)))
    assert [answer.status for answer in answers] == [200, 500, 200]


async def test_inputs_that_disagree_about_the_rows_run_alone(tmp_path: Path) -> None:
    turn = Turn(save_linear_model(tmp_path / "m.onnx", features=2))
    uneven = {"x": np.zeros((1, 2), np.float32), "z": np.zeros((2, 2), np.float32)}
    assert not turn.model.can_share_a_run(uneven)


def test_a_model_that_mixes_its_rows_is_never_batched(tmp_path: Path) -> None:
    engine = load_engine(save_mixing_model(tmp_path / "m.onnx"), threads=1)
    assert warm_up(engine).batch_rows == 1


def test_an_ordinary_model_is_batched_unless_told_not_to(tmp_path: Path) -> None:
    engine = load_engine(save_linear_model(tmp_path / "m.onnx"), threads=1)
    assert warm_up(engine).batch_rows > 1
    assert warm_up(engine, Batching.OFF).batch_rows == 1


@pytest.mark.parametrize(("is_exact", "expected"), [(True, 1), (False, 8)])
def test_exact_means_to_the_last_bit(tmp_path: Path, *, is_exact: bool, expected: int) -> None:
    class RoundingEngine(CountingEngine):
        def run(self, feeds: dict[str, Array], *rest: Any) -> dict[str, Array]:
            result = super().run(feeds, *rest)
            return result if len(feeds["x"]) == 1 else {"y": np.nextafter(result["y"], np.float32(np.inf))}

    engine = RoundingEngine(load_engine(save_linear_model(tmp_path / "m.onnx", features=2), threads=1))
    inputs = make_varied_inputs(engine.signature, 8)
    assert measure_batch_rows(engine, inputs, is_exact=is_exact) == expected


def test_joined_feeds_split_into_what_they_were() -> None:
    feeds = [row(1, 2), {"x": np.zeros((0, 2), np.float32)}, {"x": np.ones((2, 2), np.float32)}]
    for piece, one in zip(split_outputs(join_feeds(feeds), [1, 0, 2]), feeds, strict=True):
        np.testing.assert_array_equal(piece["x"], one["x"])
