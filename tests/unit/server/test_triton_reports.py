"""What Triton's clients and tools ask about the server."""

from __future__ import annotations

import pytest
from serin_server.telemetry import RunTotals, Telemetry
from serin_server.triton_reports import make_repository_index, make_statistics
from unit.server.server_process import ServerProcess


@pytest.mark.parametrize("path", ["/v2/models/m/stats", "/v2/models/m/versions/1/stats", "/v2/models/stats"])
def test_statistics_have_one_entry_for_the_one_model(linear_server: ServerProcess, path: str) -> None:
    linear_server.post("/predict", [[0] * 6])
    (entry,) = linear_server.get(path).json["model_stats"]
    assert (entry["name"], entry["version"]) == ("m", "1")
    assert entry["inference_count"] == entry["inference_stats"]["success"]["count"] >= 1
    assert entry["execution_count"] == entry["inference_stats"]["compute_infer"]["count"] >= 1
    assert entry["inference_stats"]["success"]["ns"] >= entry["inference_stats"]["compute_infer"]["ns"] > 0
    assert entry["last_inference"] > 1_600_000_000_000


def test_success_and_failure_are_told_apart() -> None:
    telemetry = Telemetry("m", "1")
    for status, seconds in ((200, 0.25), (200, 0.25), (500, 1.0), (429, 2.0)):
        telemetry.record_request("infer", status, seconds)
    telemetry.record_run(2, seconds=0.125, queue_wait_seconds=0.5)
    (entry,) = make_statistics("m", "1", telemetry.observe_totals())["model_stats"]
    assert entry["inference_stats"]["success"] == {"count": 2, "ns": 500_000_000}
    assert entry["inference_stats"]["fail"] == {"count": 2, "ns": 3_000_000_000}
    assert entry["inference_stats"]["queue"] == {"count": 1, "ns": 500_000_000}
    assert entry["inference_stats"]["compute_infer"] == {"count": 1, "ns": 125_000_000}


def test_nothing_has_happened_at_the_start() -> None:
    assert Telemetry("m", "1").observe_totals() == RunTotals(0, 0, 0, 0, 0, 0, 0, 0)


def test_the_configuration_names_tensors_in_triton_s_words(named_features_server: ServerProcess) -> None:
    configuration = named_features_server.get("/v2/models/m/config").json
    assert (configuration["name"], configuration["max_batch_size"]) == ("m", 0)
    assert configuration["input"][0] == {"name": "temperature", "data_type": "TYPE_FP32", "dims": [-1, 1]}
    assert [tensor["data_type"] for tensor in configuration["output"]] == ["TYPE_FP32", "TYPE_STRING"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"ready": true}'])
def test_the_index_lists_the_one_model(linear_server: ServerProcess, body: bytes) -> None:
    expected = [{"name": "m", "version": "1", "state": "READY", "reason": ""}]
    assert linear_server.post("/v2/repository/index", body).json == expected


def test_an_index_request_that_makes_no_sense_is_a_400(linear_server: ServerProcess) -> None:
    assert linear_server.post("/v2/repository/index", {"ready": "yes"}).status == 400


def test_a_model_that_is_not_ready_says_why() -> None:
    (entry,) = make_repository_index("m", "1", "the model is loading", is_ready=False)
    assert (entry["state"], entry["reason"]) == ("UNAVAILABLE", "the model is loading")


def test_the_extensions_are_those_that_are_complete(linear_server: ServerProcess) -> None:
    assert linear_server.get("/v2").json["extensions"] == ["binary_tensor_data", "statistics", "model_configuration"]
