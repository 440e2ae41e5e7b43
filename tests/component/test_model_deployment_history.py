"""What is kept of the past, and that the past does not change the present."""

import pytest
from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.oracles import take_serving_state
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def promote(world: World, manifest: Manifest, rollout: str) -> None:
    await world.begin_comparison(manifest, rollout)
    await world.let_traffic_decide(rollout)
    assert world.phase(rollout) == "Promoted"
    await world.until_told("weather", "Healthy")


async def test_going_to_another_version_and_back_ends_where_it_began(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    before = take_serving_state(world)
    deployment = world.history.objects["Deployment", world.revision("1")]["metadata"]["uid"]

    await promote(world, a_model_deployment(version="2"), "weather-2")
    await promote(world, a_model_deployment(version="1"), "weather-3")

    assert take_serving_state(world) == before
    assert world.history.objects["Deployment", world.revision("1")]["metadata"]["uid"] == deployment


async def test_a_rejected_version_leaves_no_trace_in_what_serves(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    before = take_serving_state(world)
    world.prometheus.failing = {"2": 0.9}
    await world.begin_comparison(a_model_deployment(version="2"), "weather-2")
    await world.let_traffic_decide("weather-2")

    await world.apply(a_model_deployment(version="1"))
    await world.until_told("weather", "Healthy")

    assert take_serving_state(world) == before


async def test_no_more_than_the_history_limit_is_kept(world: World) -> None:
    def version(number: int) -> Manifest:
        return a_model_deployment(version=str(number)).with_spec(historyLimit=1)

    await world.serve_first(version(1))
    for number in (2, 3, 4):
        await promote(world, version(number), f"weather-{number}")
    await world.settle()

    assert [found["metadata"]["name"] for found in world.history.all("Rollout")] == ["weather-4"]
    kept = {found["data"]["content"]["model"]["version"] for found in world.history.all("ControllerRevision")}
    assert kept == {"2", "3", "4"}  # stable, the one before, and one more
    assert len(list(world.history.all("Deployment"))) == 3


async def test_a_version_that_history_has_forgotten_can_be_wanted_again(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1").with_spec(historyLimit=0))

    for version in ("2", "3", "1"):
        await world.apply(a_model_deployment(version=version).with_spec(historyLimit=0))
        while world.model_deployment()["status"]["stable"]["version"] != version:
            await world.pass_interval()

    assert len(world.serving_pods()) == 2
    assert list(world.history.all("Rollout")) == []
