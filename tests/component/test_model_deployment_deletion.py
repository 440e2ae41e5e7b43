"""A ModelDeployment that is deleted takes everything with it, whatever was going on."""

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.held_phases import HELD_PHASES, hold
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def delete_and_wait(world: World) -> None:
    await world.user.delete("ModelDeployment", "weather", propagationPolicy="Background")
    await world.until("nothing is left", lambda: not world.history.objects)


async def test_everything_that_was_made_is_collected(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))

    await delete_and_wait(world)


@pytest.mark.parametrize("phase", HELD_PHASES)
async def test_everything_is_collected_in_every_phase_of_a_rollout(world: World, phase: str) -> None:
    await hold(world, phase)

    await delete_and_wait(world)


async def test_everything_is_collected_while_the_operator_is_away(world: World) -> None:
    await hold(world, "Analyzing")
    world.operator.kill()

    await delete_and_wait(world)
    world.operator.start()


async def test_a_model_deployment_of_the_same_name_starts_from_nothing(world: World) -> None:
    await hold(world, "Analyzing")
    await delete_and_wait(world)

    weather = await world.serve_first(a_model_deployment(version="7"))

    assert (weather["status"]["attempts"], weather["status"]["stable"]["version"]) == (1, "7")
    assert "previous" not in weather["status"]


async def test_one_that_is_made_anew_at_once_gets_children_of_its_own(world: World) -> None:
    before = await world.serve_first(a_model_deployment(version="1"))

    await world.user.delete("ModelDeployment", "weather", propagationPolicy="Background")
    await world.apply(a_model_deployment(version="1"))

    def has_its_own() -> bool:
        owners = {
            found["metadata"]["ownerReferences"][0]["uid"]
            for kind in ("Deployment", "Service", "ControllerRevision", "Rollout")
            for found in world.history.all(kind)
        }
        uid = (world.history.get("ModelDeployment", "weather") or before)["metadata"]["uid"]
        return owners == {uid} != {before["metadata"]["uid"]} and len(world.serving_pods()) == 2

    await world.until("all children are the new one's and serve", has_its_own)
