"""A real `python -m serin_comparer` on loopback between two servers of this process."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from serin_testkit.local_envoy import find_free_ports

PATIENCE_SECONDS = 30.0

Reply = Callable[[web.Request], web.Response]


@dataclass
class Version:
    """Answers what `reply` says, once `may_answer` is set, and keeps what it was asked."""

    reply: Reply
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.raw_path, headers, body))
        await self.may_answer.wait()
        return self.reply(request)


@dataclass
class Comparer:
    port: int
    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession

    async def mirror(self, body: bytes = b"{}", path: str = "/predict", **request: Any) -> int:
        """One copy, as a router sends it; the status that nobody looks at."""
        method = request.pop("method", "POST")
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, data=body, **request) as response:
            return response.status

    async def metrics(self) -> dict[str, float]:
        async with self.session.get(f"http://127.0.0.1:{self.port}/metrics") as response:
            lines = (await response.text()).splitlines()
        found = (line.rpartition(" ") for line in lines if not line.startswith("#") and "_created" not in line)
        return {name.removeprefix("serin_comparer_"): float(value) for name, _, value in found}

    async def until(self, series: str, value: float) -> dict[str, float]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                metrics = await self.metrics()
                if metrics[series] == value:
                    return metrics
                await asyncio.sleep(0.01)

    async def leave(self) -> list[dict[str, Any]]:
        """SIGTERM, the end, and the examples that were logged."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(self.process.communicate(), PATIENCE_SECONDS)
        assert self.process.returncode == 0
        lines = [json.loads(line) for line in output.splitlines()]
        return [line for line in lines if line["message"] == "answers differ"]


@asynccontextmanager
async def run_comparer(baseline: Version, canary: Version, *flags: str) -> AsyncIterator[Comparer]:
    runners = []
    for version in (baseline, canary):
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", version.serve)
        runner = web.AppRunner(application, access_log=None, auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        version.port = runner.addresses[0][1]
        runners.append(runner)
    (port,) = find_free_ports(1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "serin_comparer", "--host", "127.0.0.1", "--port", str(port)),
        *("--baseline", f"127.0.0.1:{baseline.port}", "--canary", f"127.0.0.1:{canary.port}", *flags),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with aiohttp.ClientSession() as session:
            comparer = Comparer(port, process, session)
            await _until_ready(comparer)
            yield comparer
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
        for version in (baseline, canary):
            version.may_answer.set()  # aiohttp waits a minute for an answer that is under way
        for runner in runners:
            await runner.cleanup()


async def _until_ready(comparer: Comparer) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                if await comparer.mirror(method="GET", path="/ready") == 200:
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
