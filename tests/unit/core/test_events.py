"""Kubernetes Events: each thing that happens is told once, with a reason of its own."""

from serin.core.facts import MetricsUnavailable, Refusal
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster


def analyzing() -> PaperCluster:
    cluster = PaperCluster().serving("1").wanting("2").until("Analyzing").settled()
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings())
    cluster.events.clear()
    return cluster


def told(cluster: PaperCluster) -> list[tuple[str, str]]:
    return [(event.kind, event.reason) for event in cluster.events]


def test_a_promotion_is_told_on_the_attempt_and_its_ends_on_the_model_deployment_too() -> None:
    cluster = PaperCluster().serving("1")
    cluster.events.clear()
    cluster.wanting("2").until("Analyzing").deciding("Promote").settled()

    assert told(cluster) == [
        ("Rollout", "RolloutStarted"),
        ("ModelDeployment", "RolloutStarted"),
        ("Rollout", "PreflightStarted"),
        ("Rollout", "AnalysisStarted"),
        ("Rollout", "PromotionStarted"),
        ("Rollout", "RolloutPromoted"),
        ("ModelDeployment", "RolloutPromoted"),
    ]
    assert {event.type for event in cluster.events} == {"Normal"}


def test_a_rejection_is_a_warning_with_the_verdict_and_names_the_attempt() -> None:
    cluster = analyzing()
    cluster.compare(canary_failures=250)
    on_rollout, on_model_deployment = cluster.events

    assert (on_rollout.type, on_rollout.reason) == ("Warning", "RolloutRejected")
    assert on_model_deployment.message == f"weather-2: {cluster.attempt.message}"


def test_a_pause_and_its_end_are_told_once_each() -> None:
    cluster = analyzing().pausing().settled()
    cluster.passing(60).settled()
    cluster.pausing(False).settled()

    assert told(cluster) == [("Rollout", "RolloutPaused"), ("Rollout", "RolloutResumed")]


def test_an_attempt_that_is_paused_before_it_began_is_told_so() -> None:
    cluster = PaperCluster().serving("1")
    cluster.events.clear()
    cluster.wanting("2").with_rollout_by_hand("held", paused=True).settled()

    assert told(cluster) == [("Rollout", "RolloutPaused")]
    assert cluster.rollout("held").phase == "Pending"


def test_an_outage_of_prometheus_and_its_end_are_told_once_each() -> None:
    cluster = analyzing()
    for _ in range(3):
        cluster.passing(INTERVAL_SECONDS).look(MetricsUnavailable("Prometheus does not answer."))
    cluster.compare(requests=10)
    cluster.compare(requests=10)

    assert told(cluster) == [("Rollout", "MetricsUnavailable"), ("Rollout", "MetricsBack")]


def test_an_incident_that_hits_both_alike_is_told_once_and_is_no_evidence_against_the_canary() -> None:
    cluster = analyzing()
    cluster.compare(requests=100, canary_failures=1, baseline_failures=1)
    for _ in range(3):
        cluster.compare(requests=100, canary_failures=30, baseline_failures=30)

    assert told(cluster) == [("Rollout", "SharedIncident")]
    (event,) = cluster.events
    assert event.message == "Incident at 12:00 hit baseline and canary alike; no evidence against the canary."
    assert cluster.attempt.phase == "Analyzing"


def test_an_open_verdict_is_told_once() -> None:
    cluster = PaperCluster(analysis={"warmup": "0s", "minDuration": "0s", "maxDuration": "20s"})
    cluster.serving("1").wanting("2").until("Analyzing").settled()
    cluster.events.clear()
    for _ in range(6):
        cluster.compare(requests=10)

    assert told(cluster) == [("Rollout", "Inconclusive")]


def test_a_refused_plan_is_no_open_verdict() -> None:
    cluster = analyzing()
    cluster.look(refusal=Refusal("Service", "weather", "NameTaken", "Service weather exists."))

    assert told(cluster) == []
