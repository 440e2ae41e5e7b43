"""What is in the images: one user, one program, no shell, nothing to write to."""

from __future__ import annotations

import http.client
import json
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cluster.waiting import wait_until
from unit.server.onnx_models import save_linear_model

pytestmark = pytest.mark.cluster

SERVER_MEGABYTES = 250
PORT = 18080


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def inspect(kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker(kind, "inspect", name))[0]
    return found


@pytest.fixture(params=["operator", "server"])
def image(request: pytest.FixtureRequest) -> str:
    return f"serin/{request.param}:dev"


def test_no_program_but_python_is_in_the_image(image: str, tmp_path: Path) -> None:
    container = docker("create", image)
    try:
        docker("export", "--output", str(tmp_path / "files.tar"), container)
    finally:
        docker("rm", container)
    with tarfile.open(tmp_path / "files.tar") as files:
        folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin")
        programs = {Path(name).name for name in files.getnames() if str(Path(name).parent) in folders}
    assert programs
    assert {name for name in programs if not name.startswith("python3")} <= {"python"}


def test_the_user_is_not_root(image: str) -> None:
    assert inspect("image", image)["Config"]["User"] == "65532:65532"


def test_the_servers_image_is_small() -> None:
    assert inspect("image", "serin/server:dev")["Size"] <= SERVER_MEGABYTES * 1_000_000


@pytest.fixture
def container(tmp_path: Path) -> Iterator[str]:
    """A server as strict as a runtime can be: nothing may be written, no capabilities, no new privileges."""
    tmp_path.chmod(0o755)
    model = save_linear_model(tmp_path / "model.onnx")
    model.chmod(0o644)
    strict = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host")
    name = docker(
        *("run", "--detach", *strict, "--volume", f"{model}:/model.onnx:ro", "--health-interval=1s"),
        *("--env", f"SERIN_HTTP_PORT={PORT}", "serin/server:dev", "--model-uri", "/model.onnx", "--host", "127.0.0.1"),
    )
    try:
        yield name
    finally:
        docker("rm", "--force", name)


def test_it_serves_and_is_healthy_with_nothing_to_write_to(container: str) -> None:
    wait_until("it is healthy", lambda: inspect("container", container)["State"]["Health"]["Status"] == "healthy")
    with closing(http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)) as connection:
        connection.request("POST", "/predict", b"[[1, 2, 3, 4, 5, 6]]")
        assert json.loads(connection.getresponse().read())["predictions"] == [[21, 21]]
    assert '"compiled":true' in docker("logs", container)
    docker("stop", container)
    assert inspect("container", container)["State"]["ExitCode"] == 0
