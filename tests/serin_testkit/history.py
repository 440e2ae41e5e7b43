"""Everything that happens to the objects of one namespace, as its watches tell it: how they are now, and every version.

Resource versions of all kinds count in one store, so the versions of different kinds can be put into one order: that
is how an oracle looks at the whole namespace "at every moment".
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from serin.runtime.kinds import KINDS

from serin_testkit.cluster_user import NOT_FOUND, ClusterUser, Json, RefusedError

FOLLOWED = (
    "ModelDeployment",
    "Rollout",
    "ControllerRevision",
    "Deployment",
    "Service",
    "ConfigMap",
    "PodDisruptionBudget",
    "Pod",
    "HTTPRoute",
)
"""All that is Serin's but autoscalers: theirs is a status that never rests."""

OF_EVERY_NAMESPACE = "kube-root-ca.crt"

PATIENCE_SECONDS = 30.0
"""What comes at all comes within a second; a machine that also builds images may need more."""

Place = tuple[str, str]
"""Kind and name."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of a watch: `change` is ADDED, MODIFIED or DELETED."""

    version: int
    change: str
    object: Json

    @property
    def place(self) -> Place:
        return self.object["kind"], self.object["metadata"]["name"]


class History:
    """Followed while `follow` runs."""

    def __init__(self, user: ClusterUser) -> None:
        self._user = user
        self._seen: list[Seen] = []
        self._changed = asyncio.Event()
        self._watches: list[asyncio.Task[None]] = []
        self.objects: dict[Place, Json] = {}
        self._versions: dict[Place, int] = {}

    async def begin(self) -> None:
        for kind in FOLLOWED:
            try:
                items, version = await self._user.list(kind)
            except RefusedError as refused:
                if refused.status == NOT_FOUND and KINDS[kind].is_optional:
                    continue  # this control plane does not know it
                raise
            own = [found for found in items if found["metadata"]["name"] != OF_EVERY_NAMESPACE]
            assert not own, f"the namespace is not new, it has {kind}s"
            self._watches.append(asyncio.create_task(self._follow(kind, version), name=f"watch of {kind}"))

    async def end(self) -> None:
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    @property
    def length(self) -> int:
        return len(self._seen)

    def seen(self, since: int = 0) -> list[Seen]:
        """All events in the order of the store; `since` leaves out so many that came first."""
        return sorted(self._seen[since:], key=lambda seen: seen.version)

    def get(self, kind: str, name: str) -> Json | None:
        return self.objects.get((kind, name))

    def all(self, kind: str) -> Iterator[Json]:
        return (found for (its_kind, _), found in sorted(self.objects.items()) if its_kind == kind)

    async def until(self, what: str, look: Callable[[], _T | None]) -> _T:
        """Waits until `look` finds something; `what` tells in the error message what was missing."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    changed = self.changed
                    found = look()
                    if found:
                        return found
                    await changed.wait()
        except TimeoutError:
            raise AssertionError(f"it never came to this: {what}\n{self.tell()}") from None

    @property
    def changed(self) -> asyncio.Event:
        """Set by the next event. To be taken before looking, so that nothing is missed between look and wait."""
        for watch in self._watches:
            if watch.done():
                watch.result()
                raise AssertionError(f"the {watch.get_name()} ended")
        return self._changed

    def find_lag(self) -> str | None:
        """What was written and not told by a watch yet."""
        for place, version in self._user.written.items():
            if place[0] in FOLLOWED and self._versions.get(place, 0) < version:
                return f"version {version} of {' '.join(place)} has not been seen"
        return None

    def tell(self) -> str:
        """The present state in some lines, for error messages."""
        lines = []
        for (kind, name), found in sorted(self.objects.items()):
            status: Mapping[str, object] = found.get("status") or {}
            if kind in ("ModelDeployment", "Rollout"):
                lines.append(f"{kind} {name}: {status.get('phase')}, {status.get('message')}")
            elif kind == "Deployment":
                lines.append(f"{kind} {name}: {status.get('readyReplicas', 0)} of {found['spec']['replicas']} ready")
            elif kind == "Service":
                lines.append(f"{kind} {name}: selects {found['spec'].get('selector')}")
        return "\n".join(lines)

    async def _follow(self, kind: str, version: str) -> None:
        async for change, found in self._user.watch(kind, version):
            if found["metadata"]["name"] == OF_EVERY_NAMESPACE:
                continue
            seen = Seen(int(found["metadata"]["resourceVersion"]), change, found)
            self._seen.append(seen)
            self._versions[seen.place] = seen.version
            if change == "DELETED":
                self.objects.pop(seen.place, None)
            else:
                self.objects[seen.place] = found
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()
