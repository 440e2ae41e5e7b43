"""A good version: tried beside a baseline, promoted by the evidence, served by the same pods."""

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def test_the_first_version_becomes_stable_directly(world: World) -> None:
    weather = await world.serve_first(a_model_deployment(version="1"))

    rollout = world.rollout("weather-1")
    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Promoted", "FirstRevision")
    assert weather["status"]["stable"]["version"] == "1"
    assert world.condition(weather, "Ready") == ("True", "Serving")


async def test_a_changed_version_is_tried_beside_a_baseline_and_promoted(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await world.begin_comparison(a_model_deployment(version="2"), "weather-2")
    judged = world.uids("2")
    await world.let_traffic_decide("weather-2")
    assert judged <= world.uids("2")
    assert world.phase("weather-2") == "Promoted"
