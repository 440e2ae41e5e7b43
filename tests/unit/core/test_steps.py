"""The shares of canary and baseline during the comparison: by the evidence, by a person's steps, by their pods."""

from typing import Any

import pytest
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster

STEPS = [{"weight": 5, "for": "20s"}, {"weight": 25, "approval": True}, {"weight": 40, "for": "10s"}]


def comparing(replicas: int = 2, **plan: Any) -> PaperCluster:
    cluster = PaperCluster(replicas=replicas, splits_exactly=True, **plan)
    cluster.serving("1").wanting("2").until("Analyzing").settled()
    return cluster.passing(INTERVAL_SECONDS) and compare(cluster, requests=0)


def compare(cluster: PaperCluster, times: int = 1, requests: int = 20, canary_failures: int = 0) -> PaperCluster:
    for _ in range(times):
        cluster.compare(requests=requests, canary_failures=canary_failures)
    return cluster


def canary_weight(cluster: PaperCluster) -> float:
    return cluster.weights()["2 primary"]


def test_the_evidence_takes_the_canary_from_one_percent_up_and_the_baseline_with_it() -> None:
    cluster = comparing()
    seen = []
    for _ in range(12):
        seen.append(canary_weight(cluster))
        compare(cluster)

    assert seen == [1, 1, 2, 2, 5, 5, 10, 10, 25, 25, 45, 45]
    assert cluster.weights() == {"1 primary": 10.0, "1 baseline": 45.0, "2 primary": 45.0}


def test_the_status_tells_the_step_and_since_when() -> None:
    cluster = compare(comparing(), times=2)
    step = cluster.attempt.step
    assert step is not None
    assert (step.index, step.of, step.since) == (2, 6, cluster.now)

    again = compare(cluster).attempt.step
    assert again == step
    assert cluster.attempt.weights is not None
    assert cluster.attempt.weights.nominal.canary == 2


def test_a_sign_of_harm_holds_the_step() -> None:
    cluster = compare(comparing(), times=2)
    compare(cluster, canary_failures=3, times=2)

    assert cluster.attempt.metrics[0].evidence_bad >= 1.5
    assert canary_weight(cluster) == 2


def test_no_share_is_more_than_the_pods_can_bear() -> None:
    cluster = comparing(replicas=8)
    assert "Each gets 12.5 % at most: its 1 of 8 pods bear no more (size)." in " ".join(
        event.message for event in cluster.events
    )
    compare(cluster, times=12)

    assert canary_weight(cluster) == 12.5
    assert cluster.attempt.step is not None
    assert (cluster.attempt.step.index, cluster.attempt.step.of) == (5, 5)


def test_where_shares_follow_the_pods_there_is_no_step_and_the_status_says_what_the_pods_get() -> None:
    cluster = PaperCluster(replicas=2).serving("1").wanting("2").until("Analyzing").settled()

    assert cluster.attempt.step is None
    assert cluster.attempt.weights is not None
    assert (cluster.attempt.weights.nominal.canary, cluster.attempt.weights.effective.canary) == (25, 25)


def test_a_canary_without_a_ready_pod_gets_no_share_until_it_is_back() -> None:
    cluster = compare(comparing(), times=4)
    canary = cluster.pods.of(cluster.route_of("2").revision)[0]
    canary.ready = False
    cluster.look()
    assert cluster.weights() == {"1 primary": 100.0}
    assert {c.type: c.status for c in cluster.attempt.conditions}["TrafficConverged"] == "False"

    canary.ready = True
    cluster.look()
    assert canary_weight(cluster) == 5


def test_a_step_is_on_record_before_its_share_is_sent() -> None:
    cluster = compare(comparing(), times=1)
    cluster.count_requests(20)
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings(), killed_after=1)
    assert canary_weight(cluster) == 1

    cluster.look()
    assert canary_weight(cluster) == 2


def test_steps_of_a_person_last_as_long_as_they_say_and_the_next_waits_for_its_approval() -> None:
    cluster = comparing(steps=STEPS)
    assert canary_weight(cluster) == 5
    compare(cluster, times=2)

    assert cluster.attempt.phase == "AwaitingApproval"
    assert canary_weight(cluster) == 5
    assert (cluster.attempt.message or "").startswith(
        "Step 2 of 3, 25 % of the requests, waits for an approval: kubectl patch mro weather-2 --type merge "
        """-p '{"spec":{"approvals":["Step2"]}}'"""
    )
    assert cluster.model_deployment.phase == "AwaitingApproval"
    assert {c.type for c in cluster.attempt.conditions if c.status == "True"} >= {"Reconciling"}


def test_an_approval_begins_the_step_at_once_and_the_last_step_over_the_evidence_decides() -> None:
    cluster = compare(comparing(steps=STEPS), times=2).approving("Step2")
    cluster.look()
    assert (cluster.attempt.phase, cluster.attempt.message) == ("Analyzing", "Step 2 of 3 begins: it is approved.")
    assert canary_weight(cluster) == 25

    compare(cluster, requests=2000)
    assert canary_weight(cluster) == 40
    assert cluster.attempt.phase == "Analyzing"
    assert cluster.attempt.message == "Good enough for a promotion; step 3 of 3 goes on."
    assert compare(cluster).attempt.phase == "Promoting"


def test_a_canary_that_breaks_while_it_waits_for_an_approval_is_rejected() -> None:
    cluster = compare(comparing(steps=STEPS), times=2)
    compare(cluster, requests=500, canary_failures=250, times=2)

    assert cluster.attempt.phase == "Rejected"


def test_waiting_for_an_approval_is_never_inconclusive() -> None:
    cluster = comparing(steps=STEPS, analysis={"warmup": "0s", "minDuration": "0s", "maxDuration": "30s"})
    compare(cluster, times=8)

    assert cluster.attempt.phase == "AwaitingApproval"


def test_before_the_approval_of_the_first_step_nobody_is_sent_to_the_new_version() -> None:
    cluster = PaperCluster(splits_exactly=True, steps=[{"weight": 5, "approval": True}])
    cluster.serving("1").wanting("2").until("AwaitingApproval").settled()
    assert cluster.weights() == {"1 primary": 100.0}

    cluster.approving("Step1").settled()
    assert cluster.attempt.phase == "Analyzing"
    assert canary_weight(cluster) == 5


@pytest.mark.parametrize(("decision", "end"), [("Promote", "Promoted"), ("Reject", "Rejected"), ("Abort", "Aborted")])
def test_a_person_decides_while_an_approval_is_awaited(decision: str, end: str) -> None:
    assert compare(comparing(steps=STEPS), times=2).deciding(decision).settled().attempt.phase == end
