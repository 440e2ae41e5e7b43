"""Real models out of packages (silero-vad and magika) through every way into a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client
from conformance.outcomes import make_options
from conformance.own_environment import find_file
from conformance.tensors import Tensors, are_same
from conformance.test_triton_clients import make_grpc_inputs, make_http_inputs, make_http_outputs
from unit.server.grpc_client import GrpcServer, running_server

pytestmark = pytest.mark.timeout(400)  # The first run installs the packages.

RNG = np.random.default_rng(7)
SOUND = RNG.normal(scale=0.1, size=(1, 512)).astype(np.float32)
STATE = np.zeros((2, 1, 128), np.float32)
RATE = np.array(16_000, np.int64)

FEEDS: dict[str, Tensors] = {
    "silero_vad/data/silero_vad.onnx": {"input": SOUND, "state": STATE, "sr": RATE},
    "silero_vad/data/silero_vad_16k_op15.onnx": {"input": SOUND, "state": STATE, "sr": RATE},
    "silero_vad/data/silero_vad_op18_ifless.onnx": {"input": SOUND, "state": STATE, "sr": RATE},
    "silero_vad/data/silero_vad_half.onnx": {"input": SOUND, "state": STATE},
    "silero_vad/data/silero_vad_openvino_16k.onnx": {"input": np.pad(SOUND, ((0, 0), (64, 0))), "state": STATE},
    "silero_vad/data/silero_vad_16k_sequence.onnx": {
        "input": RNG.normal(scale=0.1, size=(3, 576)).astype(np.float32),
        "h": np.zeros((1, 1, 128), np.float32),
        "c": np.zeros((1, 1, 128), np.float32),
    },
    "magika/models/standard_v3_3/model.onnx": {"bytes": RNG.integers(0, 257, size=(2, 2048)).astype(np.int32)},
}


@dataclass(frozen=True)
class Served:
    server: GrpcServer
    feeds: Tensors
    answer: Tensors
    """What ONNX Runtime itself answers to the feeds."""

    def find_differences(self, result: Any) -> list[str]:
        return [name for name, expected in self.answer.items() if not are_same(result.as_numpy(name), expected)]


@pytest.fixture(scope="module", params=FEEDS, ids=lambda path: path.replace("/data", "").replace("/models", ""))
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    path, feeds = find_file(request.param), FEEDS[request.param]
    session = onnxruntime.InferenceSession(str(path), make_options(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    answer: dict[str, Any] = dict(zip(names, session.run(names, feeds), strict=True))
    with running_server(path) as server:
        yield Served(server, feeds, answer)


@pytest.mark.parametrize("is_binary", [False, True], ids=["JSON", "binary"])
def test_http_answers_as_onnx_runtime_alone(served: Served, is_binary: bool) -> None:
    with http_client.InferenceServerClient(f"127.0.0.1:{served.server.process.port}") as client:
        inputs = make_http_inputs(served.feeds, is_binary=is_binary)
        result = client.infer("m", inputs, outputs=make_http_outputs(served.answer, is_binary=is_binary))
    assert served.find_differences(result) == []


def test_grpc_answers_as_onnx_runtime_alone(served: Served) -> None:
    with grpc_client.InferenceServerClient(f"127.0.0.1:{served.server.port}") as client:
        result = client.infer("m", make_grpc_inputs(served.feeds))
    assert served.find_differences(result) == []
