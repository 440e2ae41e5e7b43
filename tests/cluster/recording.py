"""Everything that happens in one namespace, as kubectl's watches tell it: how it is now, and every version of it.

In the form of the test kit's oracles, so that the rules that hold on a bare API server are held up to real pods, too.
"""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TypeVar

from cluster.kubectl import Json, Kubectl
from serin_testkit.history import Place, Seen

FOLLOWED = (
    "modeldeployments.serin.dev",
    "rollouts.serin.dev",
    "controllerrevisions.apps",
    "deployments.apps",
    "services",
    "pods",
)

PATIENCE_SECONDS = 300.0
"""Nothing that a test waits for takes more than some 40 s on two idle cores; a busy machine is no failure."""

BARREN_WATCHES = 20
"""So many in a row that told nothing new are no watch any more."""

AGAIN_SECONDS = 0.5

_T = TypeVar("_T")


class Recording:
    """Of one namespace, made by `record`."""

    def __init__(self) -> None:
        self._seen: list[Seen] = []
        self._ended: list[str] = []
        self._changed = threading.Condition()
        self.objects: dict[Place, Json] = {}

    def seen(self, since: int = 0) -> list[Seen]:
        """All events in the order of the store; `since` leaves out what came up to that version of it."""
        with self._changed:
            return sorted((seen for seen in self._seen if seen.version > since), key=lambda seen: seen.version)

    @property
    def version(self) -> int:
        """Of the newest event."""
        with self._changed:
            return max((seen.version for seen in self._seen), default=0)

    def get(self, kind: str, name: str) -> Json | None:
        with self._changed:
            return self.objects.get((kind, name))

    def all(self, kind: str) -> list[Json]:
        with self._changed:
            return [found for (its_kind, _), found in sorted(self.objects.items()) if its_kind == kind]

    def until(self, what: str, look: Callable[[], _T | None], within_seconds: float = PATIENCE_SECONDS) -> _T:
        """The first thing that `look` finds; it is asked again after every event, and now and then without one."""
        deadline = time.monotonic() + within_seconds
        while True:
            with self._changed:
                length = len(self._seen)
            found = look()
            if found:
                return found
            left = deadline - time.monotonic()
            assert not self._ended, f"the watch of {self._ended[0]} ended while waiting for: {what}"
            assert left > 0, f"not within {within_seconds:.0f} s: {what}\n{self.tell()}"
            with self._changed:
                if len(self._seen) == length:
                    self._changed.wait(min(left, 1.0))

    def tell(self) -> str:
        """The present state in some lines."""
        lines = []
        with self._changed:
            for (kind, name), found in sorted(self.objects.items()):
                status = found.get("status") or {}
                if kind in ("ModelDeployment", "Rollout"):
                    lines.append(f"{kind} {name}: {status.get('phase')}, {status.get('message')}")
                elif kind == "Deployment":
                    lines.append(
                        f"{kind} {name}: {status.get('readyReplicas', 0)} of {found['spec']['replicas']} ready"
                    )
                elif kind == "Service":
                    lines.append(f"{kind} {name}: selects {found['spec'].get('selector')}")
        return "\n".join(lines)

    def take_in(self, output: IO[str]) -> int:
        """The events of one watch until it ends; how many were new. One that begins again tells all objects again."""
        new = 0
        for line in output:
            event = json.loads(line)
            found = event["object"]
            seen = Seen(int(found["metadata"]["resourceVersion"]), event["type"], found)
            with self._changed:
                known = self.objects.get(seen.place)
                if known is not None and seen.change == "ADDED" and known["metadata"] == found["metadata"]:
                    continue
                new += 1
                self._seen.append(seen)
                if seen.change == "DELETED":
                    self.objects.pop(seen.place, None)
                else:
                    self.objects[seen.place] = found
                self._changed.notify_all()
        return new

    def tell_end(self, resource: str) -> None:
        with self._changed:
            self._ended.append(resource)
            self._changed.notify_all()


class _Watch:
    """Of one kind. It begins again when the API server ends it, which it does when a definition changes."""

    def __init__(self, recording: Recording, kubectl: Kubectl, resource: str) -> None:
        self._recording = recording
        self._command = ["kubectl", "--namespace", kubectl.namespace, "get", resource]
        self._resource = resource
        self._over = threading.Event()
        self._process = self._start()
        self._thread = threading.Thread(target=self._follow, name=f"watch of {resource}")
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._process.terminate()
        self._thread.join()

    def _start(self) -> "subprocess.Popen[str]":
        arguments = ["--watch", "--output-watch-events", "--output=json"]
        return subprocess.Popen([*self._command, *arguments], stdout=subprocess.PIPE, text=True)

    def _follow(self) -> None:
        barren = 0
        while True:
            output = self._process.stdout
            assert output is not None
            with output:
                barren = 0 if self._recording.take_in(output) else barren + 1
            self._process.wait()
            if self._over.is_set() or barren > BARREN_WATCHES:
                self._recording.tell_end(self._resource)
                return
            time.sleep(AGAIN_SECONDS)
            self._process = self._start()
            if self._over.is_set():
                self._process.terminate()


@contextmanager
def record(kubectl: Kubectl) -> Iterator[Recording]:
    recording = Recording()
    watches = [_Watch(recording, kubectl, resource) for resource in FOLLOWED]
    try:
        yield recording
    finally:
        for watch in watches:
            watch.end()
