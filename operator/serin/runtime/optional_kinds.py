"""Kinds that not every cluster knows: listed and watched from the moment on that there are any.

A cluster may get them while the operator runs. kopf would have to be allowed to watch all definitions of the cluster to
notice; so these kinds are looked for now and then, and watched here.
"""

import asyncio
from collections.abc import Sequence

import structlog

from serin.runtime.cache import Cache
from serin.runtime.intake import Intake
from serin.runtime.kinds import WATCHED, Kind
from serin.runtime.outcomes import ClusterError
from serin.runtime.ports import Clock, Cluster

LOOK_SECONDS = 30.0
"""A kind that is not there is looked for so often; also the rest after trouble."""

_log = structlog.get_logger("serin.optional_kinds")


class OptionalKinds:
    """`namespaces` empty: all of them."""

    def __init__(self, cluster: Cluster, intake: Intake, cache: Cache, clock: Clock, namespaces: Sequence[str]) -> None:
        self._cluster = cluster
        self._intake = intake
        self._cache = cache
        self._clock = clock
        self._namespaces: Sequence[str | None] = tuple(namespaces) or (None,)

    async def run(self) -> None:
        """Follows them until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for kind in WATCHED.values():
                for namespace in self._namespaces if kind.is_optional else ():
                    tasks.create_task(self._follow(kind, namespace), name=f"watch of {kind.name}")

    async def _follow(self, kind: Kind, namespace: str | None) -> None:
        while True:
            try:
                is_known = await self._follow_once(kind, namespace)
            except ClusterError as error:
                _log.warning("a kind cannot be followed", kind=kind.name, reason=str(error))
                is_known = False
            if not is_known:
                await self._clock.sleep(LOOK_SECONDS)

    async def _follow_once(self, kind: Kind, namespace: str | None) -> bool:
        """One list and the watch after it; False while the cluster does not know the kind."""
        listing = await self._cluster.list(kind.name)
        for changed in self._cache.replace(kind.name, listing):
            self._intake.wake(changed)
        if not listing.resource_version:
            return False
        async for change, live in self._cluster.watch(kind.name, namespace, listing.resource_version):
            self._intake.take_aside(live, is_gone=change == "DELETED")
        return True
