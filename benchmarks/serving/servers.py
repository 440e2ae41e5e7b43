"""How each server is started, in an environment of its own, with one worker and one thread for a run of the model."""

from __future__ import annotations

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

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
START_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Server:
    name: str
    title: str
    make_command: Callable[[str, int, Path], list[str]]
    """Of the environment's bin directory, the port and a folder for settings."""
    is_peer: bool = True


@dataclass(frozen=True)
class Running:
    process_id: int
    port: int
    start_seconds: float


def make_serin_command(binaries: str, port: int, folder: Path) -> list[str]:
    flags = ["--http-port", str(port), "--host", "127.0.0.1", "--model-name", "m", "--drain-seconds", "0"]
    return [sys.executable, "-m", "serin_server", "--model-uri", os.environ["BENCHMARK_MODEL"], *flags]


def make_mlserver_command(binaries: str, port: int, folder: Path) -> list[str]:
    more = {"grpc_port": find_free_port(), "metrics_port": find_free_port(), "parallel_workers": 0, "debug": False}
    (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "http_port": port, **more}))
    (folder / "model-settings.json").write_text(json.dumps({"name": "m", "implementation": "mlserver_model.OnnxModel"}))
    return [f"{binaries}/mlserver", "start", str(folder)]


def make_kserve_command(binaries: str, port: int, folder: Path) -> list[str]:
    program = str(HERE / "peers/kserve_server.py")
    return [f"{binaries}/python", program, "--http_port", str(port), "--enable_grpc", "false"]


def make_bentoml_command(binaries: str, port: int, folder: Path) -> list[str]:
    return [f"{binaries}/bentoml", "serve", "bentoml_server:OnnxModel", "--host", "127.0.0.1", "--port", str(port)]


def make_fastapi_command(binaries: str, port: int, folder: Path) -> list[str]:
    return [f"{binaries}/python", str(HERE / "peers/fastapi_server.py"), str(port)]


SERVERS = (
    Server("serin", "Serin", make_serin_command, is_peer=False),
    Server("fastapi", "FastAPI + onnxruntime", make_fastapi_command),
    Server("mlserver", "MLServer", make_mlserver_command),
    Server("kserve", "KServe SDK", make_kserve_command),
    Server("bentoml", "BentoML", make_bentoml_command),
)


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def prepare_binaries(server: Server) -> str:
    """The bin directory of the server's environment, which is installed at the first call."""
    if not server.is_peer:
        return str(Path(sys.executable).parent)
    lock = HERE / "peers" / f"{server.name}.lock"
    python = subprocess.run([ROOT / "hack/locked-venv", lock], stdout=subprocess.PIPE, text=True, check=True).stdout
    return str(Path(python.strip()).parent)


@contextmanager
def running(server: Server, model: Path, body: bytes, folder: Path) -> Iterator[Running]:
    """Until its first right answer counts as the start; ended with all that it has started."""
    os.environ["BENCHMARK_MODEL"] = str(model)
    binaries, port = prepare_binaries(server), find_free_port()
    command = server.make_command(binaries, port, folder)
    environment = {
        **{name: os.environ[name] for name in ("HOME", "BENCHMARK_MODEL")},
        "PATH": f"{binaries}:/usr/bin:/bin",
        "PYTHONPATH": str(HERE / "peers" if server.is_peer else ROOT / "server"),
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
            wait_for_answer(process, port, body, log)
            yield Running(process.pid, port, time.monotonic() - began)
        finally:
            end(process)


def wait_for_answer(process: subprocess.Popen[bytes], port: int, body: bytes, log: Path) -> None:
    trouble = "no answer"
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", "/v2/models/m/infer", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
            if response.status == 200 and b'"outputs"' in text:
                return
            trouble = f"{response.status} {text[:300]!r}"
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.02)
    raise RuntimeError(f"no right answer ({trouble}); its last words: {log.read_text()[-1500:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
