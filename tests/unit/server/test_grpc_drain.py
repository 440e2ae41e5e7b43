"""SIGTERM and gRPC: not ready at once, clients are sent elsewhere, nobody's call lost, exit code 0."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from serin_server.grpc import inference_pb2 as pb
from unit.server.grpc_client import (
    GrpcServer,
    make_linear_request,
    make_patient_request,
    read_facts,
    running_server,
)
from unit.server.onnx_models import save_linear_model, save_patient_model

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass
class Client(threading.Thread):
    """Calls one after the other over one channel."""

    channel: Any
    statuses: list[str] = field(default_factory=list)
    has_answers: threading.Event = field(default_factory=threading.Event)
    must_stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        infer = self.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        request = make_linear_request().SerializeToString()
        while not self.must_stop.is_set():
            try:
                infer(request, timeout=60)
                self.statuses.append("OK")
            except grpc.RpcError as error:
                self.statuses.append(f"{error.code().name}: {error.details()}")
            if len(self.statuses) >= 20:
                self.has_answers.set()

    def wait_for_more(self) -> None:
        self.has_answers.clear()
        self.has_answers.wait()


class VirtualAddress:
    """New connections go to the server that is chosen now and stay there, as behind a Kubernetes Service."""

    def __init__(self, server: GrpcServer) -> None:
        self.server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # The test is over.
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self.server.port))
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=(source, sink), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError), source:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def test_no_call_is_lost_when_one_of_two_servers_leaves(tmp_path: Path) -> None:
    model = save_linear_model(tmp_path / "m.onnx")
    with (
        running_server(model, "--drain-seconds", "3") as leaving,
        running_server(model) as staying,
        VirtualAddress(leaving) as address,
        ExitStack() as stack,
    ):
        # Each client with a connection of its own; grpcio would share one among all channels to the same target.
        options = [("grpc.use_local_subchannel_pool", 1)]
        clients = [Client(stack.enter_context(grpc.insecure_channel(address.target, options))) for _ in range(4)]
        for client in clients:
            client.start()
            client.has_answers.wait()
        leaving.process.send_signal()
        address.server = staying
        code, log, _ = leaving.process.wait_until_exit()
        for client in clients:
            client.wait_for_more()
            client.must_stop.set()
            client.join()
        served_elsewhere = staying.count_requests(200)
    assert {status for client in clients for status in client.statuses} == {"OK"}
    assert served_elsewhere is not None
    assert served_elsewhere > 0
    assert (code, read_facts(log, "connections_cut_off")) == (0, 0)


def test_health_says_no_at_once_while_calls_are_still_answered(tmp_path: Path) -> None:
    with running_server(save_linear_model(tmp_path / "m.onnx"), "--drain-seconds", "60") as server:
        watch = health_pb2_grpc.HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == SERVING
        server.process.send_signal()
        assert next(watch).status == NOT_SERVING
        assert not server.call("ServerReady", pb.ServerReadyRequest(), pb.ServerReadyResponse).ready
        assert not server.call("ModelReady", pb.ModelReadyRequest(name="m"), pb.ModelReadyResponse).ready
        assert server.infer(make_linear_request()).model_name == "m"
        watch.cancel()


def test_watchers_of_health_do_not_hold_the_process(tmp_path: Path) -> None:
    with running_server(save_linear_model(tmp_path / "m.onnx"), "--finish-seconds", "3600") as server:
        watch = health_pb2_grpc.HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == SERVING
        server.process.send_signal()
        code, _, _ = server.process.wait_until_exit()
        assert [answer.status for answer in watch] == [NOT_SERVING]
    assert code == 0


def test_one_watcher_that_leaves_does_not_leave_the_others_uninformed(tmp_path: Path) -> None:
    with running_server(save_linear_model(tmp_path / "m.onnx")) as server:
        stub = health_pb2_grpc.HealthStub(server.channel)
        first, second = (stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(2))
        assert (next(first).status, next(second).status) == (SERVING, SERVING)
        first.cancel()
        server.process.send_signal()
        assert next(second).status == NOT_SERVING


def test_a_call_in_flight_is_finished(tmp_path: Path) -> None:
    with running_server(save_patient_model(tmp_path / "m.onnx")) as server:
        infer = server.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        call = infer.future(make_patient_request(20_000).SerializeToString())
        server.process.wait_for_in_flight(1)
        server.process.send_signal()
        assert pb.ModelInferResponse.FromString(call.result()).outputs[0].name == "v"
        code, log, _ = server.process.wait_until_exit()
    assert (code, read_facts(log, "connections_cut_off")) == (0, 0)


def test_a_call_that_takes_too_long_to_finish_is_cut_off(tmp_path: Path) -> None:
    with running_server(save_patient_model(tmp_path / "m.onnx"), "--finish-seconds", "0.1") as server:
        infer = server.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        call = infer.future(make_patient_request(9_000_000_000).SerializeToString())
        server.process.wait_for_in_flight(1)
        server.process.send_signal()
        code, log, _ = server.process.wait_until_exit()
        assert call.code() is grpc.StatusCode.UNAVAILABLE
    assert (code, read_facts(log, "connections_cut_off")) == (0, 1)
