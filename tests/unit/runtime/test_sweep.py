"""What the regular lists repair."""

import asyncio

import pytest
from serin.core.facts import Key
from serin.runtime.cache import Cache
from serin.runtime.intake import Intake
from serin.runtime.outcomes import Unreachable
from serin.runtime.ports import ObjectRef
from serin.runtime.sweep import FIRST_SWEEP_SECONDS, SWEEP_SECONDS, Sweep
from serin.runtime.workqueue import WorkQueue
from serin_testkit.clock import FakeClock, settle

from .cluster import MemoryCluster
from .objects import make_live

WEATHER = Key("ml", "weather")
DEPLOYMENT = ObjectRef("Deployment", "ml", "weather-1")


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.cluster = MemoryCluster()
        self.cache = Cache()
        self.queue = WorkQueue(self.clock, jitter=lambda: 0.0)
        self.intake = Intake(self.cache, self.queue, self.clock)
        self.sweep = Sweep(self.cluster, self.intake, self.cache, self.queue, self.clock, jitter=lambda: 0.5)
        self.cluster.put(make_live("ModelDeployment"))
        self.cluster.put(make_live("Deployment", "weather-1"))

    async def woken(self) -> set[Key]:
        keys = set()
        while self.queue.depth:
            key = await self.queue.take()
            self.queue.done(key)
            keys.add(key)
        return keys


@pytest.fixture
def world() -> World:
    return World()


async def test_priming_fills_the_cache_before_it_wakes_anybody(world: World) -> None:
    await world.sweep.prime()
    assert world.cache.is_primed
    assert world.cache.get(DEPLOYMENT) is not None
    assert await world.woken() == {WEATHER}


async def test_priming_waits_for_an_api_server_that_is_away(world: World) -> None:
    world.cluster.failures["list"] = Unreachable("away")
    priming = asyncio.create_task(world.sweep.prime())
    await settle()
    assert not world.cache.is_primed
    assert not world.queue.depth
    assert world.sweep.find_unreadiness() == "the first lists are not in: away"
    await world.clock.advance(1)
    await priming
    assert world.sweep.find_unreadiness() is None
    assert world.cache.is_primed


async def test_a_deletion_that_no_watch_told_is_found(world: World) -> None:
    await world.sweep.prime()
    await world.woken()
    del world.cluster.objects[DEPLOYMENT]
    world.cluster.version += 1
    await world.sweep.sweep()
    assert world.cache.get(DEPLOYMENT) is None
    assert await world.woken() == {WEATHER}


async def test_a_deleted_model_deployment_that_no_watch_told_is_looked_at_once_more(world: World) -> None:
    await world.sweep.prime()
    await world.woken()
    world.cluster.objects.clear()
    world.cluster.version += 1
    await world.sweep.sweep()
    assert await world.woken() == {WEATHER}


async def test_every_model_deployment_is_looked_at_even_if_nothing_differs(world: World) -> None:
    await world.sweep.prime()
    await world.woken()
    await world.sweep.sweep()
    assert await world.woken() == {WEATHER}


async def test_a_kind_that_cannot_be_listed_keeps_its_view(world: World) -> None:
    await world.sweep.prime()
    world.cluster.failures["list"] = Unreachable("away")
    await world.sweep.sweep()
    assert world.cache.get(DEPLOYMENT) is not None
    assert world.cache.model_deployments() == [WEATHER]


async def test_the_first_sweep_comes_soon_and_the_others_every_five_minutes(world: World) -> None:
    await world.sweep.prime()
    sweeping = asyncio.create_task(world.sweep.run())
    counts = []
    for seconds in (FIRST_SWEEP_SECONDS, SWEEP_SECONDS, SWEEP_SECONDS):
        await world.clock.advance(seconds)
        counts.append(sum(call == ("list", "Pod", "") for call in world.cluster.calls))
    sweeping.cancel()
    assert counts == [2, 3, 4]


async def test_differences_of_which_no_watch_told_mean_that_the_watches_are_deaf(world: World) -> None:
    await world.sweep.prime()
    for expected in (1, 2):
        await world.clock.advance(SWEEP_SECONDS)
        world.cluster.put(make_live("Deployment", "weather-1"))
        await world.sweep.sweep()
        assert world.sweep.deaf_rounds == expected


async def test_differences_beside_watches_that_talk_are_a_race_and_no_deafness(world: World) -> None:
    await world.sweep.prime()
    await world.clock.advance(SWEEP_SECONDS)
    world.intake.take_in(make_live("Pod", "other", version=500), is_gone=False)
    world.cluster.put(make_live("Deployment", "weather-1"))
    await world.sweep.sweep()
    assert world.sweep.deaf_rounds == 0


async def test_nothing_new_and_nothing_heard_is_a_quiet_cluster_and_no_deafness(world: World) -> None:
    await world.sweep.prime()
    await world.clock.advance(SWEEP_SECONDS)
    await world.sweep.sweep()
    assert world.sweep.deaf_rounds == 0
