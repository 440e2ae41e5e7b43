"""In every phase of every strategy: decisions, pauses, a spec that moves on, retries, a killed operator."""

import pytest
from serin_testkit.builders import a_model_deployment, a_rollout
from serin_testkit.held_phases import ROLLOUT
from serin_testkit.held_strategies import HELD, hold, let_it_end, let_it_go
from serin_testkit.world import World

pytestmark = pytest.mark.component

in_every_phase = pytest.mark.parametrize(("strategy", "phase"), HELD)


async def serves_whole(world: World, version: str) -> None:
    """Two ready pods of this version, and no other pod."""
    await world.settle()
    # The controllers of Kubernetes may pause for longer than it takes to call everything settled.
    await world.until("there are two pods", lambda: len(world.pods()) == 2)
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == world.uids(version)
    assert len(world.serving_pods()) == 2
    assert world.model_deployment()["status"]["stable"]["version"] == version
    assert world.condition(world.model_deployment(), "Available") == ("True", "Serving")


@in_every_phase
async def test_promote_is_followed(world: World, strategy: str, phase: str) -> None:
    await hold(world, strategy, phase)

    await world.decide(ROLLOUT, "Promote")
    await world.settle()
    rollout = await let_it_end(world)

    assert rollout["status"]["decidedBy"] == {"how": "Operator" if phase == "Promoting" else "Person"}
    await serves_whole(world, "2")


@in_every_phase
async def test_reject_brings_the_old_version_back(world: World, strategy: str, phase: str) -> None:
    await hold(world, strategy, phase)

    await world.decide(ROLLOUT, "Reject")
    rollout = await world.until_phase(ROLLOUT, "RolledBack" if phase == "Baking" else "Rejected")
    await world.resync()

    assert rollout["status"]["decidedBy"] == {"how": "Person"}
    await serves_whole(world, "1")
    assert world.history.get("Rollout", "weather-3") is None


@pytest.mark.parametrize(
    ("strategy", "phase"), [("BlueGreen", "Baking"), ("RollingUpdate", "Promoting"), ("Recreate", "Preparing")]
)
async def test_a_version_that_was_aborted_can_be_tried_again_by_hand(world: World, strategy: str, phase: str) -> None:
    await hold(world, strategy, phase)
    await world.decide(ROLLOUT, "Abort")
    await world.until_phase(ROLLOUT, "Aborted")
    await serves_whole(world, "1")
    let_it_go(world)

    await world.user.create(a_rollout("again").with_spec(decision="Promote"))
    await world.until_phase("again", "Promoted", "Baking")
    if world.phase("again") == "Baking":
        world.clock.jump(601)
    await world.until_phase("again", "Promoted")

    await serves_whole(world, "2")


@in_every_phase
async def test_a_paused_attempt_keeps_its_pods_and_weights_over_a_restart(
    world: World, strategy: str, phase: str
) -> None:
    await hold(world, strategy, phase)
    await world.pause("Rollout", ROLLOUT)
    await world.settle()
    before = world.rollout(ROLLOUT)["status"]["weights"]["nominal"], world.replicas("1"), world.replicas("2")

    await world.restart_operator()
    let_it_go(world)
    world.clock.jump(700)
    await world.settle()

    assert world.phase(ROLLOUT) == phase
    assert before == (
        world.rollout(ROLLOUT)["status"]["weights"]["nominal"],
        world.replicas("1"),
        world.replicas("2"),
    )
    await world.pause("Rollout", ROLLOUT, paused=False)
    await let_it_end(world)
    await serves_whole(world, "2")


@in_every_phase
async def test_a_newer_version_takes_over(world: World, strategy: str, phase: str) -> None:
    await hold(world, strategy, phase)

    await world.apply(a_model_deployment(version="3").with_strategy(strategy))
    if strategy == "BlueGreen":
        await world.until_phase("weather-3", "Baking")
        world.clock.jump(601)
    await world.until_phase("weather-3", "Promoted")

    assert world.phase(ROLLOUT) == "Superseded"
    await serves_whole(world, "3")


@in_every_phase
async def test_going_back_to_the_old_spec_brings_the_old_version_back(world: World, strategy: str, phase: str) -> None:
    await hold(world, strategy, phase)

    await world.apply(a_model_deployment(version="1").with_strategy(strategy))
    rollout = await world.until_phase(ROLLOUT, "Aborted")

    assert rollout["status"]["reason"] == "SpecReverted"
    await serves_whole(world, "1")
    assert world.history.get("Rollout", "weather-3") is None


@in_every_phase
async def test_an_operator_that_is_killed_goes_on_where_it_was(world: World, strategy: str, phase: str) -> None:
    await hold(world, strategy, phase)

    await world.restart_operator()
    rollout = await let_it_end(world)

    assert rollout["status"]["decidedBy"] == {"how": "Operator"}
    await serves_whole(world, "2")
