"""The status of a ModelDeployment as kubectl, Flux and Argo CD read it; and that it is written once."""

from typing import Any

import pytest
from serin.api.v1alpha1.model_deployment import ModelDeploymentStatus
from serin.core.facts import MetricsUnavailable
from serin.core.plan import WriteStatus
from unit.core.paper_cluster import PaperCluster


def analyzing(**plan: Any) -> PaperCluster:
    return PaperCluster(**plan).serving("1").wanting("2").until("Analyzing")


def told(status: ModelDeploymentStatus) -> dict[str, tuple[str, str]]:
    return {condition.type: (condition.status, condition.reason) for condition in status.conditions}


def test_a_first_revision_on_its_way() -> None:
    cluster = PaperCluster().wanting("1")
    cluster.look()
    cluster.look()

    assert cluster.model_deployment.phase == "Pending"
    assert told(cluster.model_deployment) == {
        "Ready": ("False", "FirstRevision"),
        "Reconciling": ("True", "FirstRevision"),
        "Available": ("False", "NothingStable"),
    }


def test_a_healthy_one() -> None:
    status = PaperCluster(replicas=2).serving("1").model_deployment

    assert (status.phase, status.message) == ("Healthy", "Version 1 serves all traffic.")
    assert told(status) == {"Ready": ("True", "Serving"), "Available": ("True", "Serving")}
    assert (status.url, status.replicas) == ("http://weather.ml.svc", 2)
    assert status.stable is not None
    assert status.selector == (
        f"serin.dev/model-deployment=weather,serin.dev/revision={status.stable.revision},serin.dev/track=primary"
    )


def test_a_trial_keeps_it_available_and_names_the_attempt() -> None:
    status = analyzing().model_deployment

    assert told(status) == {
        "Ready": ("False", "Analyzing"),
        "Reconciling": ("True", "Analyzing"),
        "Available": ("True", "Serving"),
    }
    assert status.candidate is not None
    assert (status.candidate.version, status.candidate.rollout, status.candidate.weight) == ("2", "weather-2", 25)


@pytest.mark.parametrize(("decision", "reason"), [("Reject", "CanaryRejected"), ("Abort", "RolloutAborted")])
def test_a_refused_one_is_stalled_and_available(decision: str, reason: str) -> None:
    status = analyzing().deciding(decision).settled().model_deployment

    assert status.phase == "Degraded"
    assert told(status) == {
        "Ready": ("False", reason),
        "Stalled": ("True", reason),
        "Available": ("True", "Serving"),
    }
    assert status.message is not None
    assert status.message.endswith("Version 1 serves all traffic.")


def test_an_open_verdict_needs_a_person() -> None:
    cluster = analyzing(analysis={"warmup": "0s", "minDuration": "0s", "maxDuration": "10s"})
    cluster.compare(requests=10)
    cluster.compare(requests=10)
    cluster.compare(requests=10)

    assert told(cluster.model_deployment)["Stalled"] == ("True", "Inconclusive")
    assert cluster.model_deployment.message == "Version 2 waits for a person's decision on Rollout weather-2."


def test_lost_pods_are_told_with_the_trouble_of_the_first() -> None:
    cluster = PaperCluster(replicas=2).serving("1")
    name = cluster.route_of("1").revision
    cluster.pods.broken[name] = "CrashLoopBackOff"
    status = cluster.settled().model_deployment

    assert (
        status.message == f"0 of 2 pods of version 1 are ready. Pod {cluster.pods.of(name)[0].name}: CrashLoopBackOff."
    )
    assert told(status)["Available"] == ("False", "NoPodReady")
    assert told(status)["Reconciling"] == ("True", "PodsNotReady")


def test_scaled_to_zero_is_healthy() -> None:
    status = PaperCluster().serving("1").applying(replicas=0).settled().model_deployment

    assert status.phase == "Healthy"
    assert told(status)["Available"] == ("True", "Serving")


def test_an_unusual_port_is_part_of_the_url() -> None:
    status = PaperCluster().applying(service={"port": 8080}).serving("1").model_deployment

    assert status.url == "http://weather.ml.svc:8080"


def test_a_condition_keeps_its_time_while_only_its_words_change() -> None:
    cluster = analyzing()
    began = {c.type: c.last_transition_time for c in cluster.model_deployment.conditions}
    cluster.passing(60).deciding("Promote").look()
    status = {c.type: c for c in cluster.model_deployment.conditions}

    assert status["Reconciling"].reason == "Promoting"
    assert status["Reconciling"].last_transition_time == began["Reconciling"]


def test_what_a_status_says_comes_out_again_when_nothing_is_new() -> None:
    for cluster in (
        PaperCluster().serving("1"),
        analyzing(),
        analyzing().deciding("Reject").settled(),
        analyzing().pausing().settled(),
        analyzing().applying(paused=True).settled(),
    ):
        cluster.settled()
        cluster.passing(5)
        written = cluster.written()
        cluster.look()
        assert cluster.written() == written


def test_an_analysis_costs_no_write_of_the_model_deployment() -> None:
    cluster = analyzing()
    before = cluster.settled().status
    for _ in range(3):
        cluster.compare(requests=50)
    cluster.passing(10).look(MetricsUnavailable("Prometheus does not answer."))

    assert cluster.status == before


def test_every_plan_ends_with_a_whole_status_of_the_generation_it_was_decided_on() -> None:
    cluster = analyzing()
    written = [a for a in cluster.plan().actions if isinstance(a, WriteStatus) and a.kind == "ModelDeployment"]

    assert [action.status["observedGeneration"] for action in written] == [cluster.generation]
