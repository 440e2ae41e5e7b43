"""Strategy Shadow: users get stable's answers alone until the new version is promoted."""

import pytest
from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.oracles import check_stays
from serin_testkit.world import World

pytestmark = pytest.mark.component


def a_shadowed(version: str, provider: str = "Router", **shadow: object) -> Manifest:
    manifest = a_model_deployment(version=version).with_spec(traffic={"provider": provider})
    return manifest.with_plan(strategy="Shadow", shadow=shadow)


async def begin_shadow(world: World) -> None:
    await world.serve_first(a_shadowed("1"))
    await world.settle()
    await world.begin_comparison(a_shadowed("2"), "weather-2")


async def test_answers_that_agree_promote_and_nothing_of_the_shadow_stays(world: World) -> None:
    await begin_shadow(world)
    comparer = f"{world.revision('2')}-comparer"
    assert world.routers.mirror("weather") == comparer
    assert world.routers.weights("weather") == {world.revision("1"): 100.0}
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == world.uids("1")

    rollout = await world.let_traffic_decide("weather-2")

    assert rollout["status"]["phase"] == "Promoted"
    (agreement,) = [metric["agreement"] for metric in rollout["status"]["metrics"] if metric["name"] == "agreement"]
    assert agreement["agreed"] == agreement["compared"] > 0
    await world.settle()
    assert world.history.get("Deployment", comparer) is None
    assert world.history.get("Service", comparer) is None
    assert world.routers.mirror("weather") is None
    await check_stays(world)


async def test_answers_that_differ_reject_and_users_never_left_stable(world: World) -> None:
    world.prometheus.disagreeing = {"2": 0.1}
    await begin_shadow(world)
    stable = world.uids("1")

    rollout = await world.let_traffic_decide("weather-2")

    assert rollout["status"]["phase"] == "Rejected"
    assert "in type" in rollout["status"]["message"]
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == stable


async def test_an_operator_that_was_away_goes_on_with_the_same_numbers(world: World) -> None:
    await begin_shadow(world)
    await world.pass_interval()
    before = world.rollout("weather-2")["status"]["engine"]["agreement"]
    await world.restart_operator()
    await world.settle()

    assert world.rollout("weather-2")["status"]["engine"]["agreement"] == before
    assert (await world.let_traffic_decide("weather-2"))["status"]["phase"] == "Promoted"


async def test_without_a_provider_that_copies_it_waits_and_says_so(world: World) -> None:
    await world.serve_first(a_shadowed("1", "Replicas"))
    await world.apply(a_shadowed("2", "Replicas"))
    await world.settle()

    rollout = world.rollout("weather-2")
    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Pending", "CannotMirror")
    assert world.condition(rollout, "Stalled") == ("True", "CannotMirror")
    assert world.pods("2") == []

    await world.apply(a_shadowed("2", "Router"))
    await world.until_compared("weather-2")
