"""The examples: the API server takes each without a warning, and the operator serves it."""

from pathlib import Path

import pytest
import yaml
from serin_testkit.world import World

pytestmark = pytest.mark.component

PLANS = Path(__file__).parents[2] / "manifests" / "examples" / "plans"
FILES = sorted(PLANS.glob("*.yaml"))


def read_example(path: Path) -> tuple[str, str]:
    """Name and version of its ModelDeployment."""
    documents = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    (found,) = [document for document in documents if document["kind"] == "ModelDeployment"]
    return found["metadata"]["name"], found["spec"]["model"]["version"]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
async def test_an_example_is_taken_as_it_stands_and_served(world: World, path: Path) -> None:
    name, version = read_example(path)

    if path.stem == "gateway":
        await world.gateways.add_class()
        await world.gateways.add()
    code, output = await world.user.kubectl("apply", "--validate=strict", f"--filename={path}")

    assert code == 0, output
    assert "Warning" not in output
    served = await world.until_told(name, "Healthy")
    assert served["status"]["stable"]["version"] == version


def test_the_list_of_examples_is_whole() -> None:
    listed = (PLANS / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in FILES if f"[{path.name}]({path.name})" not in listed] == []
