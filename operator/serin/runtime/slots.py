"""How many reconciles are at work at a time, not counting those that wait for Prometheus.

Waiting takes no CPU, and those that wait together share their queries: with a slot each, a few workers would ask one
small batch after the other, and a Prometheus that hangs would keep all others from being looked at.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from serin.core.facts import CounterRequest, HistoryRequest, MetricHistory, MetricReadings, MetricsUnavailable
from serin.runtime.ports import MetricSource

_Answer = TypeVar("_Answer")


class Slots(asyncio.Semaphore):
    async def lend_while(self, waiting: Awaitable[_Answer]) -> _Answer:
        """The caller's slot is another's until the answer is there and a slot is free again."""
        self.release()
        try:
            return await waiting
        finally:
            await self.acquire()


class LendingMetricSource:
    """The port `MetricSource` for callers that hold a slot."""

    def __init__(self, source: MetricSource, slots: Slots) -> None:
        self._source = source
        self._slots = slots

    async def read_counters(self, request: CounterRequest) -> MetricReadings | MetricsUnavailable:
        return await self._slots.lend_while(self._source.read_counters(request))

    async def read_history(self, request: HistoryRequest) -> MetricHistory | MetricsUnavailable:
        return await self._slots.lend_while(self._source.read_history(request))
