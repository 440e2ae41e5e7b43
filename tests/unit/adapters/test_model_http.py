"""One question to one pod's server, over real HTTP on loopback."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from aiohttp import web
from serin.adapters import model_http
from serin.adapters.model_http import ModelHttp
from serin.core.contract.golden_requests import Answer
from serin.core.facts import ModelQuestion, NoAnswer

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Pod:
    """A server that answers as it is told to."""

    def __init__(self) -> None:
        self.models = ModelHttp()
        self.port = 0
        self.handler: Handler = Pod._echo

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return await self.handler(request)

    async def ask(self, path: str = "/predict", body: object = None) -> Answer | NoAnswer:
        return await self.models.ask(ModelQuestion("127.0.0.1", self.port, path, body))

    @staticmethod
    async def _echo(request: web.Request) -> web.Response:
        return web.json_response(
            {"method": request.method, "got": await request.json() if request.body_exists else None}
        )


@pytest_asyncio.fixture
async def pod() -> AsyncIterator[Pod]:
    pod = Pod()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", pod.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pod.port = runner.addresses[0][1]
    yield pod
    await pod.models.close()
    await runner.cleanup()


async def test_a_question_with_a_body_is_posted_and_one_without_is_got(pod: Pod) -> None:
    assert await pod.ask(body=[[1]]) == Answer(200, {"method": "POST", "got": [[1]]})
    assert await pod.ask() == Answer(200, {"method": "GET", "got": None})


async def test_an_error_is_an_answer(pod: Pod) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"error": "seven features"}, status=400)

    pod.handler = refuse
    assert await pod.ask() == Answer(400, {"error": "seven features"})


async def test_an_answer_that_is_no_json_is_told_as_such(pod: Pod) -> None:
    async def show_page(_: web.Request) -> web.Response:
        return web.Response(text="<html>")

    pod.handler = show_page
    assert await pod.ask() == Answer(200, is_json=False)


async def test_a_redirect_is_not_followed(pod: Pod) -> None:
    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere")

    pod.handler = redirect
    assert await pod.ask() == Answer(302, is_json=False)


async def test_an_answer_that_is_too_large_is_not_read(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_http, "MOST_ANSWER_BYTES", 1 << 20)

    async def flood(_: web.Request) -> web.Response:
        return web.Response(body=b"1" * (3 << 20))

    pod.handler = flood
    assert await pod.ask() == NoAnswer("/predict was answered with more than 1 MiB")


async def test_nobody_there_is_no_answer(pod: Pod) -> None:
    found = await pod.models.ask(ModelQuestion("127.0.0.1", 1, "/predict"))
    assert isinstance(found, NoAnswer)
    assert "/predict was not answered" in found.reason
