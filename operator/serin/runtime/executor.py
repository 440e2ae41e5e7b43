"""Carries out a plan: the only place that writes to the cluster.

Actions happen in the plan's order and end at the first that fails; the next reconcile decides anew from what is then
there. Every answer goes into the cache, so that it sees our own writes at once.

What is already so is not written again. An applied object carries the hash of its manifest, so a changed manifest is
noticed even where it only lost a field; and its live fields are compared with the manifest, so a change by another
hand is noticed too. Deviations that remain right after our own write are the API server's way to spell a value: they
are remembered, and only other ones are repaired. After a restart such an object is applied once more, which the API
server stores as no change.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from serin.core.facts import Key
from serin.core.model_deployment.names import (
    COMPONENT_LABEL,
    LISTENER,
    MANAGED_BY_LABEL,
    MODEL_DEPLOYMENT_LABEL,
    TRAFFIC,
)
from serin.core.plan import (
    AnnotatePods,
    Apply,
    CreateRollout,
    Delete,
    Emit,
    Plan,
    SetTraffic,
    TrafficIntent,
    WriteStatus,
)
from serin.runtime.cache import Cache
from serin.runtime.deviations import find_deviations
from serin.runtime.kinds import controller_of
from serin.runtime.outcomes import AlreadyExists, Conflict, Invalid, NameTaken, NotFound, Unreachable
from serin.runtime.ports import (
    Absent,
    Cluster,
    EventSink,
    Found,
    JsonObject,
    Meter,
    ObjectRef,
    TrafficProvider,
    Unknown,
)

APPLIED_HASH = "serin.dev/applied-hash"
ADOPT = "serin.dev/adopt"


class Executor:
    def __init__(
        self, cluster: Cluster, cache: Cache, traffic_provider: TrafficProvider, events: EventSink, meter: Meter
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._traffic_provider = traffic_provider
        self._events = events
        self._meter = meter
        self._spellings: dict[ObjectRef, Mapping[tuple[str, ...], Any]] = {}

    async def execute(self, plan: Plan) -> None:
        """Raises an error of `outcomes` at the first action that fails."""
        for action in plan.actions:
            match action:
                case Apply():
                    await self._apply(plan.key, action.manifest)
                case CreateRollout():
                    await self._create(plan.key, action.manifest)
                case Delete():
                    await self._delete(ObjectRef(action.kind, plan.key.namespace, action.name))
                case AnnotatePods():
                    await self._annotate_pods(plan.key, action)
                case SetTraffic():
                    await self._set_traffic(plan.key, action.intent)
                case WriteStatus():
                    await self._write_status(plan.key, action)
                case Emit():
                    await self._emit(plan.key, action)

    async def _set_traffic(self, key: Key, intent: TrafficIntent) -> None:
        rendered = set()
        for action in self._traffic_provider.render(intent):
            match action:
                case Apply(manifest):
                    await self._apply(key, manifest)
                    rendered.add((manifest["kind"], manifest["metadata"]["name"]))
                case AnnotatePods():
                    await self._annotate_pods(key, action)
        for ref in self._find_surplus(key, controller_of(intent.service), rendered):
            await self._delete(ref)

    def _find_surplus(
        self, key: Key, owner: Mapping[str, Any], rendered: Collection[tuple[str, str]]
    ) -> Sequence[ObjectRef]:
        """What another provider made, or this one for pods that are gone.

        A data plane that is removed still serves who is connected, until its last pod is gone, or until one that others
        share has forgotten this model: what it lives on stays.
        """
        owned = self._cache.owned(key)
        surplus = [
            ObjectRef(kind, key.namespace, live["metadata"]["name"])
            for kind, lives in owned.items()
            for live in lives
            if _component(live) == TRAFFIC
            and controller_of(live).get("uid") == owner.get("uid")
            and (kind, live["metadata"]["name"]) not in rendered
        ]
        has_data_plane = any(kind == "Deployment" for kind, _ in rendered)
        parts = [live for live in owned["ConfigMap"] if _component(live) == LISTENER]
        has_left = any(("ConfigMap", part["metadata"]["name"]) not in rendered for part in parts)
        if has_data_plane or not (has_left or any(_component(pod) for pod in owned["Pod"])):
            return surplus
        return [ref for ref in surplus if ref.kind == "Deployment"]

    async def _annotate_pods(self, key: Key, action: AnnotatePods) -> None:
        """A pod that is gone meanwhile needs no annotation any more."""
        for pod in (*self._cache.owned(key)["Pod"], *self._cache.owned(key.of_namespace)["Pod"]):
            metadata = pod["metadata"]
            is_meant = action.labels.items() <= (metadata.get("labels") or {}).items()
            is_done = action.annotations.items() <= (metadata.get("annotations") or {}).items()
            if not is_meant or is_done or "deletionTimestamp" in metadata:
                continue
            ref = ObjectRef("Pod", key.namespace, metadata["name"])
            try:
                stored = await self._cluster.annotate(ref, metadata["uid"], action.annotations)
            except (NotFound, Conflict):
                continue
            self._meter.count_write("Pod", "annotate")
            self._cache.store(stored)

    async def _apply(self, key: Key, manifest: Mapping[str, Any]) -> None:
        ref = ObjectRef(manifest["kind"], key.namespace, manifest["metadata"]["name"])
        desired = _with_hash(manifest, key.namespace)
        live = await self._find(ref)
        if live is not None:
            _require_ours(ref, live, desired)
            if self._is_applied(ref, desired, live):
                return
        stored = await self._guarded(ref, self._cluster.apply(_pinned(desired, live)))
        self._meter.count_write(ref.kind, "apply")
        self._cache.store(stored)
        self._learn_spelling(ref, desired, stored)

    async def _find(self, ref: ObjectRef) -> JsonObject | None:
        """Of the cache; what it does not hold is looked up, for a foreign object lacks the labels it is filled by."""
        cached = self._cache.get(ref)
        if cached is not None:
            return cached
        match await self._cluster.get(ref):
            case Found(live):
                return live
            case Absent():
                return None
            case Unknown(reason):
                raise Unreachable(f"{ref.kind} {ref.namespace}/{ref.name} could not be looked up: {reason}")

    def _is_applied(self, ref: ObjectRef, desired: JsonObject, live: JsonObject) -> bool:
        applied_hash = (live["metadata"].get("annotations") or {}).get(APPLIED_HASH)
        if applied_hash != desired["metadata"]["annotations"][APPLIED_HASH]:
            return False
        return find_deviations(desired, live) == self._spellings.get(ref, {})

    def _learn_spelling(self, ref: ObjectRef, desired: JsonObject, stored: JsonObject) -> None:
        deviations = find_deviations(desired, stored)
        if deviations:
            self._spellings[ref] = deviations
        else:
            self._spellings.pop(ref, None)

    async def _create(self, key: Key, manifest: Mapping[str, Any]) -> None:
        ref = ObjectRef(manifest["kind"], key.namespace, manifest["metadata"]["name"])
        stored = await self._guarded(ref, self._cluster.create(_in_namespace(manifest, key.namespace)))
        self._meter.count_write(ref.kind, "create")
        self._cache.store(stored)

    async def _delete(self, ref: ObjectRef) -> None:
        cached = self._cache.get(ref)
        if cached is None:
            return
        await self._cluster.delete(ref, cached["metadata"]["uid"])
        self._meter.count_write(ref.kind, "delete")
        self._cache.remove(cached)
        self._spellings.pop(ref, None)

    async def _write_status(self, key: Key, action: WriteStatus) -> None:
        ref = ObjectRef(action.kind, key.namespace, action.name)
        cached = self._cache.get(ref)
        if cached is None:
            raise Conflict(f"{ref.kind} {ref.namespace}/{ref.name} is gone")
        if _without_empty(cached.get("status")) == _without_empty(action.status):
            return
        metadata = {"name": ref.name, "namespace": ref.namespace, "resourceVersion": action.resource_version}
        manifest = {
            "apiVersion": cached["apiVersion"],
            "kind": ref.kind,
            "metadata": metadata,
            "status": dict(action.status),
        }
        stored = await self._guarded(ref, self._cluster.apply_status(manifest))
        self._meter.count_write(ref.kind, "status")
        self._cache.store(stored)

    async def _emit(self, key: Key, event: Emit) -> None:
        regarding = self._cache.get(ObjectRef(event.kind, key.namespace, event.name))
        if regarding is not None:
            await self._events.emit(event, regarding)

    async def _guarded(self, ref: ObjectRef, write: Any) -> JsonObject:
        """A refusal as stale means that the cache is behind: it is brought up before anybody decides again."""
        try:
            stored: JsonObject = await write
        except Conflict as error:
            await self._refresh(ref)
            if isinstance(error, AlreadyExists):
                raise Conflict(str(error)) from error
            raise
        except Invalid as error:
            raise Invalid(error.message, ref.kind, ref.name) from error
        return stored

    async def _refresh(self, ref: ObjectRef) -> None:
        cached = self._cache.get(ref)
        match await self._cluster.get(ref):
            case Found(live):
                self._cache.store(live)
            case Absent() if cached is not None:
                self._cache.remove(cached)


def _require_ours(ref: ObjectRef, live: JsonObject, desired: JsonObject) -> None:
    """An object that somebody else controls, or nobody, is never taken over unless it says that it may be."""
    metadata = live["metadata"]
    if metadata.get("deletionTimestamp"):
        raise Conflict(f"{ref.kind} {ref.namespace}/{ref.name} is being deleted")
    owner, controller = controller_of(desired), controller_of(live)
    if (metadata.get("annotations") or {}).get(ADOPT) == "true":
        return
    if not owner and not controller and _names_serin(desired) == _names_serin(live):
        return  # it belongs to several
    if owner and controller.get("uid") == owner["uid"]:
        return
    if owner and (controller.get("kind"), controller.get("name")) == (owner["kind"], owner["name"]):
        raise Conflict(f"{ref.kind} {ref.namespace}/{ref.name} is left of a deleted {owner['kind']} {owner['name']}")
    if owner and not controller and live.get("spec", {}).get("modelDeployment") == owner["name"]:
        return  # a Rollout made by hand
    whose = f"controlled by {controller['kind']} {controller['name']}" if controller else "not made by Serin"
    raise NameTaken(
        ref.kind,
        ref.name,
        f"{ref.kind} {ref.name} exists and is {whose}: delete it, or annotate it with {ADOPT}=true to hand it over",
    )


def _component(live: Mapping[str, Any]) -> str | None:
    component: str | None = (live["metadata"].get("labels") or {}).get(COMPONENT_LABEL)
    return component


def _names_serin(live: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """By labels: who made it, and for which ModelDeployment."""
    labels = live["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY_LABEL), labels.get(MODEL_DEPLOYMENT_LABEL)


def _with_hash(manifest: Mapping[str, Any], namespace: str) -> JsonObject:
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    applied_hash = hashlib.sha256(canonical.encode()).hexdigest()[:16]
    desired = _in_namespace(manifest, namespace)
    annotations = {**(desired["metadata"].get("annotations") or {}), APPLIED_HASH: applied_hash}
    return {**desired, "metadata": {**desired["metadata"], "annotations": annotations}}


def _in_namespace(manifest: Mapping[str, Any], namespace: str) -> JsonObject:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def _pinned(desired: JsonObject, live: JsonObject | None) -> JsonObject:
    """With the uid the API server refuses when the object was deleted meanwhile and the name is somebody else's.

    What several share and is made of what is in it already must be made of the last version.
    """
    if live is None:
        return desired
    pinned = {"uid": live["metadata"]["uid"]}
    if desired["kind"] == "ConfigMap" and not controller_of(desired):
        pinned["resourceVersion"] = live["metadata"]["resourceVersion"]
    return {**desired, "metadata": {**desired["metadata"], **pinned}}


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_empty(part) for name, part in value.items() if part not in (None, {}, [], ())}
    if isinstance(value, list | tuple):
        return [_without_empty(part) for part in value]
    return value
