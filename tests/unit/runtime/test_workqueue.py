"""Which key is worked on next."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from serin.core.facts import Key
from serin.runtime.workqueue import LONGEST_BACKOFF_SECONDS, WorkQueue
from serin_testkit.clock import FakeClock, settle

A, B = Key("ml", "a"), Key("ml", "b")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def queue(clock: FakeClock) -> AsyncIterator[WorkQueue]:
    queue = WorkQueue(clock, jitter=lambda: 1.0)
    timetable = asyncio.create_task(queue.run_timetable())
    yield queue
    timetable.cancel()


async def taken(queue: WorkQueue) -> list[Key]:
    """All that is ready now."""
    keys = []
    while queue.depth:
        keys.append(await queue.take())
    return keys


async def test_keys_come_in_the_order_in_which_they_were_added_each_once(queue: WorkQueue) -> None:
    for key in (A, B, A, B):
        queue.add(key)
    assert await taken(queue) == [A, B]


async def test_a_key_added_while_worked_on_is_worked_on_again_after_and_not_beside(queue: WorkQueue) -> None:
    queue.add(A)
    await queue.take()
    queue.add(A)
    other = asyncio.create_task(queue.take())
    await settle()
    assert not other.done()

    queue.done(A)
    assert await other == A
    queue.done(A)
    assert queue.depth == 0


async def test_a_delayed_key_becomes_ready_when_it_is_due(queue: WorkQueue, clock: FakeClock) -> None:
    queue.add_after(A, 10)
    await clock.advance(9.9)
    assert await taken(queue) == []
    await clock.advance(0.1)
    assert await taken(queue) == [A]


async def test_the_earliest_of_several_delays_wins(queue: WorkQueue, clock: FakeClock) -> None:
    for seconds in (10, 3, 20):
        queue.add_after(A, seconds)
    await clock.advance(3)
    assert await taken(queue) == [A]
    queue.done(A)
    await clock.advance(30)
    assert await taken(queue) == []


async def test_a_nearer_delay_interrupts_the_wait_for_a_farther_one(queue: WorkQueue, clock: FakeClock) -> None:
    queue.add_after(A, 100)
    await settle()
    queue.add_after(B, 1)
    await clock.advance(1)
    assert await taken(queue) == [B]


async def test_an_immediate_add_absorbs_a_delayed_one(queue: WorkQueue, clock: FakeClock) -> None:
    queue.add_after(A, 5)
    queue.add(A)
    assert await taken(queue) == [A]
    queue.done(A)
    await clock.advance(5)
    assert await taken(queue) == []


async def test_a_delay_for_a_key_that_is_ready_already_is_dropped(queue: WorkQueue, clock: FakeClock) -> None:
    queue.add(A)
    queue.add_after(A, 5)
    assert await taken(queue) == [A]
    queue.done(A)
    await clock.advance(5)
    assert await taken(queue) == []


async def test_a_delay_set_while_worked_on_counts_from_then(queue: WorkQueue, clock: FakeClock) -> None:
    queue.add(A)
    await queue.take()
    queue.add_after(A, 2)
    queue.done(A)
    await clock.advance(2)
    assert await taken(queue) == [A]


async def test_failures_of_a_key_double_its_wait_up_to_a_limit_and_leave_other_keys_alone(queue: WorkQueue) -> None:
    waits = [queue.add_after_failure(A) for _ in range(12)]
    assert waits[:4] == [0.05, 0.1, 0.2, 0.4]
    assert waits[-1] == LONGEST_BACKOFF_SECONDS
    assert queue.add_after_failure(B) == 0.05


async def test_a_success_makes_the_next_failure_the_first(queue: WorkQueue) -> None:
    for _ in range(5):
        queue.add_after_failure(A)
    queue.forget_failures(A)
    assert queue.add_after_failure(A) == 0.05


async def test_chance_takes_away_up_to_half_of_a_wait(clock: FakeClock) -> None:
    assert WorkQueue(clock, jitter=lambda: 0.0).add_after_failure(A) == 0.025


async def test_delays_that_are_moved_forward_again_and_again_do_not_pile_up(queue: WorkQueue) -> None:
    for number in range(5000):
        queue.add_after(A, 10_000 - number)
    assert len(queue._timetable) < 2000
    assert queue.delayed == 1
