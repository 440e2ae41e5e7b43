"""Preset Router: a server that tells nothing of itself is promoted and rejected by what its routers count."""

import pytest
from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.world import World

pytestmark = pytest.mark.component


def a_silent_server(version: str) -> Manifest:
    return (
        a_model_deployment(version=version)
        .with_spec(traffic={"provider": "Router"})
        .with_server(image="somebodys", metrics={"preset": "Router"})
    )


async def begin(world: World) -> None:
    await world.serve_first(a_silent_server("1"))
    await world.until("two routers are ready", lambda: len(world.router_pods()) == 2)
    await world.settle()


async def test_a_good_version_is_promoted_by_what_the_routers_count(world: World) -> None:
    await begin(world)
    await world.begin_comparison(a_silent_server("2"), "weather-2")
    rollout = await world.let_traffic_decide("weather-2")

    assert rollout["status"]["phase"] == "Promoted"
    asked = {router for request in world.prometheus.asked for question in request.questions for router in question.pods}
    assert asked == {pod["metadata"]["name"] for pod in world.router_pods()}
    (metric,) = rollout["status"]["metrics"]
    assert metric["canary"]["requests"] == metric["baseline"]["requests"] > 0


async def test_a_bad_version_is_rejected_by_what_the_routers_count(world: World) -> None:
    await begin(world)
    world.prometheus.failing = {"2": 0.5}
    await world.begin_comparison(a_silent_server("2"), "weather-2")

    assert (await world.let_traffic_decide("weather-2"))["status"]["phase"] == "Rejected"


async def test_a_router_that_is_deleted_in_the_middle_changes_nothing(world: World) -> None:
    await begin(world)
    await world.begin_comparison(a_silent_server("2").with_plan(analysis={"minDuration": "1m"}), "weather-2")
    await world.pass_interval()
    await world.pass_interval()
    gone = world.router_pods()[0]["metadata"]["name"]
    await world.user.delete("Pod", gone)
    await world.until(
        "another one is ready",
        lambda: len(world.router_pods()) == 2 and gone not in {p["metadata"]["name"] for p in world.router_pods()},
    )
    rollout = await world.let_traffic_decide("weather-2")

    assert rollout["status"]["phase"] == "Promoted"
    (metric,) = rollout["status"]["metrics"]
    assert metric["canary"] == metric["baseline"]
    assert metric["canary"]["requests"] == 6 * world.prometheus.requests, "every interval of the minute, and once"
