"""Flux for real: its source and kustomize controllers read a Git repository over HTTP and judge by kstatus."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cluster.installation import Operator
from cluster.weather import BROKEN
from gitops.field_owners import find_shared, read_owners
from gitops.flux import Flux
from gitops.repository import Repository
from gitops.settings import QUIET_SECONDS
from gitops.team import CHILDREN, Team, files_of, open_team

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

RESYNCS = 10


@dataclass
class FluxTeam(Team):
    repository: Repository
    flux: Flux

    def commit_version(self, version: str) -> str:
        """The commit's hash; Flux knows of it."""
        commit = self.repository.commit_version(version)
        self.flux.fetch()
        return commit

    def serve_good_version(self) -> None:
        """Whatever a test before has left: version 1 or 2 is what Git wants, and serves."""
        version = self.weather.stable_version
        if self.weather.now()["spec"]["model"]["version"] != version:
            self.flux.until_ready(self.commit_version(version))
            self.weather.until_stable_is_alone()


@pytest.fixture(scope="module")
def _shared(operator: Operator, git_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FluxTeam]:
    with open_team("flux") as team:
        name = team.namespace.name
        repository = Repository(name, git_server, tmp_path_factory.mktemp("clones") / name)
        commit = repository.commit(files_of("1"))
        flux = Flux(team.namespace.kubectl, "git.yaml", {"url": repository.url})
        flux.until_ready(commit)
        team.start_users()
        yield FluxTeam(team.namespace, team.weather, team.traffic, repository, flux)


@pytest.fixture
def team(_shared: FluxTeam) -> FluxTeam:
    _shared.serve_good_version()
    return _shared


def test_a_commit_with_a_good_version_ends_ready_and_the_new_version_serves(team: FluxTeam) -> None:
    before, version = team.traffic.count(), team.weather.good_version

    team.flux.until_ready(team.commit_version(version))

    assert team.weather.status["message"] == f"Version {version} serves all traffic."
    assert set(team.answers().versions) == {version}
    assert team.traffic.count().since(before).failed == 0


def test_a_commit_with_a_broken_version_ends_not_ready_and_the_old_version_serves(team: FluxTeam) -> None:
    version, serving = team.weather.stable_version, team.weather.serving()

    ready = team.flux.until_not_ready(team.commit_version(BROKEN))

    assert ready["reason"] == "HealthCheckFailed"
    assert f"ModelDeployment/{team.namespace.name}/weather status: 'Failed'" in ready["message"]
    why = team.flux.why()
    assert "Rejected: the canary fails 100 %" in why
    assert f"Version {version} serves all traffic." in why
    assert team.weather.serving() == serving
    assert set(team.answers().versions) == {version}


def test_ten_resyncs_of_a_rejected_version_start_nothing(team: FluxTeam) -> None:
    team.flux.until_not_ready(team.commit_version(BROKEN))
    team.weather.until_stable_is_alone()
    before = team.namespace.recording.version

    for _ in range(RESYNCS):
        team.flux.reconcile()

    assert team.changes(before) == []


def test_nobody_fights_over_fields_while_flux_reconciles_again_and_again(team: FluxTeam) -> None:
    kubectl, before = team.namespace.kubectl, team.namespace.recording.version
    until = time.monotonic() + QUIET_SECONDS
    rounds = 0
    while rounds < RESYNCS or time.monotonic() < until:
        team.flux.reconcile()
        rounds += 1

    assert team.changes(before) == []
    owners = read_owners(kubectl, "modeldeployments.serin.dev", "weather")
    assert find_shared(owners) == []
    assert all(path.startswith("/status") for path in owners["serin"])
    assert not any(path.startswith("/status") for path in owners["kustomize-controller"])
    for kind in CHILDREN:
        for child in team.namespace.recording.all(kind):
            owners = read_owners(kubectl, kind, child["metadata"]["name"])
            assert "kustomize-controller" not in owners
            assert find_shared(owners) == []


def test_a_commit_in_the_middle_of_a_rollout_is_taken_at_once(team: FluxTeam) -> None:
    """With the feature gate that docs/gitops.md asks for: else Flux would wait until the rollout is over."""
    version = team.weather.stable_version
    rollouts = team.weather.rollouts()
    team.commit_version(team.weather.good_version)
    rollout = team.namespace.recording.until(
        "the new version is on trial", lambda: next(iter(team.weather.rollouts() - rollouts), None)
    )

    team.flux.until_ready(team.commit_version(version))

    assert team.weather.rollout(rollout)["phase"] == "Aborted"
    assert team.weather.stable_version == version
