"""What HTTP and gRPC cost beside the model: CPU time as a multiple of the bare run, both measured here and now.

A guard against a change that makes each request much dearer, not a benchmark (see docs/benchmarks.md). CPU time hardly
depends on what else the machine does; the limit leaves twice what is usual all the same.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

import numpy as np
import onnxruntime
from conformance.hostile.grpc_frames import GREETING, frame_message, make_data, make_headers
from conformance.outcomes import make_options
from serin_server.http2.frames import make_window_update
from unit.server.grpc_client import GrpcServer, make_linear_request, running_server
from unit.server.onnx_models import save_linear_model
from unit.server.server_process import ServerProcess

REQUESTS = 4000
PIPELINED = 16
ROUNDS = 5
MOST_TIMES_THE_BARE_RUN = 20

BODY = b'{"inputs":[{"name":"x","shape":[1,6],"datatype":"FP32","data":[1,2,3,4,5,6]}]}'
HEADERS_OF_CALL = make_headers(1)
MESSAGE = make_data(1, frame_message(make_linear_request().SerializeToString()))
REQUEST = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def test_a_small_request_costs_little_more_than_its_run_of_the_model(tmp_path: Path) -> None:
    model = save_linear_model(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(model), make_options(), providers=["CPUExecutionProvider"])
    with ServerProcess(model, "--batching", "off") as server:
        server.wait_until_ready()
        ratios = [measure_served(server) / measure_bare(session) for _ in range(ROUNDS)]
    assert min(ratios) < MOST_TIMES_THE_BARE_RUN


def test_a_small_grpc_call_costs_little_more_than_its_run_of_the_model(tmp_path: Path) -> None:
    model = save_linear_model(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(model), make_options(), providers=["CPUExecutionProvider"])
    with running_server(model, "--batching", "off", "--grpc-connection-seconds", "0") as server:
        ratios = [measure_served_by_grpc(server) / measure_bare(session) for _ in range(ROUNDS)]
    assert min(ratios) < MOST_TIMES_THE_BARE_RUN


def measure_bare(session: onnxruntime.InferenceSession) -> float:
    """CPU seconds of as many runs."""
    row = np.ones((1, 6), np.float32)
    began = time.process_time()
    for _ in range(REQUESTS):
        session.run(None, {"x": row})
    return time.process_time() - began


def measure_served(server: ServerProcess) -> float:
    """CPU seconds of the server's process."""
    began = read_cpu_seconds(server.process_id)
    with server.connect_raw() as connection:
        for _ in range(REQUESTS // PIPELINED):
            connection.sendall(REQUEST * PIPELINED)
            answers = b""
            while answers.count(b'"outputs"') < PIPELINED:
                answers += connection.recv(1 << 16)
    return read_cpu_seconds(server.process_id) - began


def measure_served_by_grpc(server: GrpcServer) -> float:
    """The same; sixteen calls at once on one connection, with the header block that a client sends again and again."""
    began = read_cpu_seconds(server.process.process_id)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else 40 ms pass between two sends
        connection.sendall(GREETING)
        for first in range(1, 2 * REQUESTS, 2 * PIPELINED):
            numbers = range(first, first + 2 * PIPELINED, 2)
            connection.sendall(
                b"".join(
                    HEADERS_OF_CALL[:5]
                    + number.to_bytes(4, "big")
                    + HEADERS_OF_CALL[9:]
                    + MESSAGE[:5]
                    + number.to_bytes(4, "big")
                    + MESSAGE[9:]
                    for number in numbers
                )
            )
            answers = b""
            while answers.count(b"\x0bgrpc-status\x010") < PIPELINED:
                answers += connection.recv(1 << 16)
            connection.sendall(make_window_update(0, len(answers)))
    return read_cpu_seconds(server.process.process_id) - began


def read_cpu_seconds(process_id: int) -> float:
    """In nanoseconds in the scheduler's own account, where /proc/…/stat counts in hundredths of a second."""
    tasks = Path(f"/proc/{process_id}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
