"""When an attempt begins, which one moves, and what ends it from outside."""

import pytest
from unit.core.paper_cluster import PaperCluster


def analyzing() -> PaperCluster:
    return PaperCluster().serving("1").wanting("2").until("Analyzing")


def test_the_first_revision_becomes_stable_directly() -> None:
    cluster = PaperCluster().wanting("1").settled()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Promoted", "FirstRevision")
    assert [stage.phase for stage in cluster.attempt.stages] == ["Preparing", "Promoted"]
    assert cluster.model_deployment.stable is not None


def test_a_changed_revision_starts_exactly_one_attempt() -> None:
    cluster = PaperCluster().serving("1").wanting("2")
    cluster.look()

    assert cluster.settled().attempt_name == "weather-2"
    assert cluster.objects["Rollout", "weather-2"]["spec"]["revision"] == cluster.route_of("2").revision
    assert len(cluster.all("Rollout")) == 2


@pytest.mark.parametrize(
    "change", [{"replicas": 3}, {"service": {"port": 8080}}, {"rollout": {"size": 2}}, {"historyLimit": 3}]
)
def test_what_is_no_part_of_a_revision_changes_in_place(change: dict[str, object]) -> None:
    cluster = PaperCluster().serving("1").applying(**change).settled()

    assert len(cluster.all("Rollout")) == 1


def test_a_new_desired_revision_supersedes_the_attempt_and_starts_a_fresh_one() -> None:
    cluster = analyzing()
    cluster.compare(canary_failures=4)
    cluster.wanting("3").until("Analyzing")

    assert cluster.rollout("weather-2").phase == "Superseded"
    assert cluster.attempt_name == "weather-3"
    assert not cluster.attempt.metrics, "the comparison starts from nothing"


def test_between_a_superseded_attempt_and_the_next_one_nothing_is_called_ready() -> None:
    cluster = analyzing().wanting("3")
    cluster.look()

    assert cluster.model_deployment.phase == "Progressing"
    assert cluster.model_deployment.message == "Version 3 is tried next."


def test_a_spec_that_goes_back_to_stable_aborts_the_attempt_and_starts_nothing() -> None:
    cluster = analyzing().wanting("1").settled()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Aborted", "SpecReverted")
    assert cluster.model_deployment.phase == "Healthy"
    assert cluster.model_deployment.rejected is None
    assert len(cluster.all("Rollout")) == 2


def test_an_attempt_made_by_hand_waits_for_the_active_one() -> None:
    cluster = analyzing().with_rollout_by_hand("again").settled()
    assert cluster.rollout("again").phase is None

    cluster.deciding("Reject").settled()
    assert cluster.rollout("weather-2").phase == "Rejected"
    assert cluster.attempt_name == "again"
    assert cluster.attempt.phase == "Analyzing"


def test_an_attempt_made_by_hand_is_tied_to_its_model_deployment() -> None:
    cluster = analyzing().with_rollout_by_hand("again").settled()

    assert cluster.objects["Rollout", "again"]["metadata"]["ownerReferences"][0]["name"] == "weather"


def test_an_attempt_made_by_hand_tries_a_rejected_revision_again() -> None:
    cluster = analyzing().deciding("Reject").settled().with_rollout_by_hand("retry").until("Analyzing")
    cluster.deciding("Promote").settled()

    assert cluster.rollout("retry").phase == "Promoted"
    assert cluster.model_deployment.phase == "Healthy"
    assert cluster.model_deployment.rejected is None


def test_an_attempt_made_by_hand_for_what_is_stable_is_aborted_and_refuses_nothing() -> None:
    cluster = PaperCluster().serving("1").with_rollout_by_hand("needless")
    cluster.look()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Aborted", "AlreadyStable")
    assert cluster.model_deployment.phase == "Healthy"
    assert cluster.model_deployment.rejected is None


def test_an_attempt_made_by_hand_for_another_revision_than_wanted_is_dropped() -> None:
    cluster = analyzing().deciding("Reject").settled()
    cluster.with_rollout_by_hand("other", revision="weather-00000000").settled()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Superseded", "SpecChanged")
    assert len(cluster.all("Rollout")) == 3


@pytest.mark.parametrize(("decision", "phase"), [("Promote", "Promoted"), ("Reject", "Rejected"), ("Abort", "Aborted")])
def test_a_decision_made_before_the_attempt_began_counts(decision: str, phase: str) -> None:
    cluster = PaperCluster().serving("1").applying(paused=True).wanting("2").with_rollout_by_hand("fast")
    cluster.deciding(decision).applying(paused=False).settled()

    assert cluster.rollout("fast").phase == phase
    assert cluster.attempt_name == "fast"


def test_a_deleted_attempt_is_begun_again_under_a_new_number() -> None:
    cluster = analyzing()
    del cluster.objects["Rollout", "weather-2"]
    cluster.settled()

    assert cluster.attempt_name == "weather-3"
    assert cluster.attempt.phase == "Analyzing"


def test_a_number_is_not_given_twice_after_a_crash_right_after_the_creation() -> None:
    cluster = PaperCluster().serving("1").wanting("2")
    actions = len(cluster.plan().actions)
    cluster.look(killed_after=actions - 1)
    cluster.wanting("3").settled()

    assert sorted(live["metadata"]["name"] for live in cluster.all("Rollout")) == [
        "weather-1",
        "weather-2",
        "weather-3",
    ]


def test_a_deleted_model_deployment_is_left_to_the_garbage_collector() -> None:
    cluster = analyzing()
    cluster.deleting = True

    assert cluster.plan().actions == ()
    assert cluster.plan().look_again_after_seconds is None


def test_pods_of_an_earlier_attempt_must_be_gone_before_a_comparison() -> None:
    cluster = analyzing()
    (leaving,) = cluster.pods.of(cluster.route_of("2").revision)
    cluster.deciding("Reject").settled()
    cluster.pods.leave_behind(leaving)
    cluster.wanting("3").settled()
    assert cluster.attempt.message == "Waiting until 1 pod(s) of an earlier attempt are gone."

    cluster.pods.all.remove(leaving)
    assert cluster.settled().attempt.phase == "Analyzing"


def test_an_evicted_pod_of_an_earlier_attempt_holds_up_nothing() -> None:
    cluster = analyzing()
    (evicted,) = cluster.pods.of(cluster.route_of("2").revision)
    cluster.deciding("Reject").settled()
    evicted.ready = False
    cluster.pods.leave_behind(evicted)

    assert cluster.wanting("3").settled().attempt.phase == "Analyzing"
