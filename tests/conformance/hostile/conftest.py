"""A real server for peers that mean no good, and plain sockets to talk to it; afterwards it serves as before."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from unit.server.grpc_client import find_free_port
from unit.server.onnx_models import save_echo_model
from unit.server.server_process import ServerProcess

REFUSALS = {400, 401, 404, 405, 408, 411, 413, 415, 417, 431}
"""What a peer's own mistake may be answered with. A 500 is the server's mistake and never right here."""

MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Target:
    process: ServerProcess
    grpc_port: int

    def exchange(self, sent: bytes) -> bytes:
        """All that comes back until the server closes, which it must, because the peer has shut its side."""
        return self._exchange(self.process.connect_raw(), sent)

    def exchange_grpc(self, sent: bytes) -> bytes:
        return self._exchange(self.connect_grpc(), sent)

    def connect_grpc(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.grpc_port), timeout=30)

    def _exchange(self, connection: socket.socket, sent: bytes) -> bytes:
        received = b""
        with connection:
            try:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                while data := connection.recv(1 << 16):
                    received += data
            except (ConnectionResetError, BrokenPipeError):
                pass  # The server had enough and did not wait for the rest.
        return received

    def read_cpu_seconds(self) -> float:
        tasks = Path(f"/proc/{self.process.process_id}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def read_peak_memory_bytes(self) -> int:
        status = Path(f"/proc/{self.process.process_id}/status").read_text()
        return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    model = save_echo_model(tmp_path_factory.mktemp("models") / "echo.onnx", ["FP32", "INT64", "BYTES"])
    port = find_free_port()
    with ServerProcess(model, "--max-body-bytes", str(MAX_BODY_BYTES), "--grpc-port", str(port)) as process:
        yield Target(process.wait_until_ready(), port)


@pytest.fixture
def target(running: Target) -> Iterator[Target]:
    yield running
    tensors = [
        {"name": f"in_{datatype}", "datatype": datatype, "shape": [1, 1], "data": [value]}
        for datatype, value in (("FP32", 0.5), ("INT64", 7), ("BYTES", "x"))
    ]
    answer = running.process.post("/v2/models/m/infer", {"inputs": tensors})
    assert answer.status == 200
    assert [output["data"] for output in answer.json["outputs"]] == [[0.5], [7], ["x"]]


def find_statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received)]
