"""A real Envoy on loopback that follows what the router's renderer makes, with backends in this process behind it.

Only addresses and ports differ from a pod's. Files change as a kubelet changes those of a ConfigMap: a new folder is
put in place of the old one by moving a link.
"""

import asyncio
import contextlib
import json
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from serin.adapters.traffic.router import RouterState
from serin.adapters.traffic.router_bootstrap import render_bootstrap
from serin.adapters.traffic.router_config import ADMIN_PORT, STATE_PATH, STATS_PORT, USERS_PORT, render_config
from serin.adapters.traffic.router_reader import read_state
from serin.core.facts import Route
from serin.core.model_deployment.names import deployment_name
from serin.core.plan import Backend, TrafficIntent

ENVOY = Path(sysconfig.get_path("purelib")) / "envoy" / "_bin" / "envoy"
DRAIN_TOKEN = "token"
PATIENCE_SECONDS = 30.0

LINKS_LATER_SECONDS = 0.05
"""A kubelet moves the folder first and links new files then. Time enough for an Envoy to read what was moved."""

Json = dict[str, Any]


@dataclass
class Answer:
    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Connection:
    """One HTTP/1.1 connection of a client that keeps it open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        lines = [f"GET {path} HTTP/1.1", "host: weather", *(f"{k}: {v}" for k, v in (headers or {}).items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = await _read_answer(reader)
        if answer.headers.get("connection") == "close":
            await self.close()
        return answer

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            with contextlib.suppress(OSError):
                await self._streams[1].wait_closed()
            self._streams = None


async def get_once(port: int, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own."""
    connection = Connection(port)
    try:
        return await connection.get(path, headers)
    finally:
        await connection.close()


async def send_all(port: int, requests: Iterable[Mapping[str, str]], connections: int) -> list[Answer]:
    """Sends requests with these headers over so many connections at once; answers in the order of the requests."""
    queue = list(enumerate(requests))
    answers: dict[int, Answer] = {}

    async def work() -> None:
        connection = Connection(port)
        while queue:
            number, headers = queue.pop()
            answers[number] = await connection.get("/", headers)
        await connection.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return [answers[number] for number in sorted(answers)]


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(": ")
        if name:
            headers[name.lower()] = value
    if headers.get("transfer-encoding") == "chunked":
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readline()
        body = b"".join(parts)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(int(head[0].split()[1]), body.decode(), headers)


