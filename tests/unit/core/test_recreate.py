"""Recreate: the old pods go before the new ones start, and the status does not hide that nobody is served."""

from typing import Any

import pytest
from unit.core.paper_cluster import BROKEN, KEPT, PaperCluster


def replacing(**plan: Any) -> PaperCluster:
    """The old pods have just been told to go."""
    return PaperCluster(strategy="Recreate", **plan).serving("1").wanting("2").until("Preparing")


def sizes(cluster: PaperCluster) -> tuple[int, int]:
    """Replicas asked for of the old and of the new version."""
    found = {live["metadata"]["name"]: live["spec"]["replicas"] for live in cluster.all("Deployment")}
    return found[cluster.route_of("1").revision], found[cluster.route_of("2").revision]


def run_pods(cluster: PaperCluster) -> None:
    cluster.pods.run(cluster.all("Deployment"), cluster.now)


def test_the_old_pods_are_gone_before_a_new_one_starts() -> None:
    cluster = replacing()
    assert sizes(cluster) == (0, 0)

    old = cluster.pods.of(cluster.route_of("1").revision)
    for pod in old:
        pod.terminating = True
    cluster.look()
    assert sizes(cluster) == (0, 0)

    run_pods(cluster)
    cluster.look()
    assert sizes(cluster) == (0, 2)


def test_a_pod_that_was_evicted_long_ago_holds_nothing_up() -> None:
    cluster = PaperCluster(strategy="Recreate").serving("1")
    evicted = cluster.pods.of(cluster.route_of("1").revision)[0]
    evicted.ready, evicted.finished = False, True
    evicted.deployment = ""  # its controller has made another one

    assert cluster.wanting("2").settled().attempt.phase == "Promoted"


def test_it_says_that_users_are_not_served() -> None:
    cluster = replacing()
    run_pods(cluster)
    cluster.look()

    assert (cluster.attempt.message or "").startswith("Users are not served: ")
    (available,) = [found for found in cluster.model_deployment.conditions if found.type == "Available"]
    assert (available.status, available.reason) == ("False", "NoPodReady")


def test_the_new_version_serves_when_it_is_ready() -> None:
    cluster = replacing().settled()

    assert [stage.phase for stage in cluster.attempt.stages] == ["Preparing", "Promoting", "Promoted"]
    assert cluster.selected_revision() == cluster.route_of("2").revision
    assert sizes(cluster) == (0, 2)


@pytest.mark.parametrize("gate", ["BeforeTraffic", "BeforePromotion"])
def test_a_gate_is_passed_while_the_old_version_serves(gate: str) -> None:
    cluster = PaperCluster(strategy="Recreate", approval=[gate]).serving("1").wanting("2").settled()
    assert cluster.attempt.phase == "AwaitingApproval"
    assert len(cluster.pods.of(cluster.route_of("1").revision)) == 2

    assert cluster.approving(gate).settled().attempt.phase == "Promoted"


def test_a_version_that_does_not_get_ready_gives_the_place_back_to_the_old_one() -> None:
    cluster = replacing(progressDeadline="1m")
    cluster.pods.broken[cluster.route_of("2").revision] = "ImagePullBackOff"
    cluster.settled().passing(60).settled()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Failed", "ProgressDeadlineExceeded")
    assert sizes(cluster) == (2, 0)
    assert cluster.selected_revision() == cluster.route_of("1").revision
    assert all(pod.ready for pod in cluster.pods.of(cluster.route_of("1").revision))


def test_a_version_that_crashes_does_not_wait_for_the_deadline() -> None:
    cluster = replacing()
    cluster.pods.broken[cluster.route_of("2").revision] = "CrashLoopBackOff"

    assert cluster.settled().attempt.reason == "CanaryCrashed"
    assert sizes(cluster) == (2, 0)


def test_golden_requests_are_asked_before_users_come_back() -> None:
    cluster = replacing(preflight={"requests": "configmap://golden"})
    cluster.preflight = BROKEN

    assert cluster.settled().attempt.reason == "PreflightFailed"
    assert sizes(cluster) == (2, 0)


def test_without_golden_requests_there_is_nobody_to_compare_a_signature_with() -> None:
    cluster = replacing()
    cluster.preflight = KEPT

    assert "Preflight" not in [stage.phase for stage in cluster.settled().attempt.stages]


def test_a_person_promotes_over_the_gate() -> None:
    cluster = PaperCluster(strategy="Recreate", approval=["BeforeTraffic"]).serving("1").wanting("2").settled()
    cluster.deciding("Promote")

    assert cluster.settled().attempt.phase == "Promoted"


@pytest.mark.parametrize("decision", ["Reject", "Abort"])
def test_a_person_can_bring_the_old_version_back(decision: str) -> None:
    cluster = replacing().deciding(decision).settled()

    assert sizes(cluster) == (2, 0)
    assert cluster.model_deployment.stable is not None
    assert cluster.model_deployment.stable.version == "1"


def test_the_next_version_takes_the_place_of_the_one_that_was_starting() -> None:
    cluster = replacing()
    run_pods(cluster)
    cluster.look()
    cluster.wanting("3").settled()

    assert cluster.rollout("weather-2").phase == "Superseded"
    assert cluster.model_deployment.stable is not None
    assert cluster.model_deployment.stable.version == "3"
