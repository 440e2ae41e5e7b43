"""Why a pod does not get ready, in one clause: the container's own last words before Kubernetes' reasons.

Serin's server writes one plain sentence when it cannot start (a wrong digest, an unreadable model); a pod that is only
said to be in CrashLoopBackOff would hide it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from serin.runtime.ports import JsonObject

MESSAGE_LIMIT = 300  # a message of the kubelet can hold a whole answer of a registry

# A pod is in these states on the way up; they are no trouble.
_HARMLESS = frozenset({"ContainerCreating", "PodInitializing"})


def find_trouble(pod: JsonObject) -> str | None:
    """None while nothing is wrong, or nobody knows yet."""
    status = pod.get("status") or {}
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        trouble = _of_container(container)
        if trouble:
            return trouble
    return _of_scheduling(status.get("conditions") or ()) or _of_pod(status)


def find_crash(pod: JsonObject) -> Literal["CrashLoopBackOff", "OOMKilled"] | None:
    """What no version that works does: its containers end again and again, or take more memory than they may."""
    containers = (pod.get("status") or {}).get("containerStatuses") or ()
    for container in containers:
        ends = ((container.get(name) or {}).get("terminated") or {} for name in ("state", "lastState"))
        if any(ended.get("reason") == "OOMKilled" for ended in ends):
            return "OOMKilled"
    waits = ((container.get("state") or {}).get("waiting") or {} for container in containers)
    return "CrashLoopBackOff" if any(wait.get("reason") == "CrashLoopBackOff" for wait in waits) else None


def find_deployment_trouble(deployment: JsonObject) -> str | None:
    """Why its pods are not even made: a quota, an admission rule, a missing service account."""
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return _clause(condition.get("reason") or "ReplicaFailure", condition.get("message"))
    return None


def _of_container(container: Mapping[str, Any]) -> str | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    ended = (container.get("state") or {}).get("terminated") or (container.get("lastState") or {}).get("terminated")
    reason = waiting.get("reason")
    if ended and ended.get("exitCode", 0) != 0 and not container.get("ready"):
        how = ended.get("reason") or "Error"
        cause = f"{how} (exit code {ended['exitCode']})" if how == "Error" else how
        state = f"{reason}, " if reason and reason not in _HARMLESS else ""
        return _clause(f"{state}{cause}", _last_line(ended.get("message") or ""))
    if reason and reason not in _HARMLESS:
        return _clause(reason, waiting.get("message"))
    return None


def _of_scheduling(conditions: Sequence[Mapping[str, Any]]) -> str | None:
    for condition in conditions:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return _clause(condition.get("reason") or "Unschedulable", condition.get("message"))
    return None


def _of_pod(status: Mapping[str, Any]) -> str | None:
    """The pod as a whole: evicted, or refused by its node."""
    if status.get("phase") == "Failed":
        return _clause(status.get("reason") or "Failed", status.get("message"))
    return None


def _last_line(message: str) -> str:
    """Without a message of its own a container's message is the end of its log, and the last line says why it ended."""
    lines = [line for line in message.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _clause(what: str, message: str | None) -> str:
    text = " ".join((message or "").split()).rstrip(".")
    if len(text) > MESSAGE_LIMIT:
        text = text[: MESSAGE_LIMIT - 1] + "…"
    return f"{what}: {text}" if text else what
