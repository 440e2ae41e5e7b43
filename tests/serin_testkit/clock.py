"""A clock that stands still until a test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """`advance` wakes everybody whose time has come, in the order of their times, and lets them work."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return START + timedelta(seconds=self._seconds)

    def monotonic_seconds(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        self._sleepers.append((self._seconds + seconds, self._count, wake))
        await wake

    async def advance(self, seconds: float) -> None:
        await settle()
        until = self._seconds + seconds
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= until]:
            first = min(due)
            self._sleepers.remove(first)
            self._seconds = max(self._seconds, first[0])
            if not first[2].done():
                first[2].set_result(None)
            await settle()
        self._seconds = until
        await settle()


async def settle() -> None:
    """Let every task run until it waits for something that does not happen by itself."""
    for _ in range(50):
        await asyncio.sleep(0)
