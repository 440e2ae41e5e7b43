"""MLServer's OpenAPI description of the Open Inference Protocol, taken from its wheel, against the server.

Schemathesis makes requests from the description, right and wrong ones, and checks the answers against it.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from conformance.conftest import Echo
from conformance.own_environment import find_file, prepare_environment

pytestmark = pytest.mark.timeout(400)  # The first run installs the packages.

EXAMPLES_PER_OPERATION = 60


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLServer's description with its mistakes mended, and with the one model that is served as the only name."""
    description = json.loads(find_file("mlserver/rest/openapi/dataplane.json").read_text())
    served = {"model_name": "m", "model_version": "1"}
    for path in description["paths"].values():
        for parameter in path.get("parameters", []):
            parameter["schema"] = {"type": "string", "enum": [served[parameter["name"]]]}
    # No JSON type is called "bytes", and an array of anything is no value of a tensor.
    description["components"]["schemas"]["TensorData"] = {"type": "array"}
    mended = tmp_path_factory.mktemp("description") / "dataplane.json"
    mended.write_text(json.dumps(description))
    return mended


def run_schemathesis(echo: Echo, description: Path, mode: str, checks: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            prepare_environment("schemathesis").parent / "schemathesis",
            *("run", description, "--url", f"http://{echo.http}", "--mode", mode, "--checks", checks),
            *("--exclude-path-regex", "infer_stream|generate", "--phases", "coverage,fuzzing"),
            *("--max-examples", str(EXAMPLES_PER_OPERATION), "--seed", "1", "--continue-on-failure"),
            *("--generation-database", "none", "--warnings", "off", "--no-color", "--request-timeout", "10"),
        ],
        cwd=description.parent,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_right_requests_get_the_codes_and_bodies_that_the_description_promises(echo: Echo, description: Path) -> None:
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    ran = run_schemathesis(echo, description, "positive", checks)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Tested: 9\n" in ran.stdout


def test_wrong_requests_get_an_error_that_is_theirs(echo: Echo, description: Path) -> None:
    checks = "not_a_server_error,response_schema_conformance,unsupported_method,allow_header_conformance"
    ran = run_schemathesis(echo, description, "negative", checks)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Tested: 9\n" in ran.stdout
