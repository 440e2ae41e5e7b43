"""A clock for the operator beside a real API server: what time it is stands still until a test moves it.

Waiting is another matter. A retry after a conflict waits some milliseconds that no test should have to think of, so
waiting ends when its time has passed on the real clock or on the moved one, whichever comes first. Decisions only see
`now`, and so come out the same on a fast and on a slow machine.
"""

import asyncio
import threading
import time
from datetime import datetime, timedelta

from serin_testkit.clock import START


class JumpingClock:
    """The port `Clock`. `jump` may be called from another thread than the one that waits."""

    def __init__(self) -> None:
        self._jumped_seconds = 0.0
        self._lock = threading.Lock()
        self._sleepers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def now(self) -> datetime:
        return START + timedelta(seconds=self._jumped_seconds)

    def monotonic_seconds(self) -> float:
        return time.monotonic() + self._jumped_seconds

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic_seconds() + seconds
        jumped = asyncio.Event()
        with self._lock:
            self._sleepers[jumped] = asyncio.get_running_loop()
        try:
            # Awake by now a jump between two looks at the clock is seen by the event, so none gets lost.
            while (left := until - self.monotonic_seconds()) > 0:
                try:
                    async with asyncio.timeout(left):
                        await jumped.wait()
                except TimeoutError:
                    break
                jumped.clear()
        finally:
            with self._lock:
                del self._sleepers[jumped]

    def jump(self, seconds: float) -> None:
        with self._lock:
            self._jumped_seconds += seconds
            for jumped, loop in self._sleepers.items():
                if not loop.is_closed():
                    loop.call_soon_threadsafe(jumped.set)
