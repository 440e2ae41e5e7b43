"""Takes keys from the queue and reconciles them; how each reconcile ended decides when it comes next.

Nothing but the end of all ends it: a bug in one reconcile is one loud line, and that key's backoff.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import structlog

from serin.core.facts import Key
from serin.runtime.outcomes import Ending, Outcome, end_of, end_of_error
from serin.runtime.ports import Clock, Meter
from serin.runtime.slots import Slots
from serin.runtime.workqueue import WorkQueue

Reconcile = Callable[[Key], Awaitable[float | None]]
"""Brings one ModelDeployment forward; returns when to look again in seconds, None for never, or raises."""

_log = structlog.get_logger("serin.worker")


class Workers:
    """As many reconciles at a time as there are slots, never two of one key."""

    def __init__(self, queue: WorkQueue, reconcile: Reconcile, clock: Clock, meter: Meter, slots: Slots) -> None:
        self._queue = queue
        self._reconcile = reconcile
        self._clock = clock
        self._meter = meter
        self._slots = slots
        self._ids = itertools.count(1)
        self._started_seconds: dict[Key, float] = {}

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._queue.run_timetable(), name="timetable of the work queue")
            while True:
                key = await self._queue.take()
                await self._slots.acquire()
                tasks.create_task(self._work(key), name=f"reconcile of {key}")

    def longest_running_seconds(self) -> float:
        """How long the oldest reconcile of this moment has been at work."""
        now = self._clock.monotonic_seconds()
        return max((now - started for started in self._started_seconds.values()), default=0.0)

    async def _work(self, key: Key) -> None:
        self._started_seconds[key] = self._clock.monotonic_seconds()
        try:
            with structlog.contextvars.bound_contextvars(model_deployment=str(key), reconcile=next(self._ids)):
                await self._reconcile_once(key)
        finally:
            del self._started_seconds[key]
            self._slots.release()
            self._queue.done(key)

    async def _reconcile_once(self, key: Key) -> None:
        failure: Exception | None = None
        try:
            ending = end_of(await self._reconcile(key))
        except Exception as error:  # noqa: BLE001 (the last net: the closed set of endings has a place for every error)
            failure = error
            ending = end_of_error(error)
        again_seconds = self._requeue(key, ending)
        seconds = self._clock.monotonic_seconds() - self._started_seconds[key]
        self._meter.count_reconcile(ending.outcome.value, seconds)
        _log_ending(ending, seconds, again_seconds, failure)

    def _requeue(self, key: Key, ending: Ending) -> float | None:
        if ending.outcome.is_success:
            self._queue.forget_failures(key)
        elif ending.seconds is None:
            return self._queue.add_after_failure(key)
        if ending.seconds is not None:
            self._queue.add_after(key, ending.seconds)
        return ending.seconds


def _log_ending(ending: Ending, seconds: float, again_seconds: float | None, failure: Exception | None) -> None:
    if ending.outcome.is_success:
        write = _log.debug
    elif ending.outcome.needs_a_person:
        write = _log.error
    elif ending.outcome is Outcome.CONFLICT:
        write = _log.info
    else:
        write = _log.warning
    write(
        ending.outcome.sentence,
        outcome=ending.outcome.value,
        seconds=round(seconds, 4),
        again_seconds=None if again_seconds is None else round(again_seconds, 2),
        **({"reason": ending.message} if ending.message else {}),
        exc_info=failure if ending.outcome is Outcome.BUG else None,
    )
