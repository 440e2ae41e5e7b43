"""When the spec is no good, the API server says no, or somebody's object has the name: said, and nothing changed."""

from serin.core.facts import Refusal
from serin.core.plan import Action, Apply, WriteStatus
from unit.core.paper_cluster import PaperCluster

TAKEN = Refusal("Service", "weather", "NameTaken", "Service weather exists and is not made by Serin.")


def told(cluster: PaperCluster) -> dict[str, str]:
    return {
        c.type: c.reason for c in cluster.model_deployment.conditions if c.type in ("Ready", "Reconciling", "Stalled")
    }


def test_an_invalid_spec_is_named_by_its_field_and_changes_nothing() -> None:
    cluster = PaperCluster().serving("1")
    objects = dict(cluster.objects)
    plan = cluster.applying(replicas=-1).look()

    assert told(cluster) == {"Ready": "InvalidSpec", "Stalled": "InvalidSpec"}
    assert cluster.model_deployment.message == "spec.replicas is -1: Input should be greater than or equal to 0"
    assert cluster.model_deployment.stable is not None, "the record stays"
    assert cluster.objects == objects
    assert len(plan.actions) == 1


def test_a_corrected_spec_goes_on_where_it_was() -> None:
    cluster = PaperCluster().serving("1").applying(replicas=-1).settled()

    assert cluster.applying(replicas=2).settled().model_deployment.phase == "Healthy"


def test_a_taken_name_is_told_and_tried_again_later() -> None:
    cluster = PaperCluster().serving("1")
    plan = cluster.look(refusal=TAKEN)

    assert told(cluster) == {"Ready": "NameTaken", "Stalled": "NameTaken"}
    assert cluster.model_deployment.message == TAKEN.message
    assert plan.look_again_after_seconds == 30.0


def test_a_running_attempt_tells_it_too_and_goes_on_when_it_is_over() -> None:
    cluster = PaperCluster().serving("1").wanting("2").until("Analyzing").settled()
    cluster.look(refusal=TAKEN)
    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "NameTaken")

    cluster.settled()
    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "Comparing")
    assert told(cluster) == {"Ready": "Analyzing", "Reconciling": "Analyzing"}


def test_a_refusal_that_lasts_is_written_once() -> None:
    cluster = PaperCluster().serving("1").wanting("2").until("Preparing").settled()
    refused_at = next(i for i, action in enumerate(cluster.plan().actions) if _is_of(action, "Service"))
    cluster.look(refusal=TAKEN)
    told_once = cluster.written()
    # Each try carries out the plan up to the refused Service, and is then decided anew.
    for _ in range(3):
        cluster.look(killed_after=refused_at)
        assert cluster.written() == told_once
        cluster.look(refusal=TAKEN)
        assert cluster.written() == told_once


def _is_of(action: Action, kind: str) -> bool:
    return isinstance(action, Apply) and action.manifest["kind"] == kind


def test_refused_pods_end_the_attempt_and_stable_goes_on() -> None:
    cluster = PaperCluster().serving("1").wanting("2").until("Preparing")
    canary = cluster.route_of("2").revision
    refusal = Refusal("Deployment", canary, "InvalidSpec", "spec.template.spec.volumes[2].name: Duplicate value")
    cluster.look(refusal=refusal)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Failed", "InvalidSpec")
    assert cluster.settled().model_deployment.phase == "Degraded"
    assert cluster.model_deployment.rejected is not None
    assert cluster.model_deployment.rejected.phase == "Failed"


def test_a_refusal_before_the_attempt_began_ends_nothing() -> None:
    cluster = PaperCluster().serving("1").wanting("2")
    cluster.look()
    cluster.look(refusal=TAKEN)

    assert cluster.rollout("weather-2").phase == "Pending"
    assert cluster.settled().attempt.phase == "Analyzing"


def test_a_refused_plan_writes_statuses_only() -> None:
    cluster = PaperCluster().serving("1").wanting("2").until("Analyzing")

    assert all(isinstance(action, WriteStatus) for action in cluster.plan(refusal=TAKEN).actions)
