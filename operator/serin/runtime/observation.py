"""From raw objects of the cache to the facts of one decision. Pure, and total over what an API server can hold.

An object that Serin did not write, or that somebody edited into nonsense, becomes a fact that says so or is left out;
it never stops the observation of the others.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec, ModelDeploymentStatus, RevisionContent
from serin.api.v1alpha1.rollout import RolloutSpec, RolloutStatus
from serin.core.facts import (
    DeploymentFacts,
    InvalidSpec,
    Key,
    ModelDeploymentFacts,
    PodFacts,
    RevisionFacts,
    RolloutFacts,
    Route,
    Track,
)
from serin.core.model_deployment.names import COMPONENT_LABEL, REVISION_LABEL, ROLE_LABEL, TRACK_LABEL
from serin.runtime.kinds import controller_of
from serin.runtime.pod_trouble import find_crash, find_deployment_trouble, find_trouble
from serin.runtime.ports import JsonObject

_Status = TypeVar("_Status", ModelDeploymentStatus, RolloutStatus)


def observe_model_deployment(live: JsonObject) -> ModelDeploymentFacts:
    metadata = live["metadata"]
    return ModelDeploymentFacts(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata["resourceVersion"],
        deleting="deletionTimestamp" in metadata,
        spec=_parse_spec(ModelDeploymentSpec, live),
        status=_parse_status(ModelDeploymentStatus, live),
    )


def observe_revisions(lives: Sequence[JsonObject], owner_uid: str) -> tuple[RevisionFacts, ...]:
    found = []
    for live in lives:
        data = live.get("data") or {}
        try:
            content = RevisionContent.model_validate(data.get("content"))
        except ValidationError:
            continue  # not one that Serin wrote
        if _is_owned(live, owner_uid) and isinstance(data.get("template"), Mapping):
            name, number = live["metadata"]["name"], live.get("revision", 0)
            found.append(RevisionFacts(name=name, number=number, content=content, template=data["template"]))
    return tuple(found)


def observe_deployments(lives: Sequence[JsonObject], owner_uid: str) -> tuple[DeploymentFacts, ...]:
    return tuple(
        DeploymentFacts(
            name=live["metadata"]["name"],
            route=route,
            replicas=live.get("spec", {}).get("replicas", 1),
            ready=_ready_pods(live),
            settled=_has_settled(live),
            role=live["metadata"]["labels"].get(ROLE_LABEL, ""),
            trouble=find_deployment_trouble(live),
        )
        for live in lives
        if (route := _route(live)) and _is_owned(live, owner_uid)
    )


def _ready_pods(live: JsonObject) -> int:
    """Ready pods of the present template: after an edit by hand the others are on their way out."""
    status = live.get("status") or {}
    return int(min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0)))


def _has_settled(live: JsonObject) -> bool:
    """The Deployment's controller has seen the last change, and no surplus pod is left."""
    status, spec = live.get("status") or {}, live.get("spec") or {}
    is_seen: bool = status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
    return is_seen and bool(status.get("replicas", 0) == spec.get("replicas", 1))


def observe_pods(lives: Sequence[JsonObject]) -> tuple[PodFacts, ...]:
    return tuple(_observe_pod(live, route) for live in lives if (route := _route(live)))


def _observe_pod(live: JsonObject, route: Route) -> PodFacts:
    metadata, status = live["metadata"], live.get("status") or {}
    conditions = status.get("conditions") or ()
    return PodFacts(
        name=metadata["name"],
        uid=metadata["uid"],
        route=route,
        ready=any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions),
        terminating="deletionTimestamp" in metadata,
        created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
        finished=status.get("phase") in ("Succeeded", "Failed"),
        restarts=sum(c.get("restartCount", 0) for c in status.get("containerStatuses") or ()),
        address=status.get("podIP") or None,
        trouble=find_trouble(live),
        crash=find_crash(live),
    )


def observe_rollouts(lives: Sequence[JsonObject], owner_uid: str) -> tuple[RolloutFacts, ...]:
    return tuple(_observe_rollout(live, owner_uid) for live in lives if not _is_foreign(live, owner_uid))


def _observe_rollout(live: JsonObject, owner_uid: str) -> RolloutFacts:
    metadata = live["metadata"]
    return RolloutFacts(
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata["resourceVersion"],
        created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
        owned=_is_owned(live, owner_uid),
        deleting="deletionTimestamp" in metadata,
        spec=_parse_spec(RolloutSpec, live),
        status=_parse_status(RolloutStatus, live),
    )


def observe_names(lives: Sequence[JsonObject], owner_uid: str) -> frozenset[str]:
    """Of what is this ModelDeployment's own and no traffic provider's."""
    return frozenset(
        live["metadata"]["name"]
        for live in lives
        if _is_owned(live, owner_uid) and COMPONENT_LABEL not in (live["metadata"].get("labels") or {})
    )


def _parse_spec(model: Any, live: JsonObject) -> Any:
    try:
        return model.model_validate(live.get("spec") or {})
    except ValidationError as error:
        return InvalidSpec(describe_invalid(error))


def describe_invalid(error: ValidationError) -> str:
    """The first fault with its field, value and what was expected."""
    first = error.errors(include_url=False)[0]
    field = ".".join(["spec", *(str(part) for part in first["loc"])])
    return f"{field} is {first.get('input')!r}: {first['msg']}"


def _parse_status(model: type[_Status], live: JsonObject) -> _Status:
    """Without the fields that cannot be read: one odd field must not make Serin forget which revision is stable."""
    status = live.get("status") or {}
    try:
        return model.model_validate(status)
    except ValidationError as error:
        unreadable = {fault["loc"][0] for fault in error.errors()}
        return model.model_validate({name: value for name, value in status.items() if name not in unreadable})


def _route(live: JsonObject) -> Route | None:
    labels = live["metadata"].get("labels") or {}
    revision, track = labels.get(REVISION_LABEL), labels.get(TRACK_LABEL)
    if not revision or track not in list(Track):
        return None
    return Route(revision, Track(track))


def _is_owned(live: JsonObject, owner_uid: str) -> bool:
    return controller_of(live).get("uid") == owner_uid


def _is_foreign(live: JsonObject, owner_uid: str) -> bool:
    """Left over from a deleted ModelDeployment of the same name, until the garbage collector has been there."""
    return controller_of(live).get("uid") not in (None, owner_uid)
