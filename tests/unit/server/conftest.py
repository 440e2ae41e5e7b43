"""Servers that many tests may ask and none may stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.server.onnx_models import (
    ALL_DATATYPES,
    save_echo_model,
    save_linear_model,
    save_lookup_model,
    save_named_features_model,
    save_patient_model,
    save_rain_model,
)
from unit.server.server_process import ServerProcess


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def linear_server(models: Path) -> Iterator[ServerProcess]:
    with ServerProcess(save_linear_model(models / "linear.onnx"), "--max-body-bytes", "100000") as server:
        yield server.wait_until_ready()


@pytest.fixture(scope="session")
def echo_server(models: Path) -> Iterator[ServerProcess]:
    with ServerProcess(save_echo_model(models / "echo.onnx", list(ALL_DATATYPES))) as server:
        yield server.wait_until_ready()


@pytest.fixture(scope="session")
def named_features_server(models: Path) -> Iterator[ServerProcess]:
    with ServerProcess(save_named_features_model(models / "named.onnx")) as server:
        yield server.wait_until_ready()


@pytest.fixture(scope="session")
def lookup_server(models: Path) -> Iterator[ServerProcess]:
    with ServerProcess(save_lookup_model(models / "lookup.onnx")) as server:
        yield server.wait_until_ready()


@pytest.fixture(scope="session")
def patient_server(models: Path) -> Iterator[ServerProcess]:
    with ServerProcess(save_patient_model(models / "patient.onnx")) as server:
        yield server.wait_until_ready()


@pytest.fixture(scope="session")
def rain_server(models: Path) -> Iterator[ServerProcess]:
    with ServerProcess(save_rain_model(models / "rain.onnx")) as server:
        yield server.wait_until_ready()
