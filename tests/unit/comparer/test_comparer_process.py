"""The process: who is asked what, what is counted, and that nobody ever waits for it."""

import asyncio
import gzip
from typing import Any

from aiohttp import web
from unit.comparer.comparer_process import Comparer, Reply, Version, run_comparer


def says(document: Any, status: int = 200) -> Reply:
    return lambda _: web.json_response(document, status=status)


def a_version(reply: Reply | None = None, *, answers: bool = True) -> Version:
    version = Version(reply or says({"rain": False}))
    if answers:
        version.may_answer.set()
    return version


async def compared(comparer: Comparer, result: str, count: float = 1) -> None:
    await comparer.until(f'answers_total{{result="{result}"}}', count)


async def test_both_versions_are_asked_what_the_user_asked() -> None:
    baseline, canary = a_version(), a_version()
    async with run_comparer(baseline, canary) as comparer:
        headers = {"x-user-id": "7", "accept-encoding": "gzip", "content-type": "application/json"}
        assert await comparer.mirror(b'{"x": 1}', "/v2/models/a%2Fb/infer?q=%20", headers=headers) == 202
        await compared(comparer, "agree")

    for version in (baseline, canary):
        ((method, path, got, body),) = version.asked
        assert (method, path, body) == ("POST", "/v2/models/a%2Fb/infer?q=%20", b'{"x": 1}')
        assert (got["x-user-id"], got["content-type"]) == ("7", "application/json")
        assert "accept-encoding" not in got


async def test_every_kind_of_answer_is_counted_and_told_by_examples() -> None:
    async with run_comparer(a_version(), a_version(says({"rain": "false"}))) as comparer:
        for _ in range(30):
            await comparer.mirror(path="/predict?secret=1")
        await compared(comparer, "type", 30)
        examples = await comparer.leave()

    assert len(examples) == 10
    shown = {name: examples[0][name] for name in ("result", "path", "place", "baseline", "canary")}
    assert shown == {
        "result": "type",
        "path": "/predict",
        "place": "rain",
        "baseline": "boolean False",
        "canary": "text 'false'",
    }


async def test_every_series_is_there_before_the_first_copy() -> None:
    async with run_comparer(a_version(), a_version()) as comparer:
        metrics = await comparer.metrics()

    results = ("agree", "status", "type", "value", "not_comparable")
    assert {f'answers_total{{result="{result}"}}' for result in results} <= metrics.keys()
    assert {f'dropped_total{{reason="{reason}"}}' for reason in ("full", "too_large")} <= metrics.keys()


async def test_a_version_that_cannot_be_reached_or_is_slow_gives_no_answer() -> None:
    async with run_comparer(a_version(), a_version(answers=False), "--timeout-seconds", "0.2") as comparer:
        await comparer.mirror()
        await compared(comparer, "status")


async def test_copies_beyond_the_room_are_dropped_at_once_and_counted() -> None:
    slow = a_version(answers=False)
    async with run_comparer(slow, a_version(), "--max-waiting", "4", "--concurrency", "1") as comparer:
        statuses = [await comparer.mirror() for _ in range(20)]
        metrics = await comparer.metrics()

        assert statuses.count(503) == metrics['dropped_total{reason="full"}'] >= 15
        assert metrics["waiting"] == statuses.count(202) >= 4

        slow.may_answer.set()
        await compared(comparer, "agree", statuses.count(202))
        assert await comparer.mirror() == 202


async def test_bytes_are_bounded_as_well() -> None:
    slow = a_version(answers=False)
    flags = ("--max-waiting-bytes", "2000", "--max-body-bytes", "1500")
    async with run_comparer(slow, a_version(), *flags) as comparer:
        assert await comparer.mirror(b"x" * 1501) == 413
        assert await comparer.mirror(chunked(b"x" * 1501)) == 413
        assert [await comparer.mirror(b"x" * 900) for _ in range(3)] == [202, 202, 503]
        metrics = await comparer.metrics()

    assert (metrics['dropped_total{reason="too_large"}'], metrics['dropped_total{reason="full"}']) == (2, 1)


def chunked(body: bytes) -> Any:
    async def parts() -> Any:
        yield body

    return parts()


async def test_an_answer_that_is_too_long_is_none() -> None:
    async with run_comparer(a_version(), a_version(says("x" * 3000)), "--max-answer-bytes", "2000") as comparer:
        await comparer.mirror()
        await compared(comparer, "status")


async def test_only_inference_is_sent_again() -> None:
    baseline, canary = a_version(), a_version()
    async with run_comparer(baseline, canary) as comparer:
        before = (await comparer.metrics())['dropped_total{reason="not_inference"}']
        await comparer.mirror(method="GET", path="/v2/models/weather")
        await comparer.mirror(headers={"content-type": "application/grpc"})
        metrics = await comparer.metrics()

    assert metrics['dropped_total{reason="not_inference"}'] == before + 2
    assert baseline.asked == canary.asked == []


async def test_a_compressed_question_is_passed_on_as_it_is() -> None:
    baseline = a_version()
    async with run_comparer(baseline, a_version()) as comparer:
        body = gzip.compress(b"{}")
        await comparer.mirror(body, headers={"content-encoding": "gzip"})
        await compared(comparer, "agree")

    assert (baseline.asked[0][2]["content-encoding"], baseline.asked[0][3]) == ("gzip", body)


async def test_a_redirect_and_a_cookie_are_answers_like_others() -> None:
    def redirect(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": "http://127.0.0.1:1/", "set-cookie": "a=b"})

    baseline = a_version(redirect)
    async with run_comparer(baseline, a_version(redirect)) as comparer:
        for _ in range(2):
            await comparer.mirror()
        await compared(comparer, "agree", 2)

    assert all("cookie" not in headers for _, _, headers, _ in baseline.asked)


async def test_what_was_taken_before_the_end_is_still_compared() -> None:
    slow, canary = a_version(answers=False), a_version(says({"rain": "false"}))
    async with run_comparer(slow, canary) as comparer:
        await comparer.mirror()
        ending = asyncio.create_task(comparer.leave())
        await asyncio.sleep(0)
        slow.may_answer.set()
        assert len(await ending) == 1
