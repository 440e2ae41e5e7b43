"""How a reconcile's end decides when its key comes next."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from serin.core.facts import Key
from serin.runtime.outcomes import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    NameTaken,
    NotFound,
    Outcome,
    Throttled,
    Unreachable,
)
from serin.runtime.slots import Slots
from serin.runtime.worker import Workers
from serin.runtime.workqueue import WorkQueue
from serin_testkit.clock import FakeClock, settle

from .cluster import Tally

A, B = Key("ml", "a"), Key("ml", "b")

Start = Callable[[Callable[[Key], Awaitable[float | None]]], Workers]


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.queue = WorkQueue(self.clock, jitter=lambda: 1.0)
        self.tally = Tally()
        self.seen: list[tuple[float, Key]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, *ends: float | Exception | None, count: int = 2) -> Workers:
        """Workers whose reconciles end like this, one after the other, and then well."""
        left = list(ends)

        async def reconcile(key: Key) -> float | None:
            self.seen.append((round(self.clock.monotonic_seconds(), 3), key))
            end = left.pop(0) if left else None
            if isinstance(end, Exception):
                raise end
            return end

        return self.start_with(reconcile, count)

    def start_with(self, reconcile: Callable[[Key], Awaitable[float | None]], count: int = 2) -> Workers:
        workers = Workers(self.queue, reconcile, self.clock, self.tally, Slots(count))
        self.tasks.append(asyncio.create_task(workers.run()))
        return workers


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    for task in world.tasks:
        task.cancel()
    await asyncio.gather(*world.tasks, return_exceptions=True)


async def test_a_key_comes_back_after_the_seconds_that_its_reconcile_asks_for(world: World) -> None:
    world.start(20.0, None)
    world.queue.add(A)
    await world.clock.advance(100)
    assert world.seen == [(0, A), (20, A)]
    assert world.tally.outcomes == ["requeue_after", "done"]


async def test_an_error_comes_back_sooner_first_and_later_each_time(world: World) -> None:
    world.start(Unreachable("x"), Unreachable("x"), Unreachable("x"))
    world.queue.add(A)
    await world.clock.advance(10)
    assert world.seen == [(0, A), (0.05, A), (0.15, A), (0.35, A)]


async def test_a_success_in_between_starts_the_waits_anew(world: World) -> None:
    world.start(Conflict("x"), 1.0, Conflict("x"))
    world.queue.add(A)
    await world.clock.advance(10)
    assert world.seen == [(0, A), (0.05, A), (1.05, A), (1.1, A)]


async def test_the_api_servers_own_wait_is_kept(world: World) -> None:
    world.start(Throttled("busy", 7.0))
    world.queue.add(A)
    await world.clock.advance(10)
    assert world.seen == [(0, A), (7, A)]


async def test_a_bug_ends_neither_the_worker_nor_the_other_keys(world: World) -> None:
    world.start(ZeroDivisionError("oops"), count=1)
    world.queue.add(A)
    world.queue.add(B)
    await world.clock.advance(1)
    assert world.seen == [(0, A), (0, B), (0.05, A)]
    assert world.tally.outcomes == ["bug", "done", "done"]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Conflict("x"), Outcome.CONFLICT),
        (AlreadyExists("x"), Outcome.CONFLICT),
        (NotFound("x"), Outcome.CONFLICT),
        (Throttled("x", 1.0), Outcome.THROTTLED),
        (Unreachable("x"), Outcome.UNREACHABLE),
        (Forbidden("x"), Outcome.INVALID),
        (Invalid("x"), Outcome.INVALID),
        (NameTaken("Service", "weather", "x"), Outcome.INVALID),
        (KeyError("x"), Outcome.BUG),
    ],
)
async def test_every_error_has_its_outcome(world: World, error: Exception, outcome: Outcome) -> None:
    world.start(error)
    world.queue.add(A)
    await settle()
    assert world.tally.outcomes == [outcome.value]


async def test_no_more_reconciles_run_at_once_than_there_are_workers_and_the_oldest_is_known(world: World) -> None:
    gate = asyncio.Event()
    running: list[Key] = []

    async def reconcile(key: Key) -> None:
        running.append(key)
        await gate.wait()

    workers = world.start_with(reconcile, count=2)
    for number in range(5):
        world.queue.add(Key("ml", str(number)))
    await world.clock.advance(3)
    assert len(running) == 2
    assert workers.longest_running_seconds() == 3

    gate.set()
    await settle()
    assert len(running) == 5
    assert workers.longest_running_seconds() == 0
