"""What each call over gRPC answers, and how it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from serin_server.grpc import inference_pb2 as pb
from unit.server.grpc_client import (
    FEATURES,
    GrpcServer,
    find_free_port,
    make_linear_request,
    make_patient_request,
    running_server,
)
from unit.server.onnx_models import save_echo_model, save_linear_model, save_lookup_model, save_patient_model
from unit.server.server_process import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GrpcServer]:
    model = save_linear_model(tmp_path_factory.mktemp("grpc") / "m.onnx")
    with running_server(model, "--max-body-bytes", "100000") as running:
        yield running


def test_health_says_live_and_ready(server: GrpcServer) -> None:
    assert server.call("ServerLive", pb.ServerLiveRequest(), pb.ServerLiveResponse).live
    assert server.call("ServerReady", pb.ServerReadyRequest(), pb.ServerReadyResponse).ready
    for version in ("", "1"):
        request = pb.ModelReadyRequest(name="m", version=version)
        assert server.call("ModelReady", request, pb.ModelReadyResponse).ready


def test_metadata_names_the_server_and_the_tensors_of_the_model(server: GrpcServer) -> None:
    assert server.call("ServerMetadata", pb.ServerMetadataRequest(), pb.ServerMetadataResponse).name == "serin"
    metadata = server.call("ModelMetadata", pb.ModelMetadataRequest(name="m"), pb.ModelMetadataResponse)
    tensor = pb.ModelMetadataResponse.TensorMetadata
    assert metadata == pb.ModelMetadataResponse(
        name="m",
        versions=["1"],
        platform="onnx_onnxv1",
        inputs=[tensor(name="x", datatype="FP32", shape=[-1, 6])],
        outputs=[tensor(name="y", datatype="FP32", shape=[-1, 2])],
    )


def test_a_raw_request_gets_a_raw_answer_with_its_id(server: GrpcServer) -> None:
    answer = server.infer(make_linear_request(id="42"))
    assert (answer.model_name, answer.model_version, answer.id) == ("m", "1", "42")
    assert [(output.name, output.datatype, list(output.shape)) for output in answer.outputs] == [("y", "FP32", [1, 2])]
    assert answer.raw_output_contents == [np.array([21, 21], np.float32).tobytes()]


def test_a_typed_request_gets_a_typed_answer(server: GrpcServer) -> None:
    request = pb.ModelInferRequest(model_name="m", model_version="1")
    request.inputs.add(name="x", datatype="FP32", shape=[1, 6]).contents.fp32_contents.extend(FEATURES)
    answer = server.infer(request)
    assert list(answer.outputs[0].contents.fp32_contents) == [21, 21]
    assert not answer.raw_output_contents


def test_fp16_outputs_are_raw_whatever_the_request_was(tmp_path: Path) -> None:
    with running_server(save_echo_model(tmp_path / "m.onnx", ["FP16", "INT8"])) as server:
        request = pb.ModelInferRequest(model_name="m")
        for name, numbers in (("FP16", np.ones((1, 1), np.float16)), ("INT8", np.ones((1, 1), np.int8))):
            request.inputs.add(name=f"in_{name}", datatype=name, shape=[1, 1])
            request.raw_input_contents.append(numbers.tobytes())
        assert server.infer(request).raw_output_contents == list(request.raw_input_contents)


def test_only_the_wanted_outputs_are_given_in_the_order_wanted(tmp_path: Path) -> None:
    with running_server(save_echo_model(tmp_path / "m.onnx", ["INT8", "INT16"])) as server:
        request = pb.ModelInferRequest(model_name="m")
        for name in ("INT8", "INT16"):
            request.inputs.add(name=f"in_{name}", datatype=name, shape=[1, 1]).contents.int_contents.append(5)
        request.outputs.add(name="out_INT16")
        request.outputs.add(name="out_INT8")
        assert [output.name for output in server.infer(request).outputs] == ["out_INT16", "out_INT8"]


def change(**changes: Any) -> pb.ModelInferRequest:
    """The linear model's request with one thing in it made wrong."""
    request = make_linear_request()
    for name, value in changes.items():
        if name in ("name", "datatype"):
            setattr(request.inputs[0], name, value)
        elif name == "shape":
            request.inputs[0].shape[:] = value
        elif name == "raw":
            request.raw_input_contents[:] = value
        else:
            setattr(request, name, value)
    return request


