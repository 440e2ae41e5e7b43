"""Who waits for Prometheus keeps nobody from being looked at."""

import asyncio

from serin.core.facts import CounterRequest, HistoryRequest, Key, MetricHistory, MetricReadings
from serin.runtime.slots import LendingMetricSource, Slots
from serin_testkit.clock import settle

REQUEST = CounterRequest(Key("ml", "a"), (), 30.0)


class SlowSource:
    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.waiting = 0

    async def read_counters(self, request: CounterRequest) -> MetricReadings:
        self.waiting += 1
        await self.gate.wait()
        return MetricReadings({})

    async def read_history(self, request: HistoryRequest) -> MetricHistory:
        raise ZeroDivisionError("a bug")


async def test_all_wait_at_once_and_go_on_as_many_at_a_time_as_there_are_slots() -> None:
    slots, source, running, most = Slots(2), SlowSource(), 0, 0

    async def reconcile() -> None:
        nonlocal running, most
        async with slots:
            await LendingMetricSource(source, slots).read_counters(REQUEST)
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    tasks = [asyncio.create_task(reconcile()) for _ in range(10)]
    await settle()
    assert source.waiting == 10

    source.gate.set()
    await asyncio.gather(*tasks)
    assert most == 2


async def test_a_bug_or_an_end_while_waiting_leaves_as_many_slots_as_before() -> None:
    slots, source = Slots(1), SlowSource()
    lending = LendingMetricSource(source, slots)

    async def reconcile(waiting: str) -> None:
        async with slots:
            await getattr(lending, waiting)(REQUEST)

    buggy, endless = (asyncio.create_task(reconcile(name)) for name in ("read_history", "read_counters"))
    await settle()
    endless.cancel()
    await asyncio.gather(buggy, endless, return_exceptions=True)

    assert isinstance(buggy.exception(), ZeroDivisionError)
    await slots.acquire()
    assert slots.locked()