class Pods:
    """A server that answers with its own name, as long as `status` says; it counts what reaches it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = 200
        self.delay_seconds = 0.0
        self.requests = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Nobody listens any more, and what was connected is cut off."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                body = self.name
                writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


class LocalEnvoy:
    """Made by `run`. `pods` are the backends, by route; those for gRPC are the test's."""

    def __init__(self, folder: Path, pods: Mapping[Route, Pods], grpc_ports: Mapping[Route, int]) -> None:
        self.pods = pods
        self._grpc_ports = grpc_ports
        self._folder = folder
        self._generation = 0
        self._ports = dict(zip((USERS_PORT, STATS_PORT, ADMIN_PORT), find_free_ports(3), strict=True))
        self._process: asyncio.subprocess.Process | None = None

    @staticmethod
    @asynccontextmanager
    async def run(intent: TrafficIntent, grpc_ports: Mapping[Route, int] | None = None) -> "AsyncIterator[LocalEnvoy]":
        """Runs with this intent; every backend of it gets pods of its own, and their port."""
        pods = {backend.route: Pods(deployment_name(backend.route)) for backend in intent.backends}
        for server in pods.values():
            await server.start()
        with tempfile.TemporaryDirectory() as folder:
            envoy = LocalEnvoy(Path(folder), pods, grpc_ports or {})
            envoy.put(intent)
            await envoy.start()
            try:
                await envoy.until_follows(intent)
                yield envoy
            finally:
                await envoy.stop()
                for server in pods.values():
                    await server.stop()

    def put(self, intent: TrafficIntent) -> str:
        """Changes the files as a kubelet does; returns the version that they have now."""
        config = render_config(self.with_ports(intent))
        self.write(config.files)
        return config.version

    def write(self, files: Mapping[str, str]) -> None:
        self._generation += 1
        generation = self._folder / f"..{self._generation}"
        generation.mkdir()
        for name, text in files.items():
            (generation / name).write_text(_on_loopback(text))
        moved = self._folder / "..data_new"
        moved.symlink_to(generation.name)
        moved.rename(self._folder / "..data")
        new = [name for name in files if not (self._folder / name).is_symlink()]
        if new and generation.name != "..1":
            time.sleep(LINKS_LATER_SECONDS)
        for name in new:
            (self._folder / name).symlink_to(f"..data/{name}")

    @property
    def users_port(self) -> int:
        return self._ports[USERS_PORT]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        text = json.dumps(self._render_bootstrap())
        for meant, free in self._ports.items():
            text = text.replace(f'"port_value": {meant}', f'"port_value": {free}')
        arguments = (
            "--config-yaml",
            text,
            "--concurrency",
            "1",
            "--drain-time-s",
            "2",
            "--drain-strategy",
            "immediate",
        )
        self._process = await asyncio.create_subprocess_exec(
            *(str(ENVOY), *arguments, "--disable-hot-restart", "--log-level", "critical")
        )

    def _render_bootstrap(self) -> Json:
        return render_bootstrap(DRAIN_TOKEN, str(self._folder))

    async def stop(self) -> None:
        """SIGTERM, as a kubelet sends it in the end."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
        self._process = None

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def connect(self) -> Connection:
        return Connection(self.users_port)

    async def get(self, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        """A user's request on a connection of its own."""
        return await get_once(self.users_port, path, headers)

    async def ask(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """A request to the port for metrics."""
        return await get_once(self._ports[STATS_PORT], path, headers)

    async def send(self, requests: Iterable[Mapping[str, str]], connections: int = 20) -> list[Answer]:
        """Sends requests with these headers over some connections at once; answers in the order of the requests."""
        return await send_all(self.users_port, requests, connections)

    async def count(self, requests: int) -> Counter[str]:
        """Who answered so many requests."""
        return Counter(answer.body for answer in await self.send({} for _ in range(requests)))

    async def state(self, model: str | None = None) -> RouterState | None:
        """None while it does not answer. `model`: of a router that several share."""
        try:
            answer = await self.ask(f"{STATE_PATH}/{model}" if model else STATE_PATH)
        except (OSError, asyncio.IncompleteReadError):
            return None
        state = read_state(json.loads(answer.body)) if answer.status == 200 else None
        return state if isinstance(state, RouterState) else None

    async def until_follows(self, intent: TrafficIntent) -> None:
        version = render_config(self.with_ports(intent)).version
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                state = await self.state()
                if state is not None and state.version == version and await self._is_ready():
                    return
                await asyncio.sleep(0.01)

    async def _is_ready(self) -> bool:
        return (await self.ask("/ready")).status == 200

    async def follow(self, intent: TrafficIntent) -> None:
        self.put(intent)
        await self.until_follows(intent)

    def with_ports(self, intent: TrafficIntent) -> TrafficIntent:
        backends = tuple(
            Backend(backend.route, self.pods[backend.route].port, self._grpc_ports.get(backend.route))
            for backend in intent.backends
        )
        return replace(intent, backends=backends)


def _on_loopback(text: str) -> str:
    """Every host is this machine."""
    content = json.loads(text)
    for resource in content.get("resources", ()):
        for locality in resource.get("load_assignment", {}).get("endpoints", ()):
            for endpoint in locality["lb_endpoints"]:
                endpoint["endpoint"]["address"]["socket_address"]["address"] = "127.0.0.1"
    return json.dumps(content)


def find_free_ports(count: int) -> Sequence[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def validate(bootstrap: Json, clusters: Sequence[Json], routes: Json) -> str:
    """What `envoy --mode validate` says against a router's whole configuration; nothing when it is good.

    Envoy reads no file of clusters or routes in this mode, so both are put into the bootstrap.
    """
    whole = json.loads(json.dumps(bootstrap))
    del whole["dynamic_resources"]
    whole["static_resources"]["clusters"] += [{k: v for k, v in each.items() if k != "@type"} for each in clusters]
    users = whole["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    del users["rds"]
    users["route_config"] = {**{k: v for k, v in routes.items() if k != "@type"}, "validate_clusters": True}
    done = subprocess.run(
        [str(ENVOY), "--mode", "validate", "--config-yaml", json.dumps(whole), "--log-level", "warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 and not done.stderr else done.stderr or done.stdout
