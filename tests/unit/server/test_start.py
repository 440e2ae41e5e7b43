"""From the start of the process to ready, or to a plain sentence on why not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from unit.server.onnx_models import save_linear_model, save_never_running_model, save_sequence_model
from unit.server.server_process import ServerProcess
from unit.server.web_server import web_server


@contextmanager
def slow_web_server(model: Path, may_send: threading.Event) -> Iterator[str]:
    def send_late(handler: BaseHTTPRequestHandler) -> None:
        may_send.wait()
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(model.read_bytes())

    with web_server(send_late) as uri:
        try:
            yield uri
        finally:
            may_send.set()


def test_while_the_model_is_on_its_way_the_server_is_live_and_not_ready(tmp_path: Path) -> None:
    may_send = threading.Event()
    with (
        slow_web_server(save_linear_model(tmp_path / "m.onnx"), may_send) as uri,
        ServerProcess(uri) as server,
    ):
        server.wait_until_listening()
        assert server.get("/v2/health/live").status == 200
        for path in ("/v2/health/ready", "/v2/models/m/ready", "/v2/models/m"):
            assert (server.get(path).status, server.get(path).error) == (503, "the model is loading")
        assert server.post("/v2/models/m/infer", {}).status == 503
        assert server.post("/predict", []).headers["retry-after"] == "1"
        assert (server.count_requests("infer", 503), server.count_requests("predict", 503)) == (1, 1)
        assert server.count_requests("infer", 200) == 0
        may_send.set()
        server.wait_for_log("ready")
        assert server.get("/v2/health/ready").status == 200
        assert server.post("/predict", [[0] * 6]).status == 200
        load_seconds = server.read_metric('serin_model_load_seconds{model="m",version="1"}')
        assert load_seconds is not None
        assert load_seconds > 0


def test_a_server_that_is_told_to_leave_while_loading_leaves(tmp_path: Path) -> None:
    may_send = threading.Event()
    with (
        slow_web_server(save_linear_model(tmp_path / "m.onnx"), may_send) as uri,
        ServerProcess(uri, "--drain-seconds", "3600") as server,
    ):
        server.wait_until_listening()
        server.send_signal()
        assert server.wait_until_exit()[0] == 0


def save_text(path: Path) -> Path:
    path.write_text("this is not a model")
    return path


@pytest.mark.parametrize(
    ("save", "flags", "expected"),
    [
        (save_text, [], "ONNX Runtime cannot load it: INVALID_PROTOBUF"),
        (save_never_running_model, [], "it fails on its first run"),
        (save_sequence_model, [], "its output 'pieces' has the type seq(tensor(float))"),
        (save_linear_model, ["--model-digest", "sha256:" + "0" * 64], "its digest is wrong: expected sha256:0000"),
        (Path, [], "No such file or directory"),
    ],
)
def test_a_model_that_cannot_be_served_ends_the_process_with_a_sentence(
    tmp_path: Path, save: type[Path], flags: list[str], expected: str
) -> None:
    message = tmp_path / "termination-log"
    message.touch()
    with ServerProcess(save(tmp_path / "m.onnx"), "--termination-log", str(message), *flags) as server:
        code, _, stderr = server.wait_until_exit()
    assert code == 1
    assert stderr.startswith("serin_server: cannot serve model 'm' version '1': ")
    assert expected in stderr
    assert stderr.count("\n") == 1
    assert message.read_text() == stderr.rstrip("\n")


def test_a_wrong_flag_is_told_the_same_way(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--threads", "many") as server:
        code, _, stderr = server.wait_until_exit()
    assert (code, stderr) == (2, "serin_server: --threads: expected a whole number from 1 to 1024, got 'many'\n")


def test_a_port_in_use_is_told_the_same_way(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with ServerProcess(save_linear_model(tmp_path / "m.onnx"), "--http-port", port) as server:
            code, _, stderr = server.wait_until_exit()
    assert code == 1
    assert stderr.startswith(f"serin_server: cannot listen on 127.0.0.1:{port}: ")


def test_settings_may_come_from_the_environment_and_logs_be_plain(tmp_path: Path) -> None:
    save_linear_model(tmp_path / "model.onnx")
    environment = {"SERIN_MODEL_DIGEST": "sha256:" + "0" * 64}
    with ServerProcess(tmp_path, "--log-format", "plain", environment=environment) as server:
        code, stdout, _ = server.wait_until_exit()
    assert code == 1
    assert " info    listening port=" in stdout
