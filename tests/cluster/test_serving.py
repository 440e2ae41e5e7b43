"""Real models answer real requests through the user Service, wherever the model comes from."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.installation import ROOT, Operator
from cluster.kubectl import Json
from cluster.namespace import Namespace, open_namespace
from cluster.weather import EXAMPLE, Weather, a_model, a_weather

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

IMAGE = "serin/weather-model:2"
"""Its version is in the tag: nodes keep an image under a tag that they know."""


@pytest.fixture(scope="module")
def place(operator: Operator) -> Iterator[Namespace]:
    with open_namespace("serving") as namespace:
        Weather(namespace).add_models()
        yield namespace
        namespace.check_oracles()


@pytest.fixture
def model_image(tmp_path: Path) -> str:
    """An image that holds nothing but `/model.onnx`, in the cluster's nodes."""
    model = yaml.safe_load((EXAMPLE / "models" / "weather-v2.yaml").read_text())
    (tmp_path / "model.onnx").write_bytes(base64.b64decode(model["binaryData"]["model.onnx"]))
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY model.onnx /model.onnx\n")
    run("docker", "build", "--quiet", "--tag", IMAGE, str(tmp_path))
    run(str(ROOT / "hack" / "cluster" / "load"), IMAGE)
    return IMAGE


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_model_from_a_configmap_answers_as_its_golden_requests_say(version: str, place: Namespace) -> None:
    weather = Weather(place, f"from-configmap-{version}")

    weather.serve(a_weather(version, weather.name).with_replicas(1))

    assert_golden_answers(weather, version)


def test_a_model_from_an_image_answers_as_its_golden_requests_say(model_image: str, place: Namespace) -> None:
    weather = Weather(place, "from-image")
    manifest = a_weather("2", weather.name).with_replicas(1)

    weather.serve(manifest.with_spec(model=a_model("2", uri=f"oci://{model_image}")))

    assert_golden_answers(weather, "2")


def assert_golden_answers(weather: Weather, version: str) -> None:
    cases = json.loads((EXAMPLE / "golden.json").read_text())["cases"]
    assert cases
    for case in cases:
        answer = ask(weather, case["path"], case["request"])
        assert answer["model_version"] == version
        assert holds(answer, case["answer"]), f"{case['path']}: expected {case['answer']} within {answer}"


def ask(weather: Weather, path: str, body: Any) -> Json:
    return weather.namespace.kubectl.post(weather.name, path, body)


def holds(found: Any, wanted: Any) -> bool:
    """Everything wanted is there; a version may tell more, such as its probabilities."""
    if isinstance(wanted, dict):
        return all(name in found and holds(found[name], part) for name, part in wanted.items())
    if isinstance(wanted, list) and wanted and isinstance(wanted[0], dict):
        return all(any(holds(part, one) for part in found) for one in wanted)
    return bool(found == wanted)


def run(*command: str) -> None:
    # Debian's Docker has no BuildKit, and its old builder runs only when asked for.
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
