"""A server with a gRPC port, and plain calls to it through grpcio's generic client."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
import numpy as np
from google.protobuf.message import Message
from serin_server.grpc import inference_pb2 as pb
from unit.server.server_process import ServerProcess

M = TypeVar("M", bound=Message)

FEATURES = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass(frozen=True)
class GrpcServer:
    process: ServerProcess
    port: int
    channel: Any

    def call(self, name: str, request: Message, answer: type[M]) -> M:
        return answer.FromString(self.call_bytes(name, request.SerializeToString()))

    def call_bytes(self, name: str, request: bytes, timeout_seconds: float = 60) -> bytes:
        method = self.channel.unary_unary(f"/inference.GRPCInferenceService/{name}")
        return bytes(method(request, timeout=timeout_seconds))

    def infer(self, request: pb.ModelInferRequest) -> pb.ModelInferResponse:
        return self.call("ModelInfer", request, pb.ModelInferResponse)

    def refuse(self, request: Message | bytes, name: str = "ModelInfer") -> tuple[str, str]:
        """Name of the status and its text, for a call that must not succeed."""
        try:
            self.call_bytes(name, request if isinstance(request, bytes) else request.SerializeToString())
        except grpc.RpcError as error:
            return error.code().name, error.details()
        raise AssertionError("expected an error")

    def count_requests(self, code: int) -> float | None:
        return self.process.read_metric(
            f'serin_requests_total{{code="{code}",method="infer",model="m",protocol="grpc",version="1"}}'
        )


@contextmanager
def running_server(model: Path, *flags: str) -> Iterator[GrpcServer]:
    port = find_free_port()
    with ServerProcess(model, "--grpc-port", str(port), *flags) as process:
        process.wait_until_ready()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield GrpcServer(process, port, channel)


def make_linear_request(**fields: Any) -> pb.ModelInferRequest:
    """One row for the linear model, as raw contents."""
    request = pb.ModelInferRequest(model_name="m", **fields)
    request.inputs.add(name="x", datatype="FP32", shape=[1, 6])
    request.raw_input_contents.append(np.array(FEATURES, np.float32).tobytes())
    return request


def make_patient_request(steps: int) -> pb.ModelInferRequest:
    """A run of the patient model, which takes as long as it is told."""
    request = pb.ModelInferRequest(model_name="m")
    request.inputs.add(name="steps", datatype="INT64").contents.int64_contents.append(steps)
    return request


def read_facts(log: str, name: str) -> int:
    found = re.search(rf'"{name}":(\d+)', log)
    assert found is not None
    return int(found[1])
