"""One server for the clients to talk to: a model that gives back what it is given, in every datatype."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnxruntime
import pytest
from conformance.tensors import Tensors, make_tensors
from unit.server.grpc_client import GrpcServer, running_server
from unit.server.onnx_models import ALL_DATATYPES, save_echo_model


@dataclass(frozen=True)
class Echo:
    server: GrpcServer
    feeds: Tensors
    answer: Tensors
    """What ONNX Runtime itself answers to the feeds."""

    @property
    def http(self) -> str:
        return f"127.0.0.1:{self.server.process.port}"

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.server.port}"


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Echo]:
    path = save_echo_model(tmp_path_factory.mktemp("models") / "echo.onnx", list(ALL_DATATYPES))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {f"in_{name}": array for name, array in make_tensors().items()}
    names = [output.name for output in session.get_outputs()]
    answer: dict[str, np.ndarray] = dict(zip(names, session.run(names, feeds), strict=True))
    with running_server(path) as server:
        yield Echo(server, feeds, answer)
