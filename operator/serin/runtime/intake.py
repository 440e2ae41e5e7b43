"""What a change in the cluster does: it goes into the cache and wakes the reconcile whose business it is.

A change that cannot alter any decision wakes nobody: without that rule every write of ours is followed by a reconcile
for its echo, and every pod start by four. The rule only ever leaves out fields that are known to be noise, so a field
that Kubernetes adds tomorrow wakes once too often and never too rarely.
"""

from collections.abc import Mapping
from typing import Any

from serin.api.v1alpha1.shared import API_VERSION
from serin.runtime.cache import Cache
from serin.runtime.kinds import owner_key
from serin.runtime.ports import Clock, JsonObject, ObjectRef
from serin.runtime.workqueue import WorkQueue

# Timestamps of a condition move with every heartbeat of a controller.
_CONDITION_NOISE = ("lastUpdateTime", "lastProbeTime", "lastHeartbeatTime", "lastTransitionTime")

# Nothing is decided by it, and that of an autoscaler is another one every 15 s.
_STATUS_IS_NOISE = ("HorizontalPodAutoscaler", "PodDisruptionBudget")


class Intake:
    def __init__(self, cache: Cache, queue: WorkQueue, clock: Clock) -> None:
        self._cache = cache
        self._queue = queue
        self._clock = clock
        self.last_event_seconds = clock.monotonic_seconds()

    def take_in(self, live: JsonObject, *, is_gone: bool) -> None:
        """One event of a watch."""
        self.last_event_seconds = self._clock.monotonic_seconds()
        self.take_aside(live, is_gone=is_gone)

    def take_aside(self, live: JsonObject, *, is_gone: bool) -> None:
        """One of a watch that tells nothing of the health of the others."""
        metadata = live["metadata"]
        ref = ObjectRef(live["kind"], metadata["namespace"], metadata["name"])
        before = self._cache.get(ref)
        if is_gone:
            if self._cache.remove(live):
                self.wake(before or live)
        elif self._cache.store(live):
            self._wake_for_change(before, self._cache.get(ref) or live)

    def wake(self, live: Mapping[str, Any]) -> None:
        key = owner_key(live["kind"], live)
        if key is not None:
            self._queue.add(key)

    def _wake_for_change(self, before: JsonObject | None, after: JsonObject) -> None:
        if before is None:
            self.wake(after)
            return
        if owner_key(after["kind"], before) != owner_key(after["kind"], after):
            self.wake(before)  # a label moved it away: its former owner misses a child
            self.wake(after)
        elif gist(before) != gist(after):
            self.wake(after)


def gist(live: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of an object can alter a decision; two equal gists need no second look."""
    metadata = {
        name: value for name, value in live["metadata"].items() if name not in ("resourceVersion", "managedFields")
    }
    if live["kind"] == "Pod":
        return {"metadata": _pod_metadata(metadata), "status": _pod_status(live.get("status") or {})}
    if live["kind"] in _STATUS_IS_NOISE:
        return {**live, "metadata": metadata, "status": None}
    if live["apiVersion"] == API_VERSION:
        return {**live, "metadata": metadata}  # no heartbeat there, so every change of status is somebody's
    status = live.get("status") or {}
    return {**live, "metadata": metadata, "status": {**status, "conditions": _quiet_conditions(status)}}


def _pod_metadata(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: metadata.get(name) for name in ("uid", "labels", "deletionTimestamp", "ownerReferences")}


def _pod_status(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Readiness, and why a pod is not ready; addresses and start times tell nothing."""
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return {
        **{name: status.get(name) for name in ("phase", "reason", "message")},
        "conditions": _quiet_conditions(status),
        "containers": [
            {name: container.get(name) for name in ("name", "ready", "restartCount", "state", "lastState")}
            for container in containers
        ],
    }


def _quiet_conditions(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        {name: value for name, value in condition.items() if name not in _CONDITION_NOISE}
        for condition in status.get("conditions") or ()
    ]
