"""The bake on a real API server: the new version serves, the old one waits at full size to take the requests back."""

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.cluster_user import Json
from serin_testkit.kubelet import Crashing
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def bake(world: World) -> Json:
    """Version 2 serves and bakes beside version 1."""
    await world.serve_first(a_model_deployment(version="1"))
    await world.begin_comparison(a_model_deployment(version="2").with_plan(bake="10m"), "weather-2")
    while world.phase("weather-2") == "Analyzing":
        await world.pass_interval()
    return await world.until_phase("weather-2", "Baking")


async def test_both_versions_are_whole_while_the_new_one_serves(world: World) -> None:
    rollout = await bake(world)

    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == world.uids("2")
    assert (world.replicas("1"), world.replicas("2"), world.replicas("1", "baseline")) == (2, 2, None)
    assert rollout["status"]["weights"]["effective"] == {"stable": 0, "baseline": 0, "canary": 100}
    weather = await world.until_told("weather", "Progressing")
    assert weather["status"]["stable"]["version"] == "1"
    assert world.condition(weather, "Available") == ("True", "Serving")
    assert world.condition(weather, "Reconciling") == ("True", "Baking")


async def test_after_the_bake_the_new_version_is_stable_and_the_old_pods_go(world: World) -> None:
    await bake(world)
    world.clock.jump(601)

    rollout = await world.until_phase("weather-2", "Promoted")

    assert rollout["status"]["message"].startswith("Promoted: with 95 % confidence")
    weather = await world.until_told("weather", "Healthy")
    assert weather["status"]["stable"]["version"] == "2"
    assert world.replicas("1") == 0


async def test_a_crash_after_the_promotion_gives_the_requests_back_without_a_pod_start(world: World) -> None:
    await bake(world)
    world.users_may_be_hurt("the version that serves crashes")
    old_pods = world.uids("1")

    world.kubelet.let(Crashing("OOMKilled", exit_code=137, restarts=3), version="2")
    rollout = await world.until_phase("weather-2", "RolledBack")

    assert world.condition(rollout, "Stalled") is not None
    weather = await world.until_told("weather", "Degraded")
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == old_pods == world.uids("1")
    assert world.condition(weather, "Stalled") == ("True", "CanaryRolledBack")
    assert weather["status"]["rejected"]["phase"] == "RolledBack"


async def test_an_operator_that_is_killed_in_the_bake_ends_it_all_the_same(world: World) -> None:
    await bake(world)
    await world.restart_operator()
    world.clock.jump(601)

    assert (await world.until_phase("weather-2", "Promoted"))["status"]["decidedBy"] == {"how": "Evidence"}