def make_request_with_both_forms() -> pb.ModelInferRequest:
    request = make_linear_request()
    request.inputs[0].contents.fp32_contents.extend(FEATURES)
    return request


def make_request_with_output(name: str) -> pb.ModelInferRequest:
    request = make_linear_request()
    request.outputs.add(name=name)
    return request


INVALID: dict[str, tuple[pb.ModelInferRequest | bytes, str]] = {
    "not a message": (b"\xff\xff", "the message is not a ModelInfer request"),
    "no inputs": (pb.ModelInferRequest(model_name="m"), "missing input 'x' (FP32 [-1, 6])"),
    "another input": (change(name="z"), "unknown input 'z': the model takes 'x' (FP32 [-1, 6])"),
    "another datatype": (change(datatype="FP64"), "input 'x': expected datatype FP32, got 'FP64'"),
    "an unknown datatype": (change(datatype="BF16"), "input 'x': expected datatype FP32, got 'BF16', which is none of"),
    "another shape": (change(shape=[1, 7]), "input 'x': expected shape [-1, 6], got [1, 7]"),
    "a negative size": (change(shape=[-1, 6]), "input 'x': expected a shape without negative sizes, got [-1, 6]"),
    "too few bytes": (change(raw=[b""]), "input 'x': expected 24 bytes for shape [1, 6] of FP32, got 0"),
    "too many raw contents": (change(raw=[b"", b""]), "raw_input_contents: expected one per input, 1 in all, got 2"),
    "both forms": (make_request_with_both_forms(), "input 'x': expected contents or raw_input_contents, got both"),
    "an unknown output": (make_request_with_output("z"), "unknown output 'z': the model gives 'y'"),
}


@pytest.mark.parametrize(("request_", "explanation"), INVALID.values(), ids=INVALID)
def test_what_does_not_fit_the_model_is_an_invalid_argument_and_named(
    server: GrpcServer, request_: pb.ModelInferRequest | bytes, explanation: str
) -> None:
    status, details = server.refuse(request_)
    assert status == "INVALID_ARGUMENT"
    assert details.startswith(explanation)


def test_an_unknown_model_or_version_is_not_found(server: GrpcServer) -> None:
    unknown = "Request for unknown model: 'q' is not served here, 'm' is"
    assert server.refuse(change(model_name="q")) == ("NOT_FOUND", unknown)
    assert server.refuse(pb.ModelReadyRequest(name="q"), "ModelReady") == ("NOT_FOUND", unknown)
    version = "unknown version '7' of model 'm': here it is '1'"
    assert server.refuse(change(model_version="7")) == ("NOT_FOUND", version)
    assert server.refuse(pb.ModelMetadataRequest(name="m", version="7"), "ModelMetadata") == ("NOT_FOUND", version)


def test_a_message_that_is_too_large_is_refused_before_it_is_read(server: GrpcServer) -> None:
    status, details = server.refuse(b"\0" * 100_001)
    assert (status, "100001 vs. 100000" in details) == ("RESOURCE_EXHAUSTED", True)


def test_a_failure_inside_the_model_is_internal_and_has_an_id(tmp_path: Path) -> None:
    with running_server(save_lookup_model(tmp_path / "m.onnx")) as server:
        request = pb.ModelInferRequest(model_name="m")
        request.inputs.add(name="index", datatype="INT64", shape=[1]).contents.int64_contents.append(99)
        status, details = server.refuse(request)
        server.process.send_signal()
        _, log, _ = server.process.wait_until_exit()
    assert status == "INTERNAL"
    assert details.rpartition(" ")[2] in log


