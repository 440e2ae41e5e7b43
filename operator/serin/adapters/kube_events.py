"""Kubernetes Events, for people who read `kubectl describe`.

The name of an Event is made from what it says about which object: telling the same again, after a crash or a lost
reply, finds the name taken and adds nothing.
"""

import hashlib

import structlog

from serin.core.model_deployment.names import MANAGER
from serin.core.plan import Emit
from serin.runtime.kinds import EVENT
from serin.runtime.outcomes import AlreadyExists, ClusterError
from serin.runtime.ports import Clock, Cluster, JsonObject

LONGEST_MESSAGE = 1024
"""Of an Event's message; the API server refuses more."""

_log = structlog.get_logger("serin.events")


class KubeEvents:
    """The port `EventSink`."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock

    async def emit(self, event: Emit, regarding: JsonObject) -> None:
        _log.info(event.message, kind=event.kind, name=event.name, reason=event.reason)
        try:
            await self._cluster.create(make_event(event, regarding, self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")))
        except AlreadyExists:
            return
        except ClusterError as error:
            _log.warning("an event could not be posted", kind=event.kind, name=event.name, reason=str(error))


def make_event(event: Emit, regarding: JsonObject, now: str) -> JsonObject:
    metadata = regarding["metadata"]
    said = "\n".join((metadata["uid"], event.reason, event.message))
    message = event.message
    if len(message) > LONGEST_MESSAGE:
        message = message[: LONGEST_MESSAGE - 1] + "…"
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {
            "name": f"{metadata['name']}.{hashlib.sha256(said.encode()).hexdigest()[:16]}",
            "namespace": metadata["namespace"],
        },
        "involvedObject": {
            "apiVersion": regarding["apiVersion"],
            "kind": regarding["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": event.type,
        "reason": event.reason,
        "message": message,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "source": {"component": MANAGER},
        "reportingComponent": f"{MANAGER}.dev/operator",
        "reportingInstance": MANAGER,
    }
