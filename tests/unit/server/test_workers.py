"""Several workers on one port look like one server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from serin_server.workers.snapshot import merge_snapshots, retire
from unit.server.onnx_models import save_linear_model, save_never_running_model
from unit.server.server_process import ServerProcess

ROW = [[0] * 6]
DURATIONS = 'serin_request_duration_seconds_count{method="predict",model="m",version="1"}'


class Workers:
    """A server of three."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.pids = {int(server.wait_for_log("worker started")["pid"])}
        server.wait_until_listening()
        self.pids |= {int(server.wait_for_log("worker started")["pid"]) for _ in range(2)}
        server.wait_for_log("all workers are ready")
        for _ in range(3):
            server.wait_for_log("ready")

    def predict(self, times: int) -> None:
        assert [self.server.post("/predict", ROW).status for _ in range(times)] == [200] * times

    def kill(self, pid: int) -> int:
        """Returns the process that took its place, when it serves."""
        self.server.kill_worker(pid)
        successor = int(self.server.wait_for_log("worker started")["pid"])
        self.server.wait_for_log("ready")
        self.pids = self.pids - {pid} | {successor}
        return successor


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx"), "--workers", "3") as server:
        yield Workers(server)


def test_the_server_is_not_ready_before_all_workers_are(tmp_path: Path) -> None:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx"), "--workers", "2") as server:
        server.wait_until_listening()
        seen: list[str] = []
        while seen.count("ready") < 2:
            seen.append(str(server.read_log()["message"]))
        assert seen.index("all workers are ready") < seen.index("ready")
        assert server.get("/v2/health/ready").status == 200


def test_every_worker_answers_and_tells_the_sum_of_all(workers: Workers) -> None:
    workers.predict(30)
    server = workers.server
    assert [server.count_requests("predict", 200) for _ in range(6)] == [30] * 6
    assert server.read_metric(DURATIONS) == 30
    assert server.read_metric('serin_input_values_total{feature="0",input="x",model="m",version="1"}') == 30


def test_a_dead_worker_is_replaced_and_no_counter_falls(workers: Workers) -> None:
    workers.predict(30)
    assert workers.server.count_requests("predict", 200) == 30
    for pid in sorted(workers.pids):
        workers.kill(pid)
    assert workers.server.count_requests("predict", 200) == 30
    workers.predict(12)
    assert workers.server.count_requests("predict", 200) == 42


def test_sigterm_reaches_every_worker_and_the_exit_code_is_0(workers: Workers) -> None:
    workers.server.send_signal()
    code, log, stderr = workers.server.wait_until_exit()
    assert (code, stderr) == (0, "")
    assert log.count('"message":"stopped"') == 3
    assert not any(is_alive(pid) for pid in workers.pids)


def test_workers_leave_when_their_parent_is_gone(workers: Workers) -> None:
    workers.server.kill()
    _, log, _ = workers.server.wait_until_exit()
    assert log.count('"message":"stopped"') == 3


def test_a_model_that_cannot_be_served_is_told_once(tmp_path: Path) -> None:
    with ServerProcess(save_never_running_model(tmp_path / "m.onnx"), "--workers", "3") as server:
        code, _, stderr = server.wait_until_exit()
    assert code == 1
    assert stderr.startswith("serin_server: cannot serve model 'm' version '1': it fails on its first run")
    assert stderr.count("\n") == 1


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_counts_are_added_and_extremes_stay_extremes() -> None:
    one = [["a", "", "counter", [["a_total", {"x": "1"}, 2.0]]], ["serin_input_min", "", "gauge", [["m", {}, -1.0]]]]
    two = [["a", "", "counter", [["a_total", {"x": "1"}, 3.0]]], ["serin_input_min", "", "gauge", [["m", {}, 4.0]]]]
    assert merge_snapshots([one, two]) == [
        ["a", "", "counter", [["a_total", {"x": "1"}, 5.0]]],
        ["serin_input_min", "", "gauge", [["m", {}, -1.0]]],
    ]


def test_of_a_dead_worker_what_it_did_stays_and_what_it_was_goes() -> None:
    did = ["serin_requests", "", "counter", []]
    was = ["serin_in_flight_requests", "", "gauge", []]
    assert retire([did, was]) == [did]
