"""A real `python -m serin_server` on a free loopback port, and plain ways to talk to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"])


class ServerProcess:
    def __init__(self, model_uri: str | Path, *flags: str, environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "serin_server", "--model-uri", str(model_uri), "--host", "127.0.0.1"),
                *("--http-port", "0", "--model-name", "m", "--model-version", "1", "--log-format", "json"),
                *("--drain-seconds", "0", "--workers", "1", *flags),
            ],
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: list[str] = []
        self.port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @property
    def process_id(self) -> int:
        return self._process.pid

    def wait_until_listening(self) -> Self:
        self.port = int(self.wait_for_log("listening")["port"])
        return self

    def wait_until_ready(self) -> Self:
        self.wait_until_listening()
        self.wait_for_log("ready")
        return self

    def wait_for_log(self, message: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            facts: dict[str, Any] = json.loads(line)
            if facts["message"] == message:
                return facts
        raise AssertionError(f"the server ended without logging {message!r}: {self._process.communicate()}")

    def kill(self) -> None:
        self._process.kill()

    def read_log(self) -> dict[str, Any]:
        """The next line."""
        assert self._process.stdout is not None
        self._lines.append(self._process.stdout.readline())
        facts: dict[str, Any] = json.loads(self._lines[-1])
        return facts

    def kill_worker(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def send_signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def wait_until_exit(self) -> tuple[int, str, str]:
        """Exit code, all log lines, standard error."""
        stdout, stderr = self._process.communicate(timeout=60)
        return self._process.returncode, "".join(self._lines) + stdout, stderr

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def connect_raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection = self.connect()
        try:
            return ask(connection, method, path, body, headers)
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        return self.request("POST", path, body, headers)

    def count_requests(self, method: str, code: int) -> float | None:
        """The value of the request counter; None when there is no such series."""
        return self.read_metric(
            f'serin_requests_total{{code="{code}",method="{method}",model="m",protocol="http",version="1"}}'
        )

    def read_in_flight(self) -> float | None:
        return self.read_metric('serin_in_flight_requests{model="m",version="1"}')

    def wait_for_in_flight(self, count: int) -> None:
        while self.read_in_flight() != count:
            assert self._process.poll() is None

    def read_metric(self, series: str) -> float | None:
        found = re.search(re.escape(series) + r" (\S+)$", self.get("/metrics").body.decode(), re.MULTILINE)
        return float(found[1]) if found else None


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    default = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path, body, {**default, **(headers or {})})
    response = connection.getresponse()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
