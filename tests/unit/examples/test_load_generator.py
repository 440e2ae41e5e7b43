"""The load generator counts what a user sees: every request once, and every answer that is not a success as failed."""

import argparse
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import aiohttp
import pytest
from aiohttp import web

FREE_PORT = 0


@dataclass
class Service:
    """A Service on loopback that answers the codes it is given, one after the other, then 200 for ever."""

    codes: list[int] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    url: str = ""


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    state = Service()

    async def infer(request: web.Request) -> web.Response:
        state.bodies.append(await request.json())
        assert request.transport is not None
        state.connections.add(request.transport.get_extra_info("peername"))
        code = state.codes.pop(0) if state.codes else 200
        return web.json_response({"model_version": "2"} if code == 200 else {"error": "no"}, status=code)

    application = web.Application()
    application.router.add_post("/v2/models/weather/infer", infer)
    application.router.add_post("/predict", infer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", FREE_PORT)
    await site.start()
    state.url = site.name
    yield state
    await runner.cleanup()


def arguments(load: ModuleType, *words: str) -> argparse.Namespace:
    parsed = load.parse_arguments(words)
    assert isinstance(parsed, argparse.Namespace)
    return parsed


async def output(load: ModuleType, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    assert await load.generate(arguments(load, *words)) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_only_codes_from_200_to_299_are_successes(load: ModuleType) -> None:
    tally = load.Tally("a run")
    for code in (200, 204, 301, 400, 429, 503):
        tally.add(load.Answer(0.001, code))

    assert (tally.requests, tally.failed) == (6, 4)
    assert tally.codes == {"200": 1, "204": 1, "301": 1, "400": 1, "429": 1, "503": 1}


def test_a_refused_connection_and_a_timeout_are_failures_without_a_code(load: ModuleType) -> None:
    tally = load.Tally("a run")
    tally.add(load.Answer(0.001, error="ClientConnectorError"))
    tally.add(load.Answer(5.0, timed_out=True))

    assert (tally.requests, tally.failed, tally.timeouts) == (2, 2, 1)
    assert tally.errors == {"ClientConnectorError": 1}
    assert not tally.codes


def test_answers_are_counted_by_the_version_that_they_name(load: ModuleType) -> None:
    tally = load.Tally("a run")
    for version in ("1", "2", "2", ""):
        tally.add(load.Answer(0.001, 200, version))

    assert tally.versions == {"1": 1, "2": 2}


@pytest.mark.parametrize(
    ("body", "version"),
    [(b'{"model_version": "2"}', "2"), (b'{"model_version": 2}', "2"), (b"{}", ""), (b"[1]", ""), (b"<html>", "")],
)
def test_an_answer_may_or_may_not_tell_its_version(load: ModuleType, body: bytes, version: str) -> None:
    assert load.read_version(body) == version


def test_quantiles_are_those_of_the_answered_requests(load: ModuleType) -> None:
    tally = load.Tally("a run")
    for milliseconds in range(1, 101):
        tally.add(load.Answer(milliseconds / 1000, 200))
    tally.add(load.Answer(5.0, timed_out=True))

    assert (tally.latency_ms(0.5), tally.latency_ms(0.99)) == (50.0, 99.0)


def test_without_an_answer_there_is_no_latency(load: ModuleType) -> None:
    line = json.loads(load.Tally("a run").render_line(1.0, in_flight=0, final=False))

    assert line["p50_ms"] is None


def test_rows_lie_in_the_ranges_of_the_training_data_and_repeat_with_the_seed(
    load: ModuleType, observations: ModuleType
) -> None:
    assert [low for low, _ in load.RANGES] == observations.LOWEST.tolist()
    assert [high for _, high in load.RANGES] == observations.HIGHEST.tolist()

    rows = load.make_rows(50, seed=3)

    assert rows == load.make_rows(50, seed=3) != load.make_rows(50, seed=4)
    for row in rows:
        assert all(low <= value <= high for value, (low, high) in zip(row, load.RANGES, strict=True))


async def test_counting_begins_with_the_first_success(
    load: ModuleType, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.codes = [503]

    waiting, final = await output(load, capsys, "--url", service.url, "--rate", "200", "--duration-seconds", "0.05")

    assert waiting == {"waiting": True, "last": 503}
    assert (final["requests"], final["failed"], final["versions"], final["final"]) == (10, 0, {"2": 10}, True)


async def test_each_start_of_the_generator_is_a_run_of_its_own(
    load: ModuleType, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--url", service.url, "--rate", "200", "--duration-seconds", "0.01")

    first, second = await output(load, capsys, *words), await output(load, capsys, *words)

    assert first[-1]["run"] != second[-1]["run"]


async def test_every_request_has_its_own_connection(
    load: ModuleType, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    await output(load, capsys, "--url", service.url, "--rate", "200", "--duration-seconds", "0.05")

    assert len(service.connections) == 11  # one of them asked for the first success


async def test_connections_are_reused_when_asked_for(
    load: ModuleType, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    await output(load, capsys, "--url", service.url, "--rate", "50", "--duration-seconds", "0.2", "--keep-alive")

    assert len(service.connections) < 11


@pytest.mark.parametrize("dialect", ["infer", "predict"])
async def test_requests_carry_one_row_in_the_dialect_asked_for(
    load: ModuleType, service: Service, capsys: pytest.CaptureFixture[str], dialect: str
) -> None:
    await output(
        load, capsys, "--url", service.url, "--rate", "100", "--duration-seconds", "0.02", "--dialect", dialect
    )

    body = service.bodies[-1]
    row = body[0] if dialect == "predict" else body["inputs"][0]["data"]
    assert len(row) == 7


async def test_nothing_is_counted_when_the_service_never_answers(
    load: ModuleType, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--url", f"{service.url}/nowhere", "--first-success-within-seconds", "0.05")

    assert await load.generate(arguments(load, *words)) == 1

    assert "is the ModelDeployment ready?" in capsys.readouterr().err


async def test_stopping_ends_the_sending_and_waits_for_answers_on_their_way(load: ModuleType, service: Service) -> None:
    tally = load.Tally("a run")
    async with aiohttp.ClientSession() as session:
        target = load.make_target(arguments(load, "--url", service.url))

        def stop_at_three(answer: Any) -> None:
            tally.add(answer)
            if tally.requests == 3:
                sending.stop()

        sending = load.Load(session, target, stop_at_three)
        await sending.run(per_second=1000, duration_seconds=60)

    assert sending.in_flight == 0
    assert tally.requests == len(service.bodies) < 60_000


@pytest.mark.parametrize("rate", ["0", "-1"])
def test_a_rate_that_is_not_positive_is_refused(
    load: ModuleType, capsys: pytest.CaptureFixture[str], rate: str
) -> None:
    with pytest.raises(SystemExit):
        load.parse_arguments([f"--rate={rate}"])

    assert "expected a number greater than 0" in capsys.readouterr().err
