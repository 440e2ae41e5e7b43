"""What `/metrics` says to those who judge by it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from serin_server.telemetry import Telemetry
from unit.server.onnx_models import save_linear_model
from unit.server.server_process import ServerProcess


@pytest.fixture
def server(tmp_path: Path) -> object:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx"), "--max-body-bytes", "1000") as process:
        yield process.wait_until_ready()


def test_only_inference_is_counted_and_every_code_of_it(server: ServerProcess) -> None:
    rows = [[0] * 6]
    for path in ("/", "/v2/health/live", "/v2/models/m", "/metrics", "/nowhere"):
        server.get(path)
    server.post("/predict", rows)
    server.post("/predict", rows[0])
    server.post("/predict", b"x" * 1001)
    server.post("/predict", rows, {"Content-Type": "text/csv"})
    server.get("/predict")
    server.post("/v2/models/m/infer", {})
    server.post("/v2/models/m/versions/1/infer", {})
    server.post("/v2/models/other/infer", {})
    counted = {
        (method, code): count
        for method in ("infer", "predict")
        for code in range(100, 600)
        if (count := read_count(server.get("/metrics").body.decode(), method, code))
    }
    assert counted == {
        ("predict", 200): 1,
        ("predict", 400): 1,
        ("predict", 405): 1,
        ("predict", 413): 1,
        ("predict", 415): 1,
        ("infer", 400): 2,
        ("infer", 404): 1,
    }
    assert server.read_metric('serin_request_duration_seconds_count{method="predict",model="m",version="1"}') == 5


def read_count(text: str, method: str, code: int) -> float | None:
    series = f'serin_requests_total{{code="{code}",method="{method}",model="m",protocol="http",version="1"}} '
    return next((float(line.removeprefix(series)) for line in text.splitlines() if line.startswith(series)), None)


def test_success_and_the_usual_failures_stand_at_zero_from_the_start() -> None:
    text = Telemetry("m", "1").render().decode()
    counts = {(method, code): read_count(text, method, code) for method in ("infer", "predict") for code in (200, 500)}
    assert set(counts.values()) == {0.0}
    assert "_created" not in text
    assert "process_resident_memory_bytes" in text


def test_the_latency_histogram_has_the_buckets_that_were_set(tmp_path: Path) -> None:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx"), "--latency-buckets", "0.02,60") as server:
        server.wait_until_ready().post("/predict", [[0] * 6])
        text = server.get("/metrics").body.decode()
    bounds = re.findall(r'serin_request_duration_seconds_bucket{le="([^"]+)",method="predict"', text)
    assert bounds == ["0.02", "60.0", "+Inf"]
