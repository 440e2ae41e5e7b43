"""Copies of requests on their way: taken while there is room, sent to both versions at once, compared, counted.

Room is a number of copies and a number of bytes. What finds none is dropped and counted: nobody waits for a copy.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from serin_comparer.answers import Answer, NoAnswer
from serin_comparer.comparison import Comparison, Result, compare_answers
from serin_comparer.examples import Examples
from serin_comparer.json_values import Rules
from serin_comparer.pods import PodClient, Pods
from serin_comparer.telemetry import Telemetry

_LOG = logging.getLogger(__name__)

_INFERENCE_METHODS: Final = ("POST", "PUT")
# A longer comparison takes milliseconds: it gives way to new copies and to probes.
_AT_ONCE_BYTES: Final = 64 * 1024
# Those of one connection, those that are made anew for the next, and the wish for a compressed answer.
_DROPPED_HEADERS: Final = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "http2-settings", "keep-alive",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Copy:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Room:
    """How much may wait, and how much is done at a time."""

    copies: int = 256
    body_bytes: int = 32 * 1024 * 1024
    concurrency: int = 8


@dataclass(frozen=True, slots=True)
class Versions:
    baseline: Pods
    canary: Pods


def is_inference(method: str, headers: Mapping[str, str]) -> bool:
    """A question with a body. gRPC is none that can be sent again over HTTP/1.1."""
    return method in _INFERENCE_METHODS and not headers.get("content-type", "").startswith("application/grpc")


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _DROPPED_HEADERS}


def _size(answer: Answer | NoAnswer) -> int:
    return len(answer.body) if isinstance(answer, Answer) else 0


class Copies:
    def __init__(
        self, versions: Versions, client: PodClient, rules: Rules, telemetry: Telemetry, examples: Examples, room: Room
    ) -> None:
        self._versions = versions
        self._client = client
        self._rules = rules
        self._telemetry = telemetry
        self._examples = examples
        self._room = room
        self._waiting: asyncio.Queue[Copy] = asyncio.Queue(room.copies)
        self._body_bytes = 0
        self._large = asyncio.Semaphore(1)  # a document takes many times its bytes while it is compared
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._room.concurrency)]

    async def finish(self, within_seconds: float) -> None:
        """What was taken is compared, as far as the time allows."""
        try:
            await asyncio.wait_for(self._waiting.join(), within_seconds)
        except TimeoutError:
            _LOG.warning("copies were left", extra={"facts": {"copies": self._waiting.qsize()}})
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def has_room_for(self, body_bytes: int) -> bool:
        return not self._waiting.full() and self._body_bytes + body_bytes <= self._room.body_bytes

    def take(self, copy: Copy) -> bool:
        """False when it was dropped."""
        if not self.has_room_for(len(copy.body)):
            self._telemetry.count_dropped("full")
            return False
        self._body_bytes += len(copy.body)
        self._telemetry.waiting.inc()
        self._waiting.put_nowait(copy)
        return True

    async def _work(self) -> None:
        while True:
            copy = await self._waiting.get()
            try:
                comparison = await self._compare(copy)
                self._telemetry.count_compared(comparison.result)
                self._examples.maybe_tell(copy.target, comparison)
            finally:
                self._body_bytes -= len(copy.body)
                self._telemetry.waiting.dec()
                self._waiting.task_done()

    async def _compare(self, copy: Copy) -> Comparison:
        headers = forwarded(copy.headers)
        try:
            baseline, canary = await asyncio.gather(
                *(
                    self._client.ask(pods, copy.method, copy.target, headers, copy.body)
                    for pods in (self._versions.baseline, self._versions.canary)
                )
            )
            if _size(baseline) + _size(canary) < _AT_ONCE_BYTES:
                return compare_answers(baseline, canary, self._rules)
            async with self._large:
                return await asyncio.to_thread(compare_answers, baseline, canary, self._rules)
        except Exception:  # noqa: BLE001 - a worker that ends would take its part of the room with it
            _LOG.exception("a copy could not be compared")
            return Comparison(Result.NOT_COMPARABLE)
