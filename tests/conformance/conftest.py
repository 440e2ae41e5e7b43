"""One server for the clients to talk to: a model that gives back what it is given, in every datatype."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from conformance import compiled_server  # noqa: F401 - puts the compiled server before its sources
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
    with running_echo(tmp_path_factory.mktemp("models"), list(ALL_DATATYPES)) as running:
        yield running


@contextmanager
def running_echo(folder: Path, datatypes: list[str]) -> Iterator[Echo]:
    path = save_echo_model(folder / "echo.onnx", datatypes)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    tensors = make_tensors()
    feeds = {f"in_{name}": tensors[name] for name in datatypes}
    names = [output.name for output in session.get_outputs()]
    answer: dict[str, np.ndarray] = dict(zip(names, session.run(names, feeds), strict=True))
    with running_server(path) as server:
        yield Echo(server, feeds, answer)
