"""SIGTERM under load: not ready at once, nobody's request lost, exit code 0."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from unit.server.onnx_models import save_linear_model, save_patient_model
from unit.server.server_process import ServerProcess, ask

ROWS = [[1, 2, 3, 4, 5, 6]]


@dataclass
class Client(threading.Thread):
    """Sends requests one after the other and reconnects when it is told that the connection closes."""

    server: ServerProcess
    has_answers: threading.Event = field(default_factory=threading.Event)
    must_stop: threading.Event = field(default_factory=threading.Event)
    statuses: list[int] = field(default_factory=list)
    announced_closes: int = 0
    error: Exception | None = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        connection = self.server.connect()
        try:
            while not self.must_stop.is_set():
                answer = ask(connection, "POST", "/predict", ROWS)
                self.statuses.append(answer.status)
                self.announced_closes += answer.headers.get("connection") == "close"
                if len(self.statuses) >= 20:
                    self.has_answers.set()
        except (OSError, http.client.HTTPException) as error:
            self.error = error
            self.has_answers.set()
        finally:
            connection.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_is_lost_while_the_server_drains(tmp_path: Path, workers: int) -> None:
    model = save_linear_model(tmp_path / "m.onnx")
    with ServerProcess(model, "--drain-seconds", "2", "--workers", str(workers)) as server:
        server.wait_until_listening()
        for _ in range(workers):
            server.wait_for_log("ready")
        clients = [Client(server) for _ in range(4)]
        for client in clients:
            client.start()
            client.has_answers.wait()
        server.send_signal()
        for _ in range(workers):
            server.wait_for_log("draining")
        assert (server.get("/v2/health/ready").status, server.get("/v2/health/live").status) == (503, 200)
        for client in clients:
            client.has_answers.clear()
            client.has_answers.wait()
            client.must_stop.set()
            client.join()
        code, _, _ = server.wait_until_exit()
    assert code == 0
    assert [client.error for client in clients] == [None] * 4
    assert {status for client in clients for status in client.statuses} == {200}
    assert all(client.announced_closes for client in clients)


def test_a_request_in_flight_is_finished_after_the_drain(tmp_path: Path) -> None:
    with ServerProcess(save_patient_model(tmp_path / "m.onnx")) as server:
        server.wait_until_ready()
        with server.connect_raw() as connection:
            body = b'{"inputs":[{"name":"steps","shape":[],"datatype":"INT64","data":[20000]}]}'
            connection.sendall(
                b"POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            server.wait_for_in_flight(1)
            server.send_signal()
            received = b""
            while data := connection.recv(65536):
                received += data
        code, _, _ = server.wait_until_exit()
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" in received
    assert code == 0


@pytest.mark.parametrize("sent", [b"", b"GET /v2/health/live HTTP/1.1\r\n\r\n"])
def test_idle_connections_do_not_hold_the_process(tmp_path: Path, sent: bytes) -> None:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx")) as server:
        server.wait_until_ready()
        with server.connect_raw() as connection:
            connection.sendall(sent)
            assert not sent or connection.recv(65536).startswith(b"HTTP/1.1 200")
            server.send_signal()
            code, log, _ = server.wait_until_exit()
    assert code == 0
    assert '"connections_cut_off":0' in log


def test_a_request_that_takes_too_long_to_finish_is_cut_off(tmp_path: Path) -> None:
    flags = ("--finish-seconds", "0.1")
    with ServerProcess(save_patient_model(tmp_path / "m.onnx"), *flags) as server:
        server.wait_until_ready()
        with server.connect_raw() as connection:
            body = b'{"inputs":[{"name":"steps","shape":[],"datatype":"INT64","data":[9000000000]}]}'
            connection.sendall(b"POST /v2/models/m/infer HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            server.wait_for_in_flight(1)
            server.send_signal()
            code, log, _ = server.wait_until_exit()
    assert code == 0
    assert '"connections_cut_off":1' in log
