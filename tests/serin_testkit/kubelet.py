"""The test's hand as scheduler and kubelet: there are no nodes, so nobody else gets a pod ready or takes it away.

Every pod gets ready by default. `let` says otherwise for the pods of a version or of a track, also for pods that exist
already. Pods are bound to a node that does not exist: a pod without a node would vanish at once when it is deleted, a
bound one terminates until its kubelet says that it is gone.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from serin_testkit.cluster_user import ClusterUser, Json, RefusedError
from serin_testkit.history import History

NODE = "paper-node"


@dataclass(frozen=True, slots=True)
class Ready:
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Starting:
    """Runs, and its readiness probe fails."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The container cannot be started, such as ErrImagePull."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Crashing:
    """The container ends again and again; `reason` and `message` are of its last end."""

    reason: str
    message: str = ""
    exit_code: int = 1
    restarts: int = 1


@dataclass(frozen=True, slots=True)
class Unschedulable:
    message: str = "0/3 nodes are available: 3 Insufficient memory."


PodState = Ready | Starting | Waiting | Crashing | Unschedulable


@dataclass(frozen=True, slots=True)
class _Rule:
    """`spared` are the pods, by uid, that were there before."""

    state: PodState
    version: str | None
    track: str | None
    spared: frozenset[str]

    def is_about(self, pod: Json) -> bool:
        return (
            self.version in (None, version_of(pod))
            and self.track in (None, track_of(pod))
            and pod["metadata"]["uid"] not in self.spared
        )


class Kubelet:
    """Works from `begin` to `end`."""

    def __init__(self, user: ClusterUser, history: History) -> None:
        self._user = user
        self._history = history
        self._rules: list[_Rule] = []
        self._done: dict[str, PodState | None] = {}  # by uid; None: taken away
        self._numbers: dict[str, int] = {}  # by uid, for addresses
        self._ruled = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    def let(
        self, state: PodState, *, version: str | None = None, track: str | None = None, only_new: bool = False
    ) -> None:
        """Pods of this version and track are in this state from now on; the last word holds."""
        spared = frozenset(self._done) if only_new else frozenset()
        self._rules.append(_Rule(state, version, track, spared))
        self._ruled.set()

    @property
    def is_done(self) -> bool:
        if self._work is not None and self._work.done():
            self._work.result()
        return all(
            self._done.get(pod["metadata"]["uid"], "new") == self._wanted(pod) for pod in self._history.all("Pod")
        )

    def begin(self) -> None:
        self._work = asyncio.create_task(self._run(), name="kubelet")

    async def end(self) -> None:
        assert self._work is not None
        self._work.cancel()
        await asyncio.wait([self._work])

    async def _run(self) -> None:
        while True:
            self._ruled.clear()
            changed = self._history.changed
            due = [pod for pod in self._history.all("Pod") if not self._is_as_wanted(pod)]
            await asyncio.gather(*(self._bring(pod) for pod in due))
            if not due:
                waits = [asyncio.ensure_future(changed.wait()), asyncio.ensure_future(self._ruled.wait())]
                try:
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for wait in waits:
                        wait.cancel()

    def _is_as_wanted(self, pod: Json) -> bool:
        return self._done.get(pod["metadata"]["uid"], "new") == self._wanted(pod)

    def _wanted(self, pod: Json) -> PodState | None:
        if "deletionTimestamp" in pod["metadata"]:
            return None
        return next((rule.state for rule in reversed(self._rules) if rule.is_about(pod)), Ready())

    async def _bring(self, pod: Json) -> None:
        name, uid, wanted = pod["metadata"]["name"], pod["metadata"]["uid"], self._wanted(pod)
        try:
            if wanted is None:
                await self._user.delete("Pod", name, gracePeriodSeconds=0, preconditions={"uid": uid})
            else:
                if uid not in self._done and not isinstance(wanted, Unschedulable):
                    await self._user.bind(name, NODE)
                await self._user.patch("Pod", name, {"status": self._make_status(uid, wanted)}, "status")
        except RefusedError as refused:
            if refused.status not in (404, 409):  # it was deleted meanwhile, or bound before
                raise
        self._done[uid] = wanted

    def _make_status(self, uid: str, wanted: PodState) -> Json:
        status = make_pod_status(wanted)
        if not isinstance(wanted, Unschedulable):
            number = self._numbers.setdefault(uid, len(self._numbers) + 1)
            address = f"10.0.{number >> 8}.{number & 255}"
            status |= {"podIP": address, "podIPs": [{"ip": address}]}
        return status


def track_of(pod: Json) -> str:
    """`primary`, `baseline`, or `router`."""
    labels = pod["metadata"]["labels"]
    return str(labels.get("serin.dev/track") or labels["serin.dev/component"])


def version_of(pod: Json) -> str | None:
    """The model version that a pod or a pod template serves, or whose answers it compares."""
    container = pod["spec"]["containers"][0]
    variables = container.get("env") or ()
    compared = (argument.partition("--canary-version=")[2] for argument in container.get("args") or ())
    served = next((found["value"] for found in variables if found["name"] == "SERIN_MODEL_VERSION"), None)
    return served or next(filter(None, compared), None)


def make_pod_status(state: PodState) -> dict[str, Any]:
    if isinstance(state, Unschedulable):
        unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": state.message}
        return {"phase": "Pending", "conditions": [unscheduled]}
    is_ready = isinstance(state, Ready)
    container: dict[str, Any] = {
        "name": "server",
        "image": "server",
        "imageID": "",
        "ready": is_ready,
        "started": is_ready,
        "restartCount": getattr(state, "restarts", 0),
    }
    match state:
        case Waiting(reason, message):
            container["state"] = {"waiting": {"reason": reason, "message": message}}
        case Crashing(reason, message, exit_code):
            ended = {"reason": reason, "message": message, "exitCode": exit_code}
            container["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s restarting"}}
            container["lastState"] = {"terminated": ended}
        case _:
            container["state"] = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    truth = "True" if is_ready else "False"
    return {
        "phase": "Pending" if isinstance(state, Waiting) else "Running",
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "ContainersReady", "status": truth},
            {"type": "Ready", "status": truth},
        ],
        "containerStatuses": [container],
    }
