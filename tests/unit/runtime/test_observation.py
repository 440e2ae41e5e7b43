"""From raw objects to facts: total over what an API server can hold, and blind to what is somebody else's."""

from typing import Any

import pytest
from serin.core.facts import InvalidSpec, Route, Track
from serin.runtime.observation import (
    observe_deployments,
    observe_model_deployment,
    observe_pods,
    observe_revisions,
    observe_rollouts,
)
from unit.runtime.objects import OWNER, make_live

UID = "uid-of-weather"
OURS: dict[str, Any] = {"ownerReferences": [OWNER]}
FOREIGN: dict[str, Any] = {"ownerReferences": [{**OWNER, "uid": "uid-of-the-one-before"}]}
LABELS = {"serin.dev/revision": "weather-1", "serin.dev/track": "primary"}
SPEC = {"model": {"uri": "file:///m.onnx"}}


def deployment(status: dict[str, Any], replicas: int = 2, **metadata: Any) -> dict[str, Any]:
    placed = {"labels": LABELS, "generation": 3, **OURS, **metadata}
    return make_live("Deployment", "weather-1", metadata=placed, spec={"replicas": replicas}, status=status)


def rollout(status: dict[str, Any] | None = None, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    placed = {"creationTimestamp": "2026-03-01T12:00:00Z", **metadata}
    spec = {"modelDeployment": "weather"} if spec is None else spec
    return make_live("Rollout", "weather-1", metadata=placed, spec=spec, status=status)


# ModelDeployment


def test_an_object_without_a_status_begins_with_the_defaults() -> None:
    facts = observe_model_deployment(make_live("ModelDeployment", spec=SPEC))

    assert facts.key == ("ml", "weather")
    assert facts.status.observed_generation == -1
    assert not facts.deleting


def test_a_spec_that_makes_no_sense_is_told_by_field_value_and_expectation() -> None:
    facts = observe_model_deployment(make_live("ModelDeployment", spec={**SPEC, "replicas": "many"}))

    assert facts.spec == InvalidSpec(
        "spec.replicas is 'many': Input should be a valid integer, unable to parse string as an integer"
    )


def test_a_missing_spec_is_invalid_and_no_crash() -> None:
    assert isinstance(observe_model_deployment(make_live("ModelDeployment")).spec, InvalidSpec)


def test_one_unreadable_field_of_a_status_does_not_hide_which_revision_is_stable() -> None:
    stable = {"revision": "weather-1", "version": "1", "since": "2026-03-01T12:00:00Z"}
    status = {"phase": "APhaseOfTomorrow", "attempts": "three", "stable": stable, "fieldOfTomorrow": 1}
    facts = observe_model_deployment(make_live("ModelDeployment", spec=SPEC, status=status))

    assert facts.status.stable is not None
    assert facts.status.stable.revision == "weather-1"
    assert facts.status.phase is None
    assert facts.status.attempts == 0


def test_an_object_with_a_deletion_timestamp_is_on_its_way_out() -> None:
    live = make_live("ModelDeployment", spec=SPEC, metadata={"deletionTimestamp": "2026-03-01T12:00:00Z"})

    assert observe_model_deployment(live).deleting


# Revisions


@pytest.mark.parametrize(
    "data", [None, {}, {"content": "text"}, {"content": {}}, {"content": SPEC}, {"content": SPEC, "template": "text"}]
)
def test_a_revision_that_serin_did_not_write_is_left_out(data: Any) -> None:
    assert observe_revisions([make_live("ControllerRevision", metadata=OURS, data=data)], UID) == ()


def test_a_revision_carries_the_template_of_its_day() -> None:
    live = make_live("ControllerRevision", metadata=OURS, revision=4, data={"content": SPEC, "template": {"spec": {}}})
    (revision,) = observe_revisions([live], UID)

    assert (revision.number, revision.template) == (4, {"spec": {}})


def test_children_of_an_earlier_object_of_the_same_name_are_not_ours() -> None:
    data = {"content": SPEC, "template": {}}

    assert observe_revisions([make_live("ControllerRevision", metadata=FOREIGN, data=data)], UID) == ()
    assert observe_deployments([deployment({}, **FOREIGN)], UID) == ()
    assert observe_rollouts([rollout(**FOREIGN)], UID) == ()


# Deployments


@pytest.mark.parametrize(
    ("status", "ready", "settled"),
    [
        ({}, 0, False),
        ({"observedGeneration": 3, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 2}, 2, True),
        ({"observedGeneration": 2, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 2}, 2, False),
        ({"observedGeneration": 3, "replicas": 3, "readyReplicas": 3, "updatedReplicas": 3}, 3, False),
        ({"observedGeneration": 3, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 1}, 1, True),
    ],
)
def test_ready_counts_pods_of_the_present_template_and_settled_needs_its_controller(
    status: dict[str, int], ready: int, settled: bool
) -> None:
    (facts,) = observe_deployments([deployment(status)], UID)

    assert (facts.replicas, facts.ready, facts.settled) == (2, ready, settled)


def test_a_deployment_scaled_to_zero_has_settled_when_its_pods_are_gone() -> None:
    (facts,) = observe_deployments([deployment({"observedGeneration": 3}, replicas=0)], UID)

    assert (facts.replicas, facts.ready, facts.settled) == (0, 0, True)


@pytest.mark.parametrize("labels", [{}, {"serin.dev/revision": "weather-1"}, {**LABELS, "serin.dev/track": "other"}])
def test_what_has_no_route_is_left_out(labels: dict[str, str]) -> None:
    assert observe_deployments([deployment({}, labels=labels)], UID) == ()
    assert observe_pods([make_live("Pod", metadata={"labels": labels})]) == ()


# Pods


def test_a_pod_is_ready_by_its_condition_and_restarts_are_summed() -> None:
    status = {
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
        "containerStatuses": [{"restartCount": 2, "ready": True}, {"restartCount": 1, "ready": True}],
    }
    placed = {"labels": {**LABELS, "serin.dev/track": "baseline"}, "creationTimestamp": "2026-03-01T12:00:00Z"}
    (facts,) = observe_pods([make_live("Pod", "p", metadata=placed, status=status)])

    assert facts.route == Route("weather-1", Track.BASELINE)
    assert (facts.ready, facts.terminating, facts.restarts, facts.trouble) == (True, False, 3, None)


def test_a_pod_without_a_status_is_not_ready() -> None:
    placed = {
        "labels": LABELS,
        "creationTimestamp": "2026-03-01T12:00:00Z",
        "deletionTimestamp": "2026-03-01T12:01:00Z",
    }
    (facts,) = observe_pods([make_live("Pod", "p", metadata=placed)])

    assert (facts.ready, facts.terminating) == (False, True)


# Rollouts


def test_a_rollout_made_by_hand_is_seen_and_not_owned() -> None:
    by_hand, ours = observe_rollouts([rollout(), rollout(**OURS)], UID)

    assert (by_hand.owned, ours.owned) == (False, True)


def test_a_rollout_with_a_spec_that_makes_no_sense_is_a_fact_that_says_so() -> None:
    (facts,) = observe_rollouts([rollout(spec={"modelDeployment": 5})], UID)

    assert facts.spec == InvalidSpec("spec.modelDeployment is 5: Input should be a valid string")


def test_what_is_unreadable_in_a_rollouts_status_is_left_out() -> None:
    (facts,) = observe_rollouts([rollout(status={"phase": "Analyzing", "stages": "none", "engine": {"since": 1}})], UID)

    assert (facts.status.phase, facts.status.stages, facts.status.engine) == ("Analyzing", (), {"since": 1})
