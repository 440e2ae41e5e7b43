"""Gates that a person or a pipeline opens: before the first user's request, and before the promotion."""

from typing import Any

import pytest
from unit.core.paper_cluster import PaperCluster


def wanting_approval(*gates: str, **plan: Any) -> PaperCluster:
    """Version 2 is wanted, and its plan waits at these gates."""
    return PaperCluster(approval=list(gates), bake="0s", **plan).serving("1").wanting("2")


def waiting_for_promotion() -> PaperCluster:
    cluster = wanting_approval("BeforePromotion").until("Analyzing").settled()
    for _ in range(6):
        cluster.compare()
    assert cluster.attempt.phase == "AwaitingApproval"
    return cluster


def told(cluster: PaperCluster) -> list[tuple[str, str]]:
    return [(event.kind, event.reason) for event in cluster.events]


def test_before_traffic_the_canary_is_ready_and_nobody_is_sent_to_it() -> None:
    cluster = wanting_approval("BeforeTraffic").until("AwaitingApproval").settled()

    assert cluster.attempt.phase == "AwaitingApproval"
    assert cluster.selected_revision() == cluster.route_of("1").revision
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.endswith(
        """kubectl patch mro weather-2 --type merge -p '{"spec":{"approvals":["BeforeTraffic"]}}'"""
    )
    assert ("ModelDeployment", "ApprovalWanted") in told(cluster)
    assert cluster.model_deployment.phase == "AwaitingApproval"


def test_with_the_approval_the_comparison_begins() -> None:
    cluster = wanting_approval("BeforeTraffic").until("AwaitingApproval").settled().approving("BeforeTraffic").settled()

    assert cluster.attempt.phase == "Analyzing"
    assert cluster.attempt.engine


def test_an_approval_given_early_is_not_asked_for_again() -> None:
    cluster = wanting_approval("BeforeTraffic").until("Preparing").approving("BeforeTraffic").settled()

    assert "AwaitingApproval" not in [stage.phase for stage in cluster.attempt.stages]


def test_good_evidence_waits_for_the_approval_and_says_so() -> None:
    cluster = waiting_for_promotion()

    assert cluster.attempt.verdict is not None
    assert cluster.attempt.verdict.state == "Promote"
    assert cluster.attempt.verdict.sentence is not None
    assert "approval" not in cluster.attempt.verdict.sentence
    assert cluster.attempt.message is not None
    assert "The promotion waits for an approval: kubectl patch mro weather-2" in cluster.attempt.message


def test_with_the_approval_the_promotion_begins_at_once_and_was_decided_by_the_evidence() -> None:
    cluster = waiting_for_promotion().approving("BeforePromotion").settled()

    assert cluster.attempt.phase == "Promoted"
    assert cluster.attempt.decided_by is not None
    assert cluster.attempt.decided_by.how == "Evidence"
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.startswith("Promoted: with 95 % confidence")
    assert "approval" not in cluster.attempt.message


def test_a_canary_that_breaks_while_it_waits_is_rejected() -> None:
    cluster = waiting_for_promotion()
    for _ in range(3):
        cluster.compare(canary_failures=300)

    assert cluster.attempt.phase == "Rejected"


def test_an_approval_is_no_promotion_without_evidence() -> None:
    cluster = wanting_approval("BeforePromotion").until("Analyzing").approving("BeforePromotion").settled()

    assert cluster.attempt.phase == "Analyzing"


@pytest.mark.parametrize(("decision", "end"), [("Promote", "Promoted"), ("Reject", "Rejected"), ("Abort", "Aborted")])
@pytest.mark.parametrize("gate", ["BeforeTraffic", "BeforePromotion"])
def test_a_person_may_decide_instead(gate: str, decision: str, end: str) -> None:
    cluster = waiting_for_promotion()
    if gate == "BeforeTraffic":
        cluster = wanting_approval(gate).until("AwaitingApproval").settled()

    assert cluster.deciding(decision).settled().attempt.phase == end


def test_a_promotion_that_the_plan_takes_without_evidence_waits_too() -> None:
    cluster = wanting_approval(
        "BeforePromotion",
        onInconclusive="Promote",
        analysis={"warmup": "0s", "minDuration": "0s", "maxDuration": "10s"},
    )
    cluster.until("Analyzing").settled()
    for _ in range(8):
        cluster.compare(requests=2)

    assert cluster.attempt.phase == "AwaitingApproval"


def test_waiting_takes_no_deadline() -> None:
    cluster = wanting_approval("BeforeTraffic", progressDeadline="1m").until("AwaitingApproval").settled()

    assert cluster.passing(3600).settled().attempt.phase == "AwaitingApproval"


def test_the_status_lists_each_gate_in_the_order_in_which_it_is_met_and_since_when() -> None:
    steps = [{"weight": 5}, {"weight": 25, "approval": True}]
    cluster = wanting_approval("BeforePromotion", "BeforeTraffic", steps=steps).until("AwaitingApproval").settled()
    began = cluster.attempt.started_at
    assert [(gate.name, gate.state, gate.since) for gate in cluster.attempt.gates] == [
        ("BeforeTraffic", "Waiting", began),
        ("Step2", "Waiting", began),
        ("BeforePromotion", "Waiting", began),
    ]

    opened = cluster.passing(60).approving("BeforeTraffic").settled().now
    cluster.passing(60).settled()

    first, *others = cluster.attempt.gates
    assert (first.name, first.state, first.since) == ("BeforeTraffic", "Open", opened)
    assert [gate.state for gate in others] == ["Waiting", "Waiting"]