def test_calls_are_counted_by_the_code_that_http_would_have_given(tmp_path: Path) -> None:
    with running_server(save_linear_model(tmp_path / "m.onnx")) as server:
        assert [server.count_requests(code) for code in (200, 400, 500, 503)] == [0, 0, 0, 0]
        server.infer(make_linear_request())
        server.refuse(b"\xff")
        server.refuse(change(model_name="q"))
        server.call("ServerLive", pb.ServerLiveRequest(), pb.ServerLiveResponse)
        assert [server.count_requests(code) for code in (200, 400, 404, 500)] == [1, 1, 1, 0]


def test_a_client_that_waits_no_longer_is_counted_as_499(tmp_path: Path) -> None:
    with running_server(save_patient_model(tmp_path / "m.onnx")) as server:
        method = server.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        call = method.future(make_patient_request(20_000).SerializeToString())
        server.process.wait_for_in_flight(1)
        call.cancel()
        server.process.wait_for_in_flight(0)
        assert server.count_requests(499) == 1


def test_a_client_whose_deadline_passed_is_counted_as_504(tmp_path: Path) -> None:
    with running_server(save_patient_model(tmp_path / "m.onnx")) as server:
        with pytest.raises(grpc.RpcError) as refusal:
            server.call_bytes("ModelInfer", make_patient_request(20_000_000).SerializeToString(), timeout_seconds=0.5)
        assert refusal.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        while not server.count_requests(504):
            assert server.count_requests(499) is None


def test_calls_beyond_the_limit_are_sent_away_and_too_long_ones_stopped(tmp_path: Path) -> None:
    flags = ("--max-concurrency", "1", "--queue-wait-seconds", "0.1", "--timeout-seconds", "3")
    with running_server(save_patient_model(tmp_path / "m.onnx"), *flags) as server:
        method = server.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        endless = method.future(make_patient_request(9_000_000_000).SerializeToString())
        server.process.wait_for_in_flight(1)
        status, details = server.refuse(make_patient_request(1))
        assert (status, details.startswith("1 requests are being worked on")) == ("RESOURCE_EXHAUSTED", True)
        assert endless.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert endless.details() == "the model did not answer within 3 seconds"
        assert (server.count_requests(429), server.count_requests(504)) == (1, 1)


def test_reflection_describes_every_service(server: GrpcServer) -> None:
    descriptions = ProtoReflectionDescriptorDatabase(server.channel)
    reflection = {f"grpc.reflection.{version}.ServerReflection" for version in ("v1", "v1alpha")}
    names = {"inference.GRPCInferenceService", "grpc.health.v1.Health", *reflection}
    assert set(descriptions.get_services()) == names
    for name in names:
        assert descriptions.FindFileContainingSymbol(name).package == name.rpartition(".")[0]


def test_standard_health_knows_the_server_and_its_service_and_nothing_else(server: GrpcServer) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    for name in ("", "inference.GRPCInferenceService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refusal:
        stub.Check(health_pb2.HealthCheckRequest(service="nobody"))
    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="nobody"))
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


def test_while_the_model_loads_calls_are_unavailable_and_nothing_says_ready(tmp_path: Path) -> None:
    port = find_free_port()
    fifo = tmp_path / "m.onnx"
    os.mkfifo(fifo)  # Whoever opens it waits for a writer: a model that never comes.
    with ServerProcess(fifo, "--grpc-port", str(port)) as process:
        process.wait_for_log("listening for gRPC")
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            server = GrpcServer(process, port, channel)
            assert server.refuse(make_linear_request()) == ("UNAVAILABLE", "the model is loading")
            metadata = pb.ModelMetadataRequest(name="m")
            assert server.refuse(metadata, "ModelMetadata") == ("UNAVAILABLE", "the model is loading")
            assert server.call("ServerLive", pb.ServerLiveRequest(), pb.ServerLiveResponse).live
            assert not server.call("ServerReady", pb.ServerReadyRequest(), pb.ServerReadyResponse).ready
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_a_port_that_is_taken_ends_the_start_with_one_sentence(tmp_path: Path, server: GrpcServer) -> None:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx"), "--grpc-port", str(server.port)) as process:
        code, _, stderr = process.wait_until_exit()
    assert code == 1
    assert f"serin_server: cannot listen on 127.0.0.1:{server.port} for gRPC: " in stderr
