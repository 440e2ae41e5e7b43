"""A person or a pipeline opens the gates of a plan, with the very command that the status tells."""

import asyncio
import shlex

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.cluster_user import Json, RefusedError
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def do_as_told(world: World, message: str) -> None:
    """The command at the end of the message, as it stands there."""
    _, *arguments = shlex.split(message[message.index("kubectl patch") :])
    exit_code, output = await world.user.kubectl(*arguments)
    assert exit_code == 0, output


async def approve(world: World, *gates: str) -> Json:
    return await world.user.patch("Rollout", "weather-2", {"spec": {"approvals": list(gates)}})


async def test_both_gates_are_opened_by_the_commands_of_the_status(world: World) -> None:
    plan = {"approval": ["BeforeTraffic", "BeforePromotion"]}
    await world.serve_first(a_model_deployment("1").with_plan(**plan))
    stable = world.uids("1")
    await world.apply(a_model_deployment("2").with_plan(**plan))

    rollout = await world.until_phase("weather-2", "AwaitingApproval")
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == stable
    await do_as_told(world, rollout["status"]["message"])
    await world.until_compared("weather-2")
    while world.phase("weather-2") != "AwaitingApproval":
        await world.pass_interval()
    rollout = world.rollout("weather-2")
    assert world.condition(rollout, "Reconciling") == ("True", "AwaitingApproval")
    await do_as_told(world, rollout["status"]["message"])

    rollout = await world.until_phase("weather-2", "Promoted")
    assert rollout["spec"]["approvals"] == ["BeforeTraffic", "BeforePromotion"]


async def test_an_approval_may_come_early_and_twice_and_cannot_be_taken_back(world: World) -> None:
    plan = {"approval": ["BeforeTraffic"]}
    await world.serve_first(a_model_deployment("1").with_plan(**plan))
    await world.apply(a_model_deployment("2").with_plan(**plan))
    await world.until_phase("weather-2", "AwaitingApproval")

    await approve(world, "BeforePromotion")
    await approve(world, "BeforePromotion", "BeforeTraffic")
    await approve(world, "BeforePromotion", "BeforeTraffic")
    with pytest.raises(RefusedError, match="approvals only grow"):
        await approve(world, "BeforePromotion")

    assert (await world.let_traffic_decide("weather-2"))["status"]["phase"] == "Promoted"


async def test_an_operator_that_was_away_finds_the_approval(world: World) -> None:
    plan = {"approval": ["BeforeTraffic"]}
    await world.serve_first(a_model_deployment("1").with_plan(**plan))
    await world.apply(a_model_deployment("2").with_plan(**plan))
    await world.until_phase("weather-2", "AwaitingApproval")

    await asyncio.to_thread(world.operator.kill)
    await approve(world, "BeforeTraffic")
    world.operator.start()

    assert (await world.let_traffic_decide("weather-2"))["status"]["phase"] == "Promoted"
