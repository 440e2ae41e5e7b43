"""A small API server in memory: it stores, counts versions, and refuses what it was told to refuse."""

import copy
from collections.abc import AsyncIterator, Mapping
from typing import Any

from serin.core.facts import TrafficFacts
from serin.core.plan import AnnotatePods, Apply, Emit, TrafficIntent
from serin.runtime.outcomes import AlreadyExists, ClusterError, Conflict, NotFound
from serin.runtime.ports import Absent, Found, JsonObject, Listing, ObjectRef, TrafficView, Unknown


class MemoryCluster:
    """`calls` tells every request as (verb, kind, name). `failures` are raised by the next requests of that verb."""

    def __init__(self) -> None:
        self.objects: dict[ObjectRef, JsonObject] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.failures: dict[str, ClusterError] = {}
        self.spelling: dict[Any, Any] = {}
        self.version = 100

    @property
    def writes(self) -> list[tuple[str, str, str]]:
        return [call for call in self.calls if call[0] not in ("get", "list")]

    def put(self, live: JsonObject) -> JsonObject:
        self.version += 1
        metadata = {"uid": f"uid-of-{live['metadata']['name']}", **live["metadata"]}
        live = {**copy.deepcopy(dict(live)), "metadata": {**metadata, "resourceVersion": str(self.version)}}
        self.objects[_ref(live)] = live
        return copy.deepcopy(live)

    async def get(self, ref: ObjectRef) -> Found | Absent | Unknown:
        self.calls.append(("get", ref.kind, ref.name))
        if "get" in self.failures:
            return Unknown(str(self.failures["get"]))
        live = self.objects.get(ref)
        return Found(copy.deepcopy(live)) if live else Absent()

    async def list(self, kind: str) -> Listing:
        self._note("list", kind, "")
        return Listing([copy.deepcopy(live) for ref, live in self.objects.items() if ref.kind == kind], self.version)

    async def watch(self, kind: str, namespace: str | None, version: int) -> AsyncIterator[tuple[str, JsonObject]]:
        changes: list[tuple[str, JsonObject]] = []
        for change in changes:
            yield change

    async def apply(self, manifest: Mapping[str, Any]) -> JsonObject:
        self._note("apply", manifest["kind"], manifest["metadata"]["name"])
        known = self.objects.get(_ref(manifest), {"metadata": {}})
        required = manifest["metadata"].get("resourceVersion")
        if required not in (None, known["metadata"].get("resourceVersion")):
            raise Conflict("the object has been modified")
        merged = {**known, **self._spell(manifest), "metadata": {**known["metadata"], **manifest["metadata"]}}
        if known.get("metadata", {}).get("resourceVersion") and merged == known:
            return copy.deepcopy(known)
        return self.put(merged)

    async def apply_status(self, manifest: Mapping[str, Any]) -> JsonObject:
        self._note("status", manifest["kind"], manifest["metadata"]["name"])
        known = self.objects[_ref(manifest)]
        if known["metadata"]["resourceVersion"] != manifest["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified")
        return self.put({**known, "status": dict(manifest["status"])})

    async def create(self, manifest: Mapping[str, Any]) -> JsonObject:
        self._note("create", manifest["kind"], manifest["metadata"]["name"])
        if _ref(manifest) in self.objects:
            raise AlreadyExists(f"{manifest['metadata']['name']} already exists")
        return self.put(dict(manifest))

    async def annotate(self, ref: ObjectRef, uid: str, annotations: Mapping[str, str]) -> JsonObject:
        self._note("annotate", ref.kind, ref.name)
        known = self.objects.get(ref)
        if known is None or known["metadata"]["uid"] != uid:
            raise NotFound(f"{ref.name} is gone")
        metadata = known["metadata"]
        return self.put(
            {**known, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), **annotations}}}
        )

    async def delete(self, ref: ObjectRef, uid: str) -> None:
        self._note("delete", ref.kind, ref.name)
        live = self.objects.get(ref)
        if live and live["metadata"]["uid"] == uid:
            del self.objects[ref]

    def _note(self, verb: str, kind: str, name: str) -> None:
        self.calls.append((verb, kind, name))
        if verb in self.failures:
            raise self.failures.pop(verb)

    def _spell(self, value: Any) -> Any:
        """Values as this server writes them: `spelling` maps what is sent to what is stored."""
        if isinstance(value, Mapping):
            return {name: self._spell(part) for name, part in value.items()}
        return self.spelling.get(value, value) if isinstance(value, str) else copy.deepcopy(value)


class SelectorTraffic:
    """Points the Service at the routes with weight; `more` is rendered before it."""

    def __init__(self) -> None:
        self.more: list[Apply | AnnotatePods] = []

    def render(self, intent: TrafficIntent) -> list[Apply | AnnotatePods]:
        selected = {"selector": {"routes": "-".join(route.revision for route in intent.weights)}}
        return [*self.more, Apply({**intent.service, "spec": {**intent.service["spec"], **selected}})]

    async def observe(self, view: TrafficView) -> TrafficFacts:
        return TrafficFacts()


class HeardEvents:
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def emit(self, event: Emit, regarding: JsonObject) -> None:
        self.heard.append(f"{regarding['kind']}/{regarding['metadata']['name']} {event.reason}")


class Tally:
    """Counts what the operator tells of itself."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.writes: list[tuple[str, str]] = []

    def count_reconcile(self, outcome: str, seconds: float) -> None:
        self.outcomes.append(outcome)

    def count_write(self, kind: str, verb: str) -> None:
        self.writes.append((kind, verb))


def _ref(manifest: Mapping[str, Any]) -> ObjectRef:
    return ObjectRef(manifest["kind"], manifest["metadata"]["namespace"], manifest["metadata"]["name"])
