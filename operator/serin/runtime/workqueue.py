"""Which ModelDeployment is looked at next: a queue of keys, never of events.

- A key waits at most once and is worked on by one worker at a time; added while worked on, it is worked on again after.
- A key added for later is due at the earliest moment anybody asked for; an immediate add absorbs it, because the work
  that follows decides anew when to look again.
- A key that failed comes back by its own exponential backoff, with jitter so that what failed together does not
  return together.
"""

import asyncio
import heapq
from collections.abc import Callable

from serin.core.facts import Key
from serin.runtime.ports import Clock

FIRST_BACKOFF_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 30.0


class WorkQueue:
    """`jitter` gives numbers in [0, 1)."""

    def __init__(self, clock: Clock, jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: set[Key] = set()  # what is in `_ready`
        self._working: set[Key] = set()
        self._again: set[Key] = set()  # added while worked on
        self._due: dict[Key, float] = {}
        # May hold entries that `_due` has forgotten or moved forward; they are skipped when their time comes.
        self._timetable: list[tuple[float, Key]] = []
        self._earlier = asyncio.Event()
        self._failures: dict[Key, int] = {}

    @property
    def depth(self) -> int:
        """Keys that could be worked on now and are not."""
        return len(self._waiting) + len(self._again)

    @property
    def delayed(self) -> int:
        return len(self._due)

    def add(self, key: Key) -> None:
        self._due.pop(key, None)
        if key in self._working:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        if seconds <= 0:
            self.add(key)
            return
        if key in self._waiting or key in self._again:
            return
        due = self._clock.monotonic_seconds() + seconds
        if due >= self._due.get(key, float("inf")):
            return
        self._due[key] = due
        heapq.heappush(self._timetable, (due, key))
        if self._timetable[0] == (due, key):
            self._earlier.set()
        if len(self._timetable) > 2 * len(self._due) + 1000:
            self._timetable = sorted((due, key) for key, due in self._due.items())

    def add_after_failure(self, key: Key) -> float:
        """Come back after this key's backoff, between half and all of it; returns the seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # The exponent is bounded because a float overflows after a thousand failures.
        longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 16))
        seconds = longest * (0.5 + 0.5 * self._jitter())
        self.add_after(key, seconds)
        return seconds

    def forget_failures(self, key: Key) -> None:
        self._failures.pop(key, None)

    async def take(self) -> Key:
        """The next key; the worker gives it back by `done`."""
        key = await self._ready.get()
        self._waiting.discard(key)
        self._working.add(key)
        return key

    def done(self, key: Key) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    async def run_timetable(self) -> None:
        """Makes delayed keys ready when they are due; runs for ever."""
        while True:
            self._earlier.clear()
            self._release_what_is_due()
            if not self._timetable:
                await self._earlier.wait()
            else:
                await self._sleep_until(self._timetable[0][0])

    def _release_what_is_due(self) -> None:
        now = self._clock.monotonic_seconds()
        while self._timetable and self._timetable[0][0] <= now:
            due, key = heapq.heappop(self._timetable)
            if self._due.get(key) == due:
                self.add(key)

    async def _sleep_until(self, due: float) -> None:
        sleep = asyncio.ensure_future(self._clock.sleep(due - self._clock.monotonic_seconds()))
        earlier = asyncio.ensure_future(self._earlier.wait())
        try:
            await asyncio.wait((sleep, earlier), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            earlier.cancel()
