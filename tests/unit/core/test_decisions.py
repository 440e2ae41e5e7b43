"""A person's decision overrides the evidence, in every phase, and the record says who it was."""

import pytest
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster


def in_phase(phase: str) -> PaperCluster:
    cluster = PaperCluster(replicas=3).serving("1").wanting("2")
    if phase == "Promoting":
        cluster.until("Analyzing").settled()
        cluster.passing(INTERVAL_SECONDS).look(cluster.readings())
        cluster.pods.broken[cluster.route_of("2").revision] = "ImagePullBackOff"
        while cluster.attempt.phase == "Analyzing":
            cluster.compare(requests=1000)
        return cluster
    return cluster.until(phase)


@pytest.mark.parametrize("phase", ["Preparing", "Analyzing", "Promoting"])
@pytest.mark.parametrize(("decision", "end"), [("Reject", "Rejected"), ("Abort", "Aborted")])
def test_a_person_ends_an_attempt_in_any_phase(phase: str, decision: str, end: str) -> None:
    cluster = in_phase(phase).deciding(decision).settled()

    assert cluster.attempt.phase == end
    assert cluster.attempt.decided_by is not None
    assert cluster.attempt.decided_by.how == "Person"
    assert cluster.selected_revision() == cluster.route_of("1").revision
    assert {pod.route for pod in cluster.pods.all} == {cluster.route_of("1")}


@pytest.mark.parametrize("phase", ["Preparing", "Analyzing"])
def test_a_person_promotes_before_the_evidence_is_there(phase: str) -> None:
    cluster = in_phase(phase).deciding("Promote").settled()

    assert cluster.attempt.phase == "Promoted"
    assert cluster.attempt.message == "Promoted by a person: the new version serves all traffic."
    assert cluster.attempt.decided_by is not None
    assert cluster.attempt.decided_by.how == "Person"


def test_a_canary_that_was_never_compared_gets_no_request_before_it_is_full() -> None:
    cluster = in_phase("Preparing").deciding("Promote")
    cluster.look()

    assert cluster.attempt.phase == "Promoting"
    assert cluster.selected_revision() == cluster.route_of("1").revision


def test_a_promotion_restarts_no_pod() -> None:
    cluster = in_phase("Analyzing")
    judged = {pod.name for pod in cluster.pods.of(cluster.route_of("2").revision)}
    cluster.deciding("Promote").settled()

    assert judged <= {pod.name for pod in cluster.pods.of(cluster.route_of("2").revision)}


def test_the_plan_in_force_is_the_one_at_the_beginning() -> None:
    cluster = in_phase("Analyzing")
    cluster.applying(rollout={"size": 3, "progressDeadline": "1h"}).settled()

    assert cluster.attempt.plan is not None
    assert cluster.attempt.plan.size == 1
    assert len(cluster.pods.of(cluster.route_of("2").revision)) == 1
