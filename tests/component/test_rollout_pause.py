"""A pause keeps the weights and stops the clock of an attempt, in every phase and over a restart."""

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.held_phases import HELD_PHASES, ROLLOUT, hold, let_go
from serin_testkit.world import World

pytestmark = pytest.mark.component

OBJECTS = [("Rollout", ROLLOUT), ("ModelDeployment", "weather")]


@pytest.mark.parametrize("phase", HELD_PHASES)
@pytest.mark.parametrize(("kind", "name"), OBJECTS, ids=["the rollout", "the model deployment"])
async def test_what_is_paused_stays_as_it_is_and_goes_on_afterwards(
    world: World, phase: str, kind: str, name: str
) -> None:
    await hold(world, phase)
    weights = world.rollout(ROLLOUT)["status"]["weights"]

    await world.pause(kind, name)
    await world.settle()
    await world.restart_operator()
    let_go(world)
    for _ in range(5):
        await world.pass_interval(seconds=60)  # together longer than the deadline and the analysis would take

    paused = world.rollout(ROLLOUT)
    assert (paused["status"]["phase"], paused["status"]["weights"]["nominal"]) == (phase, weights["nominal"])
    assert world.condition(paused, "Paused") == ("True", "Paused")

    await world.pause(kind, name, paused=False)
    assert (await world.let_traffic_decide(ROLLOUT))["status"]["phase"] == "Promoted"


async def test_the_deadline_does_not_run_during_a_pause(world: World) -> None:
    await hold(world, "Preparing")
    world.clock.jump(100)
    await world.pause("Rollout", ROLLOUT)
    await world.settle()
    world.clock.jump(1000)
    await world.settle()

    await world.pause("Rollout", ROLLOUT, paused=False)
    await world.settle()
    assert world.phase(ROLLOUT) == "Preparing"
    world.clock.jump(21)

    rollout = await world.until_phase(ROLLOUT, "Failed")
    assert rollout["status"]["stages"][0]["heldSeconds"] == 1000


async def test_what_users_see_during_a_pause_is_not_judged(world: World) -> None:
    await hold(world, "Analyzing")
    await world.pass_interval()
    await world.pause("Rollout", ROLLOUT)
    await world.settle()

    world.prometheus.failing = {"2": 1.0}
    for _ in range(5):
        await world.pass_interval()
    world.prometheus.failing = {}
    await world.pause("Rollout", ROLLOUT, paused=False)

    assert (await world.let_traffic_decide(ROLLOUT))["status"]["phase"] == "Promoted"


async def test_a_paused_model_deployment_starts_no_attempt_until_it_goes_on(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))

    await world.apply(a_model_deployment(version="2").with_spec(paused=True))
    await world.until_told("weather", "Paused")
    assert world.history.get("Rollout", ROLLOUT) is None

    await world.apply(a_model_deployment(version="2").with_spec(paused=False))
    await world.until_compared(ROLLOUT)


async def test_a_superseding_spec_goes_over_a_paused_rollout(world: World) -> None:
    await hold(world, "Analyzing")
    await world.pause("Rollout", ROLLOUT)
    await world.settle()

    await world.begin_comparison(a_model_deployment(version="3"), "weather-3")

    assert world.phase(ROLLOUT) == "Superseded"
