"""Argo CD for real: its application controller and repo server read a Git repository over HTTP."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cluster.installation import Operator
from cluster.weather import BROKEN
from gitops.argocd import ArgoCd
from gitops.field_owners import find_shared, read_owners
from gitops.guide import run_guide
from gitops.repository import Repository
from gitops.settings import QUIET_SECONDS
from gitops.team import Team, files_of, open_team

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

RESYNCS = 10


@dataclass
class ArgoTeam(Team):
    repository: Repository
    argocd: ArgoCd

    def commit_version(self, version: str) -> str:
        """The commit's hash; Argo CD knows of it."""
        commit = self.repository.commit_version(version)
        self.argocd.refresh()
        return commit

    def begin_rollout(self) -> str:
        """A commit with the other good version; the Rollout whose comparison runs."""
        known = self.weather.rollouts()
        self.commit_version(self.weather.good_version)
        rollout = self.namespace.recording.until(
            "a Rollout begins", lambda: next(iter(self.weather.rollouts() - known), None)
        )
        self.weather.until_phase(rollout, "Analyzing")
        return rollout

    def serve_good_version(self) -> None:
        """Whatever a test before has left: version 1 or 2 is what Git wants, and serves."""
        version = self.weather.stable_version
        if self.weather.now()["spec"]["model"]["version"] != version:
            self.argocd.until(self.commit_version(version), "Healthy")
            self.weather.until_stable_is_alone()


@pytest.fixture(scope="module")
def _shared(operator: Operator, git_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgoTeam]:
    with open_team("argocd") as team:
        name, folder = team.namespace.name, tmp_path_factory.mktemp("argocd")
        repository = Repository(name, git_server, folder / name)
        commit = repository.commit(files_of("1"))
        run_guide("argocd-settings", {})
        argocd = ArgoCd(name, repository.url, folder)
        try:
            argocd.until(commit, "Healthy")
            team.start_users()
            with argocd.page():
                yield ArgoTeam(team.namespace, team.weather, team.traffic, repository, argocd)
        finally:
            argocd.remove()


@pytest.fixture
def team(_shared: ArgoTeam) -> ArgoTeam:
    _shared.serve_good_version()
    return _shared


def test_a_commit_with_a_good_version_ends_healthy_and_the_new_version_serves(team: ArgoTeam) -> None:
    before, version = team.traffic.count(), team.weather.good_version

    team.argocd.until(team.commit_version(version), "Healthy")

    assert team.weather.stable_version == version
    assert set(team.answers().versions) == {version}
    assert team.traffic.count().since(before).failed == 0
    assert f"Version {version} serves all traffic." in team.argocd.tree()


def test_a_commit_with_a_broken_version_ends_degraded_with_the_reason_and_the_old_version_serves(
    team: ArgoTeam,
) -> None:
    version, serving = team.weather.stable_version, team.weather.serving()

    team.argocd.until(team.commit_version(BROKEN), "Degraded")

    assert "Rejected: the canary fails 100 %" in team.argocd.tree()
    assert team.weather.serving() == serving
    assert set(team.answers().versions) == {version}


def test_ten_resyncs_of_a_rejected_version_start_nothing(team: ArgoTeam) -> None:
    commit = team.commit_version(BROKEN)
    team.argocd.until(commit, "Degraded")
    team.weather.until_stable_is_alone()
    before = team.namespace.recording.version

    for _ in range(RESYNCS):
        team.argocd.refresh()
    team.argocd.sync_again()

    team.argocd.until(commit, "Degraded")
    assert team.changes(before) == []


def test_nothing_drifts_and_nobody_fights_over_fields(team: ArgoTeam) -> None:
    kubectl, before = team.namespace.kubectl, team.namespace.recording.version
    until = time.monotonic() + QUIET_SECONDS
    rounds = 0
    while rounds < RESYNCS or time.monotonic() < until:
        team.argocd.refresh()
        rounds += 1
        assert (team.argocd.sync, team.argocd.health) == ("Synced", "Healthy")

    assert team.changes(before) == []
    owners = read_owners(kubectl, "modeldeployments.serin.dev", "weather")
    assert find_shared(owners) == []
    assert all(path.startswith("/status") for path in owners["serin"])
    assert not any(path.startswith("/status") for path in owners["argocd-controller"])


def test_a_rollout_is_paused_resumed_and_promoted_by_its_buttons(team: ArgoTeam) -> None:
    rollout, version = team.begin_rollout(), team.weather.good_version
    assert team.argocd.actions("Rollout", rollout)["promote"]

    team.argocd.press("pause", "Rollout", rollout)
    team.weather.until_condition(rollout, "Paused", "True")
    team.argocd.press("resume", "Rollout", rollout)
    team.argocd.press("promote", "Rollout", rollout)

    status = team.weather.until_phase(rollout, "Promoted")
    assert status["decidedBy"] == {"how": "Person"}
    assert team.weather.stable_version == version
    team.argocd.refresh()
    assert team.argocd.sync == "Synced"


def test_a_rejected_version_is_tried_again_by_the_button_of_its_model_deployment(team: ArgoTeam) -> None:
    team.argocd.until(team.commit_version(BROKEN), "Degraded")
    rejected = team.weather.status["rejected"]["rollout"]

    team.argocd.retry(team.weather.name)

    team.weather.until_phase(f"{rejected}-retry", "Rejected")
    team.argocd.refresh()
    assert team.argocd.sync == "Synced"


def test_a_paused_model_deployment_is_no_drift(team: ArgoTeam) -> None:
    team.argocd.press("pause", "ModelDeployment", team.weather.name)
    team.weather.until_told("Paused")
    team.argocd.refresh()
    assert (team.argocd.sync, team.argocd.health) == ("Synced", "Suspended")

    team.argocd.press("resume", "ModelDeployment", team.weather.name)
    team.weather.until_told("Healthy")
