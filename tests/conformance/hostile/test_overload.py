"""More than the server can do, and being told to leave in the middle of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from unit.server.onnx_models import save_linear_model, save_patient_model
from unit.server.server_process import ServerProcess

CONNECTIONS = 20
REQUESTS_PER_SECOND = 1000
SECONDS_BEFORE_SIGTERM = 1.0
SECONDS_AFTER_SIGTERM = 1.5
"""How long a Service may go on sending to a pod that leaves; the server drains for longer."""

ROW = b"[[1,2,3,4,5,6]]"
REQUEST = b"POST /predict HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n%s" % (len(ROW), ROW)


@dataclass
class Load:
    """Requests at a fixed rate over keep-alive connections, each opened again when the server says that it closes."""

    port: int
    must_stop: bool = False
    statuses: Counter[int] = field(default_factory=Counter)
    errors: list[Exception] = field(default_factory=list)
    announced_closes: int = 0

    async def run_connection(self) -> None:
        clock, due = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while not self.must_stop:
                streams = streams or await asyncio.open_connection("127.0.0.1", self.port)
                if await self._ask(*streams):
                    streams[1].close()
                    streams = None
                due += CONNECTIONS / REQUESTS_PER_SECOND
                await asyncio.sleep(max(0.0, due - clock.time()))
        except (OSError, EOFError, ValueError) as error:
            self.errors.append(error)
        finally:
            if streams is not None:
                streams[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """True when the server has said that it closes the connection."""
        writer.write(REQUEST)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        self.statuses[int(head[9:12])] += 1
        closes = b"connection: close" in head
        self.announced_closes += closes
        return closes


@asynccontextmanager
async def running(load: Load) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(load.run_connection())
        yield
        load.must_stop = True


async def test_sigterm_under_a_thousand_requests_a_second_fails_none(tmp_path: Path) -> None:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx"), "--drain-seconds", "4") as server:
        load = Load(server.wait_until_ready().port)
        async with running(load):
            await asyncio.sleep(SECONDS_BEFORE_SIGTERM)
            before = load.statuses.total()
            server.send_signal()
            await asyncio.sleep(SECONDS_AFTER_SIGTERM)
        code, _, _ = await asyncio.to_thread(server.wait_until_exit)
    assert load.errors == []
    assert load.statuses.keys() == {200}
    assert load.announced_closes > 0
    assert load.statuses.total() > before > 0
    assert code == 0


async def test_what_is_beyond_the_limit_is_sent_away_and_does_not_queue(tmp_path: Path) -> None:
    """Two runs that do not end hold both places: everybody else is answered although they stay."""
    body = json.dumps({"inputs": [{"name": "steps", "shape": [], "datatype": "INT64", "data": [9 * 10**9]}]}).encode()
    flags = ("--max-concurrency", "2", "--queue-wait-seconds", "0.2", "--finish-seconds", "0")
    with ServerProcess(save_patient_model(tmp_path / "m.onnx"), *flags) as server:
        server.wait_until_ready()
        asked = {asyncio.create_task(ask_once(server.port, body)) for _ in range(100)}
        sent_away: list[bytes] = []
        while len(asked) > 2:
            done, asked = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            sent_away += [task.result() for task in done]
        health = await asyncio.to_thread(server.get, "/v2/health/ready")
        in_flight = await asyncio.to_thread(server.read_in_flight)
        for task in asked:
            task.cancel()
    assert {head.split(b"\r\n")[0] for head in sent_away} == {b"HTTP/1.1 429 Too Many Requests"}
    assert all(b"\r\nretry-after: " in head for head in sent_away)
    assert (health.status, in_flight) == (200, 2)


async def ask_once(port: int, body: bytes) -> bytes:
    """The head of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    try:
        return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
