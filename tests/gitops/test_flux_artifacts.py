"""Flux for real with OCI artefacts: what a pipeline pushes to a registry under a tag is what serves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.installation import Operator
from cluster.weather import BROKEN
from gitops.flux import Flux
from gitops.forwarding import forward
from gitops.guide import run_guide
from gitops.team import Team, open_team, write_files

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

REPOSITORY = "registry.example.com/deploy/models"


class Pipeline:
    """Pushes a folder of manifests."""

    def __init__(self, registry: str, name: str, folder: Path) -> None:
        """`registry` is where this machine reaches it, such as 127.0.0.1:40123."""
        self._here = f"{registry}/deploy/{name}"
        self._folder = folder
        self.url = f"oci://registry.sources.svc.cluster.local:5000/deploy/{name}"
        """Where pods of the cluster find it."""

    def push_version(self, version: str) -> str:
        """The artefact's digest."""
        write_files(self._folder, version)
        said = run_guide("flux-push", {"oras push": "oras push --plain-http", REPOSITORY: self._here}, self._folder)
        return said.rpartition("Digest: ")[2].strip()


@pytest.fixture
def registry(operator: Operator) -> Iterator[str]:
    with forward("sources", "registry", 5000) as address:
        yield address


@pytest.fixture
def team(operator: Operator) -> Iterator[Team]:
    with open_team("flux-oci") as team:
        yield team


def test_what_is_pushed_under_the_tag_serves_and_a_broken_version_ends_not_ready(
    team: Team, registry: str, tmp_path: Path
) -> None:
    pipeline = Pipeline(registry, team.namespace.name, tmp_path)
    digest = pipeline.push_version("1")
    flux = Flux(team.namespace.kubectl, "oci.yaml", {"url": pipeline.url, "insecure": True})
    flux.until_ready(digest)
    assert team.weather.stable_version == "1"
    team.start_users()

    digest = pipeline.push_version(BROKEN)
    flux.fetch()

    assert flux.until_not_ready(digest)["reason"] == "HealthCheckFailed"
    assert team.weather.status["rejected"]["version"] == BROKEN
    assert set(team.answers().versions) == {"1"}
