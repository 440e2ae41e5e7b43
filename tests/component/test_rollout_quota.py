"""A quota that leaves the new version no room: the old one serves on, and the quota's own words are told."""

import pytest
from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def leave_room(world: World, *, pods: int) -> None:
    await world.user.create(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "room"},
            "spec": {"hard": {"pods": str(pods)}},
        }
    )

    async def is_in_force() -> bool:
        quota = await world.user.get("ResourceQuota", "room")
        return bool(quota and quota.get("status", {}).get("used"))

    while not await is_in_force():
        await world.settle()


async def fails_for_want_of_room(world: World, changed: Manifest, phase: str) -> None:
    stable = world.uids("1")
    await world.apply(changed)
    await world.until_phase("weather-2", phase, "Analyzing")
    while world.phase("weather-2") == "Analyzing":
        await world.pass_interval()
    assert world.phase("weather-2") == phase

    world.clock.jump(121)
    rollout = await world.until_phase("weather-2", "Failed")

    assert rollout["status"]["reason"] == "ProgressDeadlineExceeded"
    assert "exceeded quota: room" in rollout["status"]["message"]
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == stable == world.uids("1")
    assert world.condition(world.model_deployment(), "Available") == ("True", "Serving")
    assert world.pods("2") == []


async def test_a_canary_that_was_good_and_cannot_grow(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await leave_room(world, pods=4)

    await fails_for_want_of_room(world, a_model_deployment(version="2"), "Promoting")


@pytest.mark.parametrize(("strategy", "pods"), [("BlueGreen", 3), ("RollingUpdate", 2)])
async def test_a_version_that_cannot_even_begin(world: World, strategy: str, pods: int) -> None:
    await world.serve_first(a_model_deployment(version="1").with_strategy(strategy))
    await leave_room(world, pods=pods)

    await fails_for_want_of_room(world, a_model_deployment(version="2").with_strategy(strategy), "Preparing")


async def test_recreate_needs_no_room(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1").with_strategy("Recreate"))
    await leave_room(world, pods=2)

    await world.apply(a_model_deployment(version="2").with_strategy("Recreate"))
    await world.until_phase("weather-2", "Promoted")

    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == world.uids("2")
