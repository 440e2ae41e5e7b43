"""How each server is started, in an environment of its own, with one worker and one thread for a run of the model."""

from __future__ import annotations

import functools
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import grpc_load
from load import LoadError

Protocol = Literal["http", "grpc"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
START_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Ports:
    http: int
    grpc: int
    wanted: Protocol

    @property
    def measured(self) -> int:
        return self.http if self.wanted == "http" else self.grpc


@dataclass(frozen=True)
class Server:
    name: str
    title: str
    make_command: Callable[[str, Ports, Path], list[str]]
    """Of the environment's bin directory, the ports and a folder for settings."""
    has_own_environment: bool = True
    protocols: tuple[Protocol, ...] = ("http",)
    workloads: tuple[str, ...] = ()
    """Empty: all of these protocols."""

    @property
    def is_peer(self) -> bool:
        return self.name != "serin"


@dataclass(frozen=True)
class Running:
    process_id: int
    port: int
    start_seconds: float


def make_serin_command(binaries: str, ports: Ports, folder: Path) -> list[str]:
    flags = ["--http-port", str(ports.http), "--host", "127.0.0.1", "--model-name", "m", "--drain-seconds", "0"]
    flags += ["--workers", "1", "--grpc-port", str(ports.grpc if ports.wanted == "grpc" else 0)]
    return [sys.executable, "-m", "serin_server", "--model-uri", os.environ["BENCHMARK_MODEL"], *flags]


def make_mlserver_command(binaries: str, ports: Ports, folder: Path) -> list[str]:
    more = {"grpc_port": ports.grpc, "metrics_port": find_free_port(), "parallel_workers": 0, "debug": False}
    (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "http_port": ports.http, **more}))
    (folder / "model-settings.json").write_text(json.dumps({"name": "m", "implementation": "mlserver_model.OnnxModel"}))
    return [f"{binaries}/mlserver", "start", str(folder)]


def make_kserve_command(binaries: str, ports: Ports, folder: Path) -> list[str]:
    program = str(HERE / "peers/kserve_server.py")
    flags = ["--http_port", str(ports.http), "--grpc_port", str(ports.grpc)]
    return [f"{binaries}/python", program, *flags, "--enable_grpc", str(ports.wanted == "grpc").lower()]


def make_bentoml_command(binaries: str, ports: Ports, folder: Path) -> list[str]:
    return [
        f"{binaries}/bentoml",
        "serve",
        "bentoml_server:OnnxModel",
        "--host",
        "127.0.0.1",
        "--port",
        str(ports.http),
    ]


def make_fastapi_command(binaries: str, ports: Ports, folder: Path) -> list[str]:
    return [f"{binaries}/python", str(HERE / "peers/fastapi_server.py"), str(ports.http)]


def make_echo_command(binaries: str, ports: Ports, folder: Path) -> list[str]:
    return [f"{binaries}/python", str(HERE / "peers/echo_server.py"), str(ports.http)]


def make_grpcio_command(binaries: str, ports: Ports, folder: Path) -> list[str]:
    return [f"{binaries}/python", str(HERE / "peers/grpcio_server.py"), str(ports.grpc)]


SERVERS = (
    Server("serin", "Serin", make_serin_command, has_own_environment=False, protocols=("http", "grpc")),
    Server("echo", "no model, bare HTTP", make_echo_command, has_own_environment=False, workloads=("logistic",)),
    Server("fastapi", "FastAPI + onnxruntime", make_fastapi_command),
    Server("grpcio", "grpcio + onnxruntime", make_grpcio_command, has_own_environment=False, protocols=("grpc",)),
    Server("mlserver", "MLServer", make_mlserver_command, protocols=("http", "grpc")),
    Server("kserve", "KServe SDK", make_kserve_command, protocols=("http", "grpc")),
    Server("bentoml", "BentoML", make_bentoml_command),
)


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def prepare_binaries(server: Server) -> str:
    """The bin directory of the server's environment, which is installed at the first call."""
    if not server.has_own_environment:
        return str(Path(sys.executable).parent)
    lock = HERE / "peers" / f"{server.name}.lock"
    python = subprocess.run([ROOT / "hack/locked-venv", lock], stdout=subprocess.PIPE, text=True, check=True).stdout
    return str(Path(python.strip()).parent)


@functools.cache
def compile_serin() -> str:
    """The folder of its package as it is in the image."""
    return subprocess.run(ROOT / "hack/compile-server", stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@contextmanager
def running(server: Server, model: Path, protocol: Protocol, body: bytes, folder: Path) -> Iterator[Running]:
    """Until its first right answer counts as the start; ended with all that it has started."""
    os.environ["BENCHMARK_MODEL"] = str(model)
    binaries, ports = prepare_binaries(server), Ports(find_free_port(), find_free_port(), protocol)
    command = server.make_command(binaries, ports, folder)
    environment = {
        **{name: os.environ[name] for name in ("HOME", "BENCHMARK_MODEL")},
        "PATH": f"{binaries}:/usr/bin:/bin",
        "PYTHONPATH": str(HERE / "peers") if server.has_own_environment else f"{compile_serin()}:{HERE / 'peers'}",
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(folder),
        "OMP_NUM_THREADS": "1",
    }
    log = folder / f"{server.name}.log"
    with log.open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            wait_for_answer(process, ports, body, log)
            yield Running(process.pid, ports.measured, time.monotonic() - began)
        finally:
            end(process)


def wait_for_answer(process: subprocess.Popen[bytes], ports: Ports, body: bytes, log: Path) -> None:
    ask = ask_by_http if ports.wanted == "http" else ask_by_grpc
    trouble: str | None = "no answer"
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        trouble = ask(ports.measured, body)
        if trouble is None:
            return
        time.sleep(0.02)
    raise RuntimeError(f"no right answer ({trouble}); its last words: {log.read_text()[-1500:]}")


def ask_by_grpc(port: int, body: bytes) -> str | None:
    try:
        grpc_load.ask(port, body)
    except LoadError as error:
        return str(error)
    return None


def ask_by_http(port: int, body: bytes) -> str | None:
    """None: the answer was right; otherwise what it was."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/v2/models/m/infer", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()
    return None if response.status == 200 and b'"outputs"' in text else f"{response.status} {text[:300]!r}"


def end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
