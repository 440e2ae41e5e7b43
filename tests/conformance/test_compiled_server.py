"""What this rung is run against: the server as it is shipped."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from conformance.compiled_server import FOLDER
from unit.server.onnx_models import save_linear_model
from unit.server.server_process import ServerProcess


def test_the_server_tells_that_its_hot_path_is_compiled(tmp_path: Path) -> None:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx")) as server:
        server.wait_until_listening()
        assert server.wait_for_log("ready")["compiled"] is True


@pytest.mark.parametrize("name", ["oip.decode", "oip.encode", "grpc.contents", "grpc.tensors"])
def test_the_codecs_that_are_tried_without_a_server_are_compiled_too(name: str) -> None:
    file = importlib.import_module(f"serin_server.{name}").__file__
    assert file is not None
    assert file.startswith(FOLDER)
    assert file.endswith(".so")
