"""Every endpoint and every code, asked of a real process."""

from __future__ import annotations

import pytest
from unit.server.onnx_models import ALL_DATATYPES
from unit.server.server_process import ServerProcess

INFER = "/v2/models/m/infer"
ROW = [1, 2, 3, 4, 5, 6]


def make_infer_body(row: list[float], **more: object) -> dict[str, object]:
    return {"inputs": [{"name": "x", "shape": [1, len(row)], "datatype": "FP32", "data": row}], **more}


def test_a_loaded_server_is_live_and_ready(linear_server: ServerProcess) -> None:
    assert linear_server.get("/v2/health/live").json == {"live": True}
    assert linear_server.get("/v2/health/ready").json == {"ready": True}
    assert linear_server.get("/v2/models/m/ready").json == {"name": "m", "ready": True}
    assert linear_server.get("/v2/models/m/versions/1/ready").status == 200


def test_metadata_tells_server_models_and_tensors(linear_server: ServerProcess) -> None:
    assert linear_server.get("/v2").json["name"] == "serin"
    assert linear_server.get("/v2/").status == 200
    assert linear_server.get("/v2/models").json == {"models": ["m"]}
    metadata = linear_server.get("/v2/models/m").json
    assert metadata == {
        "name": "m",
        "versions": ["1"],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 6]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 2]}],
    }
    assert linear_server.get("/v2/models/m/versions/1").json == metadata


def test_the_root_says_what_this_is(linear_server: ServerProcess) -> None:
    welcome = linear_server.get("/").json
    assert (welcome["model"], welcome["state"]) == ("m", "ready")


@pytest.mark.parametrize("path", [INFER, "/v2/models/m/versions/1/infer", "/v2/models/%6D/infer?trace=1"])
def test_infer_answers_under_each_of_its_paths(linear_server: ServerProcess, path: str) -> None:
    answer = linear_server.post(path, make_infer_body([1, 2, 3, 4, 5, 6], id="42"))
    assert answer.status == 200
    assert answer.json == {
        "model_name": "m",
        "model_version": "1",
        "id": "42",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [21.0, 21.0]}],
    }


def test_all_datatypes_come_back_as_they_went(echo_server: ServerProcess) -> None:
    values: dict[str, list[object]] = {name: [0, 1] for name in ALL_DATATYPES}
    values |= {"BOOL": [True, False], "BYTES": ["", "żółw"], "UINT64": [0, 2**64 - 1], "INT64": [-(2**63), 2**63 - 1]}
    values |= {"FP16": [0.5, None], "FP32": [-1.5, None], "FP64": [1e300, None]}
    inputs = [{"name": f"in_{n}", "shape": [1, 2], "datatype": n, "data": [data]} for n, data in values.items()]
    answer = echo_server.post(INFER, {"inputs": inputs})
    assert {o["name"]: (o["datatype"], o["data"]) for o in answer.json["outputs"]} == {
        f"out_{name}": (name, data) for name, data in values.items()
    }


def test_only_the_wanted_outputs_are_answered(echo_server: ServerProcess) -> None:
    inputs = [
        {"name": f"in_{n}", "shape": [0, 1], "datatype": n, "data": []} for n in echo_server_datatypes(echo_server)
    ]
    wanted = [{"name": "out_INT8"}, {"name": "out_BOOL"}]
    answer = echo_server.post(INFER, {"inputs": inputs, "outputs": wanted})
    assert [output["name"] for output in answer.json["outputs"]] == ["out_INT8", "out_BOOL"]


def echo_server_datatypes(server: ServerProcess) -> list[str]:
    return [tensor["datatype"] for tensor in server.get("/v2/models/m").json["inputs"]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shape": [1, 7], "data": [0] * 7}, "input 'x': expected shape [-1, 6], got [1, 7]"),
        ({"datatype": "FP64"}, "input 'x': expected datatype FP32, got 'FP64'"),
        ({"name": "z"}, "unknown input 'z': the model takes 'x' (FP32 [-1, 6])"),
        ({"data": [1, 2]}, "input 'x': shape [1, 6] holds 6 values, got 2"),
        ({"data": [1, 2, 3, 4, 5, "6"]}, "input 'x': expected a number (FP32) at [5], got str"),
    ],
)
def test_an_input_that_does_not_fit_is_a_400_that_says_why(
    linear_server: ServerProcess, change: dict[str, object], expected: str
) -> None:
    tensor = {"name": "x", "shape": [1, 6], "datatype": "FP32", "data": ROW, **change}
    answer = linear_server.post(INFER, {"inputs": [tensor]})
    assert (answer.status, answer.error) == (400, expected)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs": 7}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_infer_request_is_a_400(linear_server: ServerProcess, body: bytes) -> None:
    assert linear_server.post(INFER, body).status == 400
    assert linear_server.post("/predict", body).status == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "word"),
    [
        ("GET", "/nowhere", 404, "nothing is at '/nowhere'"),
        ("POST", "/v2/models/other/infer", 404, "unknown model"),
        ("GET", "/v2/models/other", 404, "unknown model"),
        ("POST", "/v2/models/m/versions/7/infer", 404, "unknown version '7'"),
        ("GET", "/predict", 405, "expected POST, got GET"),
        ("POST", "/metrics", 405, "expected GET, HEAD, got POST"),
    ],
)
def test_an_unknown_path_or_method_is_told_apart(
    linear_server: ServerProcess, method: str, path: str, status: int, word: str
) -> None:
    answer = linear_server.request(method, path, b"{}" if method == "POST" else None)
    assert answer.status == status
    assert word in answer.error


def test_a_405_names_the_allowed_methods(linear_server: ServerProcess) -> None:
    assert linear_server.get("/predict").headers["allow"] == "POST"


def test_head_has_the_length_and_not_the_body(linear_server: ServerProcess) -> None:
    head, get = linear_server.request("HEAD", "/v2/models/m"), linear_server.get("/v2/models/m")
    assert (head.status, head.body, head.headers) == (200, b"", get.headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "image/png"},
        {"Content-Encoding": "br"},
        {"Inference-Header-Content-Length": "2"},
    ],
)
def test_a_body_that_is_not_plain_json_is_a_415(linear_server: ServerProcess, headers: dict[str, str]) -> None:
    assert linear_server.post("/predict", [ROW], headers).status == 415


def test_what_curl_sends_without_being_told_is_taken_for_json(linear_server: ServerProcess) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert linear_server.post("/predict", [ROW], headers).status == 200


def test_a_body_beyond_the_limit_is_a_413_and_no_body_length_a_411(linear_server: ServerProcess) -> None:
    assert linear_server.post("/predict", b" " * 100_001).status == 413
    connection = linear_server.connect()
    connection.putrequest("POST", "/predict")
    connection.endheaders()
    assert connection.getresponse().status == 411
    connection.close()


def test_a_failure_inside_the_model_is_a_500_whose_id_is_in_the_log(lookup_server: ServerProcess) -> None:
    answer = lookup_server.post(INFER, {"inputs": [{"name": "index", "shape": [1], "datatype": "INT64", "data": [99]}]})
    assert answer.status == 500
    logged = lookup_server.wait_for_log("request failed")
    assert logged["error_id"] in answer.error
    assert "Traceback" in logged["stack"]
    assert lookup_server.count_requests("infer", 500) == 1
