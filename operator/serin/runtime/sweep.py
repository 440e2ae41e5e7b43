"""One list per kind, at the start and then every few minutes: what the watches missed comes in here.

A watch may lose a deletion for ever (kopf does not compare across a re-list) and a dead connection may lose all, so
the sweep is what makes the cache true in the end. Differences that turn up although no watch has said anything since
the sweep before mean that the watches are deaf; the liveness probe reads that.
"""

from collections.abc import Callable

import structlog

from serin.runtime.cache import Cache
from serin.runtime.intake import Intake
from serin.runtime.kinds import WATCHED
from serin.runtime.outcomes import ClusterError
from serin.runtime.ports import Clock, Cluster
from serin.runtime.workqueue import WorkQueue

SWEEP_SECONDS = 300.0
"""Every 5 min, give or take 10 %, so that several operators do not list together."""

FIRST_SWEEP_SECONDS = 20.0
"""Soon after the start: what was deleted between the priming list and the first watch is reported by nobody."""

PRIMING_BACKOFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 15.0)

_log = structlog.get_logger("serin.sweep")


class Sweep:
    """`jitter` gives numbers in [0, 1)."""

    def __init__(
        self,
        cluster: Cluster,
        intake: Intake,
        cache: Cache,
        queue: WorkQueue,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._intake = intake
        self._cache = cache
        self._queue = queue
        self._clock = clock
        self._jitter = jitter
        self._swept_at_seconds = clock.monotonic_seconds()
        self._priming_trouble = "no answer yet"
        self.deaf_rounds = 0
        """Sweeps in a row that found changes of which no watch had told."""

    async def prime(self) -> None:
        """Fill the cache, however long the API server takes to answer; nothing may be decided before."""
        attempt = 0
        while not self._cache.is_primed:
            try:
                for kind in WATCHED:
                    self._cache.replace(kind, await self._cluster.list(kind))
            except ClusterError as error:
                self._priming_trouble = str(error)
                wait_seconds = PRIMING_BACKOFF_SECONDS[min(attempt, len(PRIMING_BACKOFF_SECONDS) - 1)]
                attempt += 1
                _log.warning("the first lists are not in", reason=str(error), again_seconds=wait_seconds)
                await self._clock.sleep(wait_seconds)
        self._swept_at_seconds = self._clock.monotonic_seconds()
        self._add_all()

    def find_unreadiness(self) -> str | None:
        """Why nothing can be decided yet; None from the first time on that everything was read."""
        return None if self._cache.is_primed else f"the first lists are not in: {self._priming_trouble}"

    async def run(self) -> None:
        """Sweeps until cancelled."""
        await self._clock.sleep(FIRST_SWEEP_SECONDS)
        while True:
            await self.sweep()
            await self._clock.sleep(SWEEP_SECONDS * (0.9 + 0.2 * self._jitter()))

    async def sweep(self) -> None:
        """One round. A kind that cannot be listed now keeps its view."""
        heard = self._intake.last_event_seconds > self._swept_at_seconds
        self._swept_at_seconds = self._clock.monotonic_seconds()
        differences = 0
        for kind in WATCHED:
            try:
                listing = await self._cluster.list(kind)
            except ClusterError as error:
                _log.warning("a kind could not be listed", kind=kind, reason=str(error))
                continue
            for changed in self._cache.replace(kind, listing):
                differences += 1
                self._intake.wake(changed)
        self.deaf_rounds = self.deaf_rounds + 1 if differences and not heard else 0
        self._add_all()
        _log.debug("swept", differences=differences)

    def _add_all(self) -> None:
        for key in (*self._cache.model_deployments(), *self._cache.shared()):
            self._queue.add(key)
