"""An attempt waits for its pods until the deadline, and then says in their words why they did not come."""

from dataclasses import replace

import pytest
from serin.core.model_deployment.decide import decide
from serin.core.plan import WriteStatus
from unit.core.paper_cluster import PaperCluster


def preparing() -> PaperCluster:
    """Version 2 is told to run, and its first pod does not get ready."""
    cluster = PaperCluster(progressDeadline="1m").serving("1").wanting("2").until("Preparing")
    cluster.pods.broken[cluster.route_of("2").revision] = "ImagePullBackOff"
    return cluster.settled()


def test_the_trouble_is_told_while_it_waits() -> None:
    cluster = preparing()
    (pod,) = cluster.pods.of(cluster.route_of("2").revision)

    assert cluster.attempt.phase == "Preparing"
    assert (
        cluster.attempt.message
        == f"Waiting for pods of the new version; pod {pod.name} of the new version: ImagePullBackOff."
    )


def test_it_looks_again_exactly_at_the_deadline() -> None:
    assert preparing().passing(20).plan().look_again_after_seconds == 40.0


def test_at_the_deadline_it_fails_with_the_trouble_and_stable_is_untouched() -> None:
    cluster = preparing()
    stable = cluster.route_of("1")
    uids = [pod.name for pod in cluster.pods.of(stable.revision)]
    cluster.passing(60).settled()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Failed", "ProgressDeadlineExceeded")
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.startswith("Not ready within 1m: pod ")
    assert "ImagePullBackOff" in cluster.attempt.message
    assert [pod.name for pod in cluster.pods.of(stable.revision)] == uids
    assert cluster.model_deployment.conditions[0].status == "True"


def test_a_pod_without_a_trouble_of_its_own_is_counted() -> None:
    cluster = preparing()
    cluster.pods.broken[cluster.route_of("2").revision] = ""
    cluster.passing(60).settled()

    assert cluster.attempt.message == (
        "Not ready within 1m: 0 of 1 pods of the new version are ready and Kubernetes gives no reason."
    )


def test_time_spent_paused_does_not_count_towards_the_deadline() -> None:
    cluster = preparing().passing(30).pausing().settled()
    cluster.passing(300).pausing(False).settled()
    assert cluster.attempt.phase == "Preparing"
    assert cluster.attempt.stages[-1].held_seconds == 300

    cluster.passing(29).settled()
    assert cluster.attempt.phase == "Preparing"
    assert cluster.passing(1).settled().attempt.phase == "Failed"


def test_a_promotion_that_cannot_grow_fails_and_the_old_version_keeps_serving() -> None:
    cluster = PaperCluster(replicas=3, progressDeadline="1m").serving("1").wanting("2").until("Analyzing")
    cluster.pods.broken[cluster.route_of("2").revision] = "Unschedulable"
    cluster.deciding("Promote").settled().passing(60).settled()

    assert cluster.attempt.phase == "Failed"
    assert cluster.selected_revision() == cluster.route_of("1").revision
    assert len(cluster.pods.of(cluster.route_of("1").revision)) == 3


@pytest.mark.parametrize(
    ("size", "replicas", "pods"), [(1, 5, 1), (3, 2, 3), ("25%", 10, 3), ("25%", 1, 1), ("100%", 4, 4), ("10%", 0, 1)]
)
def test_the_canary_and_the_baseline_have_the_size_of_the_plan(size: int | str, replicas: int, pods: int) -> None:
    cluster = PaperCluster(replicas=replicas, size=size).serving("1").wanting("2").until("Analyzing")

    assert len(cluster.pods.of(cluster.route_of("2").revision)) == pods
    assert len(cluster.pods.of(cluster.route_of("1", "baseline").revision + "-baseline")) == pods
    assert len(cluster.pods.of(cluster.route_of("1").revision)) == replicas


def test_a_canary_larger_than_the_whole_shrinks_only_after_it_is_promoted() -> None:
    cluster = PaperCluster(replicas=1, size=3).serving("1").wanting("2").until("Analyzing")
    cluster.deciding("Promote").until("Promoting")
    assert len(cluster.pods.of(cluster.route_of("2").revision)) == 3

    assert len(cluster.settled().pods.of(cluster.route_of("2").revision)) == 1


def test_with_no_replicas_a_new_version_is_tried_and_then_scaled_to_zero() -> None:
    cluster = PaperCluster(replicas=0).serving("1").wanting("2").until("Analyzing").deciding("Promote").settled()

    assert cluster.attempt.phase == "Promoted"
    assert cluster.pods.all == []


def test_scaling_in_the_middle_of_a_comparison_changes_stable_alone() -> None:
    cluster = PaperCluster(replicas=2).serving("1").wanting("2").until("Analyzing").applying(replicas=4).settled()

    assert cluster.attempt.phase == "Analyzing"
    assert len(cluster.pods.of(cluster.route_of("1").revision)) == 4
    assert len(cluster.pods.of(cluster.route_of("2").revision)) == 1


def test_pods_that_a_quota_keeps_from_being_made_are_told() -> None:
    cluster = preparing()
    facts = cluster.facts()
    canary = cluster.route_of("2")
    refused = tuple(
        replace(live, trouble="FailedCreate: exceeded quota") if live.route == canary else live
        for live in facts.deployments
    )
    (status,) = [
        action.status
        for action in decide(replace(facts, deployments=refused, pods=())).actions
        if isinstance(action, WriteStatus) and action.kind == "Rollout"
    ]
    assert status["message"] == (
        "Waiting for pods of the new version; no more pods of the new version are made, FailedCreate: exceeded quota."
    )


def test_a_canary_that_stops_answering_in_the_comparison_fails_after_the_deadline() -> None:
    cluster = PaperCluster(progressDeadline="1m").serving("1").wanting("2").until("Analyzing").settled()
    cluster.pods.broken[cluster.route_of("2").revision] = "Running, not ready"
    cluster.settled().passing(59).settled()
    assert cluster.attempt.phase == "Analyzing"

    cluster.passing(1).settled()
    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Failed", "ProgressDeadlineExceeded")
    assert cluster.selected_revision() == cluster.route_of("1").revision
