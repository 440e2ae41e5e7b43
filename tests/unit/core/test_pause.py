"""Pausing one attempt keeps its weights; pausing the ModelDeployment freezes everything but its status."""

import pytest
from serin.core.plan import Emit, WriteStatus
from unit.core.paper_cluster import PaperCluster


def analyzing() -> PaperCluster:
    return PaperCluster(replicas=2).serving("1").wanting("2").until("Analyzing").settled()


@pytest.mark.parametrize("phase", ["Preparing", "Analyzing", "Promoting"])
def test_a_paused_attempt_keeps_its_phase_pods_and_weights(phase: str) -> None:
    cluster = (
        PaperCluster(replicas=2).serving("1").wanting("2").until("Preparing" if phase == "Preparing" else "Analyzing")
    )
    if phase == "Promoting":
        cluster.pods.broken[cluster.route_of("2").revision] = "ImagePullBackOff"
        cluster.deciding("Promote").until("Promoting")
        cluster.objects["Rollout", "weather-2"]["spec"].pop("decision")
    pods, selected = [pod.name for pod in cluster.pods.all], cluster.selected_revision()
    cluster.pausing().look()
    cluster.passing(3600).look()

    assert cluster.attempt.phase == phase
    assert cluster.attempt.reason == "Paused"
    assert [pod.name for pod in cluster.pods.all] == pods
    assert cluster.selected_revision() == selected


def test_a_paused_attempt_is_shown_by_its_model_deployment() -> None:
    cluster = analyzing().pausing().settled()

    assert cluster.model_deployment.phase == "Paused"
    assert cluster.model_deployment.message == "Rollout weather-2 of version 2 is paused."


@pytest.mark.parametrize(("decision", "phase"), [("Promote", "Promoted"), ("Reject", "Rejected"), ("Abort", "Aborted")])
def test_what_a_person_decides_is_done_even_while_paused(decision: str, phase: str) -> None:
    assert analyzing().pausing().settled().deciding(decision).settled().attempt.phase == phase


def test_a_spec_that_moves_on_ends_a_paused_attempt() -> None:
    cluster = analyzing().pausing().settled().wanting("3").settled()

    assert cluster.rollout("weather-2").phase == "Superseded"


def test_the_time_spent_paused_is_kept_per_phase() -> None:
    cluster = analyzing().passing(100).pausing().settled()
    cluster.passing(40).pausing(False).settled()
    cluster.passing(10).pausing().settled()
    cluster.passing(20).deciding("Reject").settled()

    assert [(stage.phase, stage.held_seconds) for stage in cluster.attempt.stages] == [
        ("Preparing", 0),
        ("Preflight", 0),
        ("Analyzing", 60),
        ("Rejected", 0),
    ]


@pytest.mark.parametrize(
    "change", [{"replicas": 5}, {"service": {"port": 9000}}, {"model": {"uri": "file:///3", "version": "3"}}, {}]
)
def test_a_frozen_model_deployment_changes_nothing_but_status(change: dict[str, object]) -> None:
    cluster = analyzing().applying(paused=True, **change)
    plan = cluster.look()

    assert all(isinstance(action, WriteStatus | Emit) for action in plan.actions)
    assert plan.look_again_after_seconds is None
    assert cluster.model_deployment.phase == "Paused"
    assert cluster.attempt.phase == "Analyzing"


def test_a_frozen_model_deployment_still_tells_how_its_pods_are() -> None:
    cluster = analyzing().applying(paused=True)
    cluster.pods.broken[cluster.route_of("1").revision] = "CrashLoopBackOff"
    cluster.settled()

    assert cluster.model_deployment.stable is not None
    assert cluster.model_deployment.stable.ready_replicas == 0
    assert {c.type: c.status for c in cluster.model_deployment.conditions}["Available"] == "False"


def test_after_the_freeze_it_goes_on() -> None:
    cluster = analyzing().applying(paused=True).wanting("3").settled()
    cluster.applying(paused=False).settled()

    assert cluster.rollout("weather-2").phase == "Superseded"
    assert cluster.rollout("weather-3").phase == "Analyzing"
