"""The operator goes and comes back: at rest it writes nothing, in the middle it goes on as if nothing had happened."""

import asyncio
from dataclasses import replace

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.held_phases import ROLLOUT, hold
from serin_testkit.oracles import find_differences, take_end_state
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def test_a_restart_at_rest_writes_nothing(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await world.serve_first(a_model_deployment(version="1", name="other"))
    writes = len(world.operator.writes)

    await world.restart_operator(by_kill=False)
    await world.settle()

    assert world.operator.writes[writes:] == []


async def test_a_restart_in_the_middle_of_a_comparison_writes_nothing(world: World) -> None:
    await hold(world, "Analyzing")
    await world.pass_interval()
    writes = len(world.operator.writes)

    await world.restart_operator()
    await world.settle()

    assert world.operator.writes[writes:] == []


async def test_a_newer_operator_with_another_server_image_starts_no_rollout_and_restarts_no_pod(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    serving, writes = world.uids("1"), len(world.operator.writes)

    await asyncio.to_thread(world.operator.stop)
    world.operator.settings = replace(world.operator.settings, server_image="serin/server:9.9.9")
    world.operator.start()
    await world.settle()

    assert world.operator.writes[writes:] == []
    assert world.uids("1") == serving
    assert world.history.get("Rollout", ROLLOUT) is None

    await world.begin_comparison(a_model_deployment(version="2"), ROLLOUT)
    images = {pod["spec"]["containers"][0]["image"] for pod in world.pods("2")}
    assert images == {"serin/server:9.9.9"}
    baseline = {pod["spec"]["containers"][0]["image"] for pod in world.pods("1", "baseline")}
    assert "serin/server:9.9.9" not in baseline


async def test_what_serves_goes_on_while_the_operator_is_away(world: World) -> None:
    await hold(world, "Analyzing")
    serving = {pod["metadata"]["uid"] for pod in world.serving_pods()}

    world.operator.kill()
    await world.settle()

    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == serving


@pytest.mark.parametrize("share_failing", [0.0, 0.5], ids=["a good version", "a broken version"])
async def test_an_operator_that_is_killed_again_and_again_ends_where_an_undisturbed_one_does(
    world: World, another_world: World, share_failing: float
) -> None:
    async def live(place: World, *, is_killed: bool) -> None:
        place.prometheus.failing = {"2": share_failing}
        await place.serve_first(a_model_deployment(version="1"))
        await place.apply(a_model_deployment(version="2"))
        for _ in range(6):
            if is_killed:
                await asyncio.sleep(0)  # whatever it is doing now
                await place.restart_operator()
            await place.pass_interval()
        await place.settle()

    await live(world, is_killed=False)
    await live(another_world, is_killed=True)

    assert find_differences(take_end_state(world), take_end_state(another_world)) == []
