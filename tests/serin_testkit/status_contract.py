"""What every status ever written must obey, whatever a test is about: the rules of kstatus and the table of phases.

`kubectl wait`, Helm, Flux and Argo CD read a status at any moment, so not only the last one counts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from serin.api.v1alpha1.rollout import Phase
from serin.core.rollout.phases import TRANSITIONS, is_terminal

from serin_testkit.cluster_user import Json
from serin_testkit.history import Seen

PROGRESS = ("Ready", "Reconciling", "Stalled")

NOT_WRITTEN = -1
"""The schema's default of observedGeneration."""

_ENDED_IN_SILENCE = ("Aborted", "Superseded")
"""kstatus takes Ready=False for being in progress, so these ends, which are neither good nor bad, say nothing."""


def find_breaches(seen: Iterable[Seen]) -> list[str]:
    """Sentences, one per rule that a status broke."""
    last: dict[str, Json] = {}
    breaches: list[str] = []
    for event in seen:
        if event.place[0] not in ("ModelDeployment", "Rollout"):
            continue
        uid = event.object["metadata"]["uid"]
        if event.change != "DELETED":
            before = last.get(uid, {})
            found = [*_check_status(event.object), *_check_step(before, event.object)]
            breaches += [f"{' '.join(event.place)} at version {event.version}: {text}" for text in found]
        last[uid] = event.object
    return breaches


def _check_status(live: Json) -> Iterable[str]:
    status, generation = live.get("status") or {}, live["metadata"]["generation"]
    observed = status.get("observedGeneration", NOT_WRITTEN)
    if observed == NOT_WRITTEN:
        if status.get("conditions"):
            yield "conditions without an observedGeneration"
        return
    if observed > generation:
        yield f"observedGeneration {observed} is ahead of generation {generation}"
    if not status.get("message"):
        yield "no message"
    conditions = status.get("conditions") or ()
    for condition in conditions:
        if condition.get("observedGeneration") != observed:
            yield f"{condition['type']} tells of generation {condition.get('observedGeneration')}, not of {observed}"
    yield from _check_progress({c["type"]: c["status"] for c in conditions if c["type"] in PROGRESS}, status)


def _check_progress(marks: Mapping[str, str], status: Mapping[str, Any]) -> Iterable[str]:
    phase = status.get("phase")
    if phase in _ENDED_IN_SILENCE:
        if marks:
            yield f"{phase} is no progress and no fault, but it has {dict(marks)}"
        return
    if "Ready" not in marks:
        yield "Ready is missing"
    for name in ("Reconciling", "Stalled"):
        if marks.get(name, "True") != "True":
            yield f"{name} is {marks[name]}: it is there only while it holds"
    if "Reconciling" in marks and "Stalled" in marks:
        yield "both Reconciling and Stalled"
    if marks.get("Ready") == "True" and len(marks) > 1:
        yield f"Ready and not at rest: {dict(marks)}"
    if marks.get("Ready") == "False" and len(marks) == 1:
        yield "not Ready, and neither Reconciling nor Stalled says why"
    expected = {"Promoted": "Ready", "Rejected": "Stalled", "RolledBack": "Stalled", "Failed": "Stalled"}.get(
        str(phase)
    )
    if expected and marks.get(expected) != "True":
        yield f"{phase} without {expected}"


def _check_step(before: Json, after: Json) -> Iterable[str]:
    old, new = before.get("status") or {}, after.get("status") or {}
    if new.get("observedGeneration", NOT_WRITTEN) < old.get("observedGeneration", NOT_WRITTEN):
        yield "observedGeneration went back"
    known = {condition["type"]: condition for condition in old.get("conditions") or ()}
    for condition in new.get("conditions") or ():
        was = known.get(condition["type"])
        is_same = was is not None and was["status"] == condition["status"]
        if was and is_same and was["lastTransitionTime"] != condition["lastTransitionTime"]:
            yield f"{condition['type']} stayed {condition['status']}, and its lastTransitionTime moved"
    if after["kind"] == "Rollout":
        yield from _check_phase(old, new)


def _check_phase(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str]:
    was: Phase = old.get("phase") or "Pending"
    now: Phase = new.get("phase") or "Pending"
    if was != now and now not in TRANSITIONS[was]:
        yield f"no way leads from {was} to {now}"
    if is_terminal(now) != ("finishedAt" in new):
        yield f"{now} with finishedAt {new.get('finishedAt')}"
    if is_terminal(was) and new != old:
        yield f"it changed after it had ended as {was}"
    stages = [stage["phase"] for stage in new.get("stages") or ()]
    if new.get("phase") and (not stages or stages[-1] != now):
        yield f"its stages {stages} do not end with {now}"
