"""KServe's clients, as they are on the package index, over REST and gRPC; they exist only in asynchronous form."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conformance.conftest import Echo, running_echo
from conformance.own_environment import prepare_environment
from conformance.tensors import are_same
from unit.server.onnx_models import ALL_DATATYPES

PROGRAM = Path(__file__).parent / "kserve_client.py"

pytestmark = pytest.mark.timeout(400)  # The first run installs KServe.


@dataclass(frozen=True)
class Exchange:
    echo: Echo
    folder: Path
    """Where KServe's clients have written what they read."""


@pytest.fixture(scope="module", params=["json", "binary"])
def exchange(
    request: pytest.FixtureRequest, echo: Echo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exchange]:
    folder = tmp_path_factory.mktemp("kserve")
    if request.param == "binary":
        yield exchange_with(echo, "binary", folder)
        return
    # KServe's client refuses to write FP16 in JSON or as typed contents.
    with running_echo(folder, [name for name in ALL_DATATYPES if name != "FP16"]) as without_fp16:
        yield exchange_with(without_fp16, "json", folder)


def exchange_with(echo: Echo, form: str, folder: Path) -> Exchange:
    np.savez(folder / "feeds.npz", **echo.feeds)  # type: ignore[arg-type]
    ran = subprocess.run(
        [prepare_environment("kserve"), PROGRAM, f"http://{echo.http}", echo.grpc, form, folder],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert ran.returncode == 0, ran.stderr
    return Exchange(echo, folder)


@pytest.mark.parametrize("protocol", ["REST", "gRPC"])
def test_every_datatype_arrives_as_onnx_runtime_answers_it(exchange: Exchange, protocol: str) -> None:
    expected = exchange.echo.answer
    with np.load(exchange.folder / f"{protocol}.npz", allow_pickle=True) as loaded:
        got = dict(loaded)
    assert got.keys() == expected.keys()
    assert [name for name in expected if not are_same(got[name], expected[name])] == []


def test_health_and_request_ids(exchange: Exchange) -> None:
    facts = json.loads((exchange.folder / "facts.json").read_text())
    assert [what for what, is_so in facts["health"].items() if not is_so] == []
    assert facts["ids"] == ["7", "7"]
