"""The new version is asked before any user is, and what becomes of the attempt."""

from typing import Any

import pytest
from unit.core.paper_cluster import BROKEN, KEPT, NOT_ASKED, PaperCluster


def asked(contract: str = "Enforce", **plan: Any) -> PaperCluster:
    """Version 2 has ready pods and is asked."""
    return PaperCluster(preflight={"contract": contract}, **plan).serving("1").wanting("2").until("Preflight")


def test_a_version_that_keeps_the_contract_is_compared() -> None:
    cluster = asked().settled()

    assert cluster.attempt.phase == "Analyzing"
    assert [stage.phase for stage in cluster.attempt.stages] == ["Preparing", "Preflight", "Analyzing"]


def test_while_it_is_asked_no_user_is_sent_to_it() -> None:
    cluster = asked()

    assert cluster.selected_revision() == cluster.route_of("1").revision


def test_a_version_that_breaks_the_contract_fails_and_is_not_tried_again() -> None:
    cluster = asked()
    cluster.preflight = BROKEN
    cluster.settled()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Failed", "PreflightFailed")
    assert cluster.attempt.message == (
        "The new version breaks what callers rely on: /predict: expected status 200, got 500. No user was sent to it."
    )
    assert cluster.model_deployment.rejected is not None
    cluster.preflight = KEPT
    assert cluster.settled().model_deployment.attempts == 2


def test_where_the_plan_only_warns_the_breach_is_told_to_the_end() -> None:
    cluster = asked("Warn")
    cluster.preflight = BROKEN
    cluster.settled()
    cluster.compare(canary_failures=0)

    assert cluster.attempt.phase == "Analyzing"
    (told,) = [condition for condition in cluster.attempt.conditions if condition.type == "ContractBroken"]
    assert "expected status 200, got 500" in told.message
    assert ("Rollout", "ContractBroken") in [(event.kind, event.reason) for event in cluster.events]


def test_where_the_plan_does_not_look_nobody_is_asked() -> None:
    cluster = PaperCluster(preflight={"contract": "Off"}).serving("1").wanting("2")
    cluster.preflight = BROKEN
    cluster.until("Analyzing")

    assert [stage.phase for stage in cluster.attempt.stages] == ["Preparing", "Analyzing"]


@pytest.mark.parametrize("nothing", [NOT_ASKED, None])
def test_what_could_not_be_asked_is_asked_again_until_the_deadline(nothing: object) -> None:
    cluster = asked(progressDeadline="1m")
    cluster.preflight = nothing  # type: ignore[assignment]
    cluster.settled()

    assert cluster.attempt.phase == "Preflight"
    assert cluster.plan().look_again_after_seconds == 5.0
    assert cluster.passing(61).settled().attempt.phase == "Failed"


def test_the_time_of_a_pause_does_not_count_for_the_deadline() -> None:
    cluster = asked(progressDeadline="1m")
    cluster.preflight = NOT_ASKED
    cluster.settled().pausing().settled().passing(100).pausing(False).settled()

    assert cluster.attempt.phase == "Preflight"


def test_a_person_may_promote_without_an_answer() -> None:
    cluster = asked()
    cluster.preflight = NOT_ASKED
    cluster.deciding("Promote").settled()

    assert cluster.attempt.phase == "Promoted"


def test_the_first_version_breaks_nobodys_contract() -> None:
    cluster = PaperCluster()
    cluster.preflight = BROKEN

    assert cluster.settled().attempt.phase == "Promoted"
