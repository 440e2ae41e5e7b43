"""The token, several workers, compression, the log, and calls that are none."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import hpack
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from serin_server.grpc import inference_pb2 as pb
from serin_server.http2 import frames
from serin_server.http2.frames import make_frame, make_settings
from serin_server.http2.headers import encode_header
from unit.server.fake_http2 import Frame, read_frames
from unit.server.grpc_client import (
    GrpcServer,
    find_free_port,
    make_linear_request,
    make_patient_request,
    running_server,
)
from unit.server.onnx_models import save_echo_model, save_linear_model, save_patient_model
from unit.server.server_process import ServerProcess

INFER = "/inference.GRPCInferenceService/ModelInfer"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GrpcServer]:
    directory = tmp_path_factory.mktemp("guarded")
    token = directory / "token"
    token.write_text("open sesame\n")
    flags = ("--bearer-token-file", str(token), "--log-requests", "1")
    with running_server(save_linear_model(directory / "m.onnx"), *flags) as server:
        yield server


def infer_with(server: GrpcServer, *metadata: tuple[str, str]) -> str:
    try:
        server.channel.unary_unary(INFER)(make_linear_request().SerializeToString(), metadata=metadata)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def test_who_knows_the_token_is_served_and_nobody_else(guarded: GrpcServer) -> None:
    assert infer_with(guarded, ("authorization", "Bearer open sesame")) == "OK"
    for wrong in ("Bearer open", "Basic open sesame", ""):
        assert infer_with(guarded, ("authorization", wrong)) == "UNAUTHENTICATED"
    assert infer_with(guarded) == "UNAUTHENTICATED"
    assert infer_with(guarded, ("authorization", "Bearer open sesame")) == "OK"
    assert guarded.count_requests(401) == 4
    assert guarded.refuse(pb.ModelMetadataRequest(name="m"), "ModelMetadata")[0] == "UNAUTHENTICATED"


def test_health_needs_no_token(guarded: GrpcServer) -> None:
    assert guarded.call("ServerLive", pb.ServerLiveRequest(), pb.ServerLiveResponse).live
    assert guarded.call("ModelReady", pb.ModelReadyRequest(name="m"), pb.ModelReadyResponse).ready
    answer = health_pb2_grpc.HealthStub(guarded.channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_calls_are_in_the_request_log(guarded: GrpcServer) -> None:
    assert infer_with(guarded, ("authorization", "Bearer open sesame"), ("x-request-id", "r-7")) == "OK"
    while (line := guarded.process.wait_for_log("request")).get("request_id") != "r-7":
        pass
    assert (line["path"], line["code"]) == (INFER, 200)
    assert line["request_bytes"] == make_linear_request().ByteSize()
    assert line["response_bytes"] > 0


def test_several_workers_share_the_port_and_count_together(tmp_path: Path) -> None:
    port = find_free_port()
    model = save_linear_model(tmp_path / "m.onnx")
    with ServerProcess(model, "--workers", "2", "--grpc-port", str(port)) as process:
        process.wait_until_listening()
        process.wait_for_log("all workers are ready")
        for _ in range(2):
            process.wait_for_log("ready")
        for _ in range(20):
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
                server = GrpcServer(process, port, channel)
                assert server.infer(make_linear_request()).model_name == "m"
        assert server.count_requests(200) == 20


def test_a_port_that_is_taken_ends_the_start_of_several_workers_too(tmp_path: Path, guarded: GrpcServer) -> None:
    flags = ("--workers", "2", "--grpc-port", str(guarded.port))
    with ServerProcess(save_linear_model(tmp_path / "m.onnx"), *flags) as process:
        code, _, stderr = process.wait_until_exit()
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{guarded.port} for gRPC: " in stderr


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_large_messages_pass_plain_and_compressed(tmp_path: Path, compression: Any) -> None:
    numbers = np.random.default_rng(7).integers(0, 100, (1, 500_000)).astype(np.float32)
    request = pb.ModelInferRequest(model_name="m")
    request.inputs.add(name="in_FP32", datatype="FP32", shape=numbers.shape)
    request.raw_input_contents.append(numbers.tobytes())
    with running_server(save_echo_model(tmp_path / "m.onnx", ["FP32"])) as server:
        options = [("grpc.max_receive_message_length", -1)]
        with grpc.insecure_channel(f"127.0.0.1:{server.port}", options) as channel:
            infer = channel.unary_unary(INFER, request_serializer=None, response_deserializer=None)
            for how in (None, compression):
                answer = pb.ModelInferResponse.FromString(infer(request.SerializeToString(), compression=how))
                assert answer.raw_output_contents == request.raw_input_contents


def test_a_client_that_goes_away_stops_its_run(tmp_path: Path) -> None:
    with running_server(save_patient_model(tmp_path / "m.onnx")) as server:
        call = server.channel.unary_unary(INFER).future(make_patient_request(9_000_000_000).SerializeToString())
        server.process.wait_for_in_flight(1)
        call.cancel()
        server.process.wait_for_in_flight(0)
        assert server.count_requests(499) == 1


def test_old_connections_are_sent_away_and_no_call_is_lost(tmp_path: Path) -> None:
    with running_server(save_linear_model(tmp_path / "m.onnx"), "--grpc-connection-seconds", "0.5") as server:
        peers: set[str] = set()
        while len(peers) < 3:
            _, call = server.channel.unary_unary(INFER).with_call(make_linear_request().SerializeToString(), timeout=60)
            assert call.code() is grpc.StatusCode.OK
            peers.add(str(find_client_ports(server.process.process_id, server.port)))


def find_client_ports(process_id: int, port: int) -> list[str]:
    """Remote ends of established connections to the port, by /proc."""
    lines = Path(f"/proc/{process_id}/net/tcp").read_text().splitlines()[1:]
    ends = [line.split()[1:4] for line in lines]
    return sorted(remote for local, remote, state in ends if local.endswith(f":{port:04X}") and state == "01")


# -- what no gRPC client sends --------------------------------------------------------------------------------------


def talk(server: GrpcServer, data: bytes, path: str = INFER, **headers: str) -> dict[bytes, bytes]:
    """The headers of the answer, head and trailers together, to one stream with these data."""
    wanted = {"content_type": "application/grpc", **headers}
    block = b"".join(
        encode_header(name.encode(), value.encode())
        for name, value in (
            (":method", wanted.pop("method", "POST")),
            (":scheme", "http"),
            (":path", path),
            *((name.replace("_", "-"), value) for name, value in wanted.items()),
        )
    )
    sent = frames.PREFACE + make_settings({}) + make_frame(frames.HEADERS, frames.END_HEADERS, 1, block)
    return exchange(server.port, sent + make_frame(frames.DATA, frames.END_STREAM, 1, data))


def exchange(port: int, sent: bytes) -> dict[bytes, bytes]:
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while data := connection.recv(1 << 16):
            received += data
    return {name: value for frame in read_frames(received) for name, value in read_headers(frame)}


def read_headers(frame: Frame) -> list[tuple[bytes, bytes]]:
    if frame.kind != frames.HEADERS:
        return []
    return [(bytes(name), bytes(value)) for name, value in hpack.Decoder().decode(frame.payload, raw=True)]


def frame_message(message: bytes, flag: int = 0) -> bytes:
    return struct.pack(">BL", flag, len(message)) + message


MESSAGE = frame_message(make_linear_request().SerializeToString())

REFUSED: dict[str, tuple[bytes, dict[str, str], bytes, bytes]] = {
    "an unknown method": (MESSAGE, {"path": "/a.B/C"}, b"12", b"nothing is at '/a.B/C'"),
    "an unknown coding": (MESSAGE, {"grpc_encoding": "zstd"}, b"12", b"expected grpc-encoding identity, deflate, gzip"),
    "compressed without saying how": (frame_message(b"x", 1), {}, b"13", b"a message is compressed"),
    "no gzip": (frame_message(b"x", 1), {"grpc_encoding": "gzip"}, b"3", b"a message is not gzip"),
    "a strange flag": (frame_message(b"x", 2), {}, b"13", b"expected a message, which begins with 0 or 1, got 2"),
    "half a message": (MESSAGE[:-1], {}, b"3", b"the request ends in the middle of a message"),
    "no message": (b"", {}, b"3", b"expected one message, got none"),
    "two messages": (MESSAGE * 2, {}, b"3", b"the request ends in the middle of a message"),
    "a strange deadline": (MESSAGE, {"grpc_timeout": "soon"}, b"3", b"expected a grpc-timeout such as 100m"),
    "a deadline that has passed": (MESSAGE[:-1], {"grpc_timeout": "0m"}, b"3", b"the request ends in the middle"),
    "too much metadata": (MESSAGE, {"blow": "x" * 16_150}, b"8", b"the metadata may have 16384 bytes"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GrpcServer]:
    with running_server(save_linear_model(tmp_path_factory.mktemp("grpc") / "m.onnx")) as running:
        yield running


@pytest.mark.parametrize(("data", "headers", "status", "text"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_right_call_has_a_status_and_says_why(
    server: GrpcServer, data: bytes, headers: dict[str, str], status: bytes, text: bytes
) -> None:
    answered = talk(server, data, **headers)
    assert (answered[b":status"], answered[b"grpc-status"]) == (b"200", status)
    assert answered[b"grpc-message"].startswith(text)


def test_what_is_not_grpc_has_a_code_of_http(server: GrpcServer) -> None:
    assert talk(server, MESSAGE, content_type="application/json")[b":status"] == b"415"
    assert talk(server, MESSAGE, method="GET")[b":status"] == b"405"


def test_errors_that_are_not_ascii_arrive(server: GrpcServer) -> None:
    request = make_linear_request()
    request.inputs[0].name = "größe 100%"
    assert "'größe 100%'" in server.refuse(request)[1]
