"""Provider Router: its children, its weights, and users who are served whatever becomes of the routers."""

import pytest
from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.kubelet import Ready, Starting, Waiting
from serin_testkit.oracles import check_stays
from serin_testkit.world import World

pytestmark = pytest.mark.component

ROUTER = "weather-router"


def a_routed(version: str, **traffic: object) -> Manifest:
    return a_model_deployment(version=version).with_spec(traffic={"provider": "Router", **traffic})


def leads_to_routers(world: World) -> bool:
    service = world.history.get("Service", "weather") or {"spec": {}}
    return "serin.dev/component" in service["spec"].get("selector", {})


async def serve_through_routers(world: World, version: str = "1") -> None:
    await world.serve_first(a_routed(version))
    await world.until("the user Service leads to the routers", lambda: leads_to_routers(world))
    await world.settle()


async def test_routers_stand_before_the_pods_as_soon_as_they_are_ready(world: World) -> None:
    world.kubelet.let(Starting(), track="router")
    await world.serve_first(a_routed("1"))
    assert not leads_to_routers(world), "users do not wait for a router"

    world.kubelet.let(Ready(), track="router")
    await world.until("the user Service leads to the routers", lambda: leads_to_routers(world))

    assert world.routers.weights("weather") == {world.revision("1"): 100.0}
    deployment = world.history.get("Deployment", ROUTER)
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 2
    await check_stays(world)


async def test_a_good_version_is_promoted_with_weights_that_every_router_has_confirmed(world: World) -> None:
    await serve_through_routers(world)
    rollout = await world.begin_comparison(a_routed("2"), "weather-2")
    assert world.condition(rollout, "TrafficConverged") == ("True", "Converged")
    assert len(world.routers.weights("weather")) == 3

    rollout = await world.let_traffic_decide("weather-2")

    assert rollout["status"]["phase"] == "Promoted"
    await world.settle()
    assert world.routers.weights("weather") == {world.revision("2"): 100.0}
    services = {found["metadata"]["name"] for found in world.history.all("Service")}
    assert services == {"weather", world.revision("2")}, "nothing is left of the others"
    await check_stays(world)


async def test_a_bad_version_is_rejected_and_loses_its_weight(world: World) -> None:
    await serve_through_routers(world)
    world.prometheus.failing = {"2": 0.5}
    await world.begin_comparison(a_routed("2"), "weather-2")

    rollout = await world.let_traffic_decide("weather-2")

    assert rollout["status"]["phase"] == "Rejected"
    await world.settle()
    assert world.routers.weights("weather") == {world.revision("1"): 100.0}


async def test_nothing_is_compared_before_every_router_has_the_weights(world: World) -> None:
    await serve_through_routers(world)
    world.routers.is_stuck = True
    await world.apply(a_routed("2"))
    rollout = await world.until_phase("weather-2", "Analyzing")
    assert world.condition(rollout, "TrafficConverged") == ("False", "Waiting")
    assert not rollout["status"].get("engine")
    world.clock.jump(10)
    await world.until(
        "the status says who lags",
        lambda: "has not got the present weights yet" in world.rollout("weather-2")["status"]["message"],
    )

    world.routers.is_stuck = False
    world.clock.jump(10)
    await world.until_compared("weather-2")


async def test_what_somebody_changes_or_deletes_is_put_right(world: World) -> None:
    await serve_through_routers(world)
    before = world.routers.weights("weather")
    await world.user.patch("ConfigMap", ROUTER, {"data": {"routes.json": "{}"}})
    await world.user.patch("Deployment", ROUTER, {"spec": {"replicas": 0}})
    world.users_may_be_hurt("somebody takes the routers away")
    await world.user.delete("PodDisruptionBudget", ROUTER)
    await world.user.delete("Service", world.revision("1"))
    await world.until(
        "all is as it was",
        lambda: (
            world.history.get("PodDisruptionBudget", ROUTER)
            and world.history.get("Service", world.revision("1"))
            and (world.history.get("Deployment", ROUTER) or {})["spec"]["replicas"] == 2
            and "users" in (world.history.get("ConfigMap", ROUTER) or {})["data"]["routes.json"]
        ),
    )
    assert world.routers.weights("weather") == before


async def test_users_are_led_past_routers_that_are_all_gone_and_back_when_they_return(world: World) -> None:
    await serve_through_routers(world)
    world.users_may_be_hurt("no router is ready for a moment")
    world.kubelet.let(Starting(), track="router")
    await world.until("users get to the pods directly", lambda: not leads_to_routers(world))
    assert len(world.serving_pods()) == 2

    world.kubelet.let(Ready(), track="router")
    await world.until("the user Service leads to the routers", lambda: leads_to_routers(world))


async def test_going_over_to_another_provider_and_back_leaves_nothing_and_serves_always(world: World) -> None:
    await serve_through_routers(world)
    await world.apply(a_model_deployment(version="1").with_spec(traffic={"provider": "Replicas"}))
    await world.until("the router is gone", lambda: world.history.get("Deployment", ROUTER) is None)
    await world.settle()
    assert world.history.get("ConfigMap", ROUTER) is None
    assert not leads_to_routers(world)

    await world.apply(a_routed("1"))
    await world.until("the user Service leads to the routers", lambda: leads_to_routers(world))
    await world.settle()
    assert world.phase("weather-2") is None, "traffic is no part of a revision"


async def test_a_router_that_cannot_be_asked_takes_no_users(world: World) -> None:
    world.routers.is_silent = True
    await world.serve_first(a_routed("1"))
    await world.settle()

    assert not leads_to_routers(world)
    assert len(world.serving_pods()) == 2


async def test_a_restarted_operator_writes_nothing(world: World) -> None:
    await serve_through_routers(world)
    written = len(world.operator.writes)
    await world.restart_operator()
    await world.settle()

    assert world.operator.writes[written:] == []


BYPASS = {"idle": "Bypass"}


def is_there(world: World) -> bool:
    return world.history.get("Deployment", ROUTER) is not None


def is_gone(world: World) -> bool:
    """Nothing is left but the user Service, and that leads to the pods."""
    services = {found["metadata"]["name"] for found in world.history.all("Service")}
    objects = (world.history.get(kind, ROUTER) for kind in ("Deployment", "ConfigMap", "PodDisruptionBudget"))
    return services == {"weather"} and not any(objects) and not leads_to_routers(world)


async def test_with_bypass_routers_stand_before_the_pods_only_while_something_is_on_trial(world: World) -> None:
    await world.serve_first(a_routed("1", router=BYPASS))
    assert is_gone(world)
    assert not is_there(world)

    rollout = await world.begin_comparison(a_routed("2", router=BYPASS), "weather-2")
    assert leads_to_routers(world)
    assert world.condition(rollout, "TrafficConverged") == ("True", "Converged")

    rollout = await world.let_traffic_decide("weather-2")
    assert rollout["status"]["phase"] == "Promoted"
    await world.until("nothing is left of the router", lambda: is_gone(world))
    assert {pod["metadata"]["labels"]["serin.dev/revision"] for pod in world.serving_pods()} == {world.revision("2")}
    await check_stays(world)


async def test_with_bypass_users_stay_at_the_routers_until_these_send_nobody_to_the_rejected_version(
    world: World,
) -> None:
    await world.serve_first(a_routed("1", router=BYPASS))
    world.prometheus.failing = {"2": 0.5}
    await world.begin_comparison(a_routed("2", router=BYPASS), "weather-2")
    world.routers.is_stuck = True
    rollout = await world.let_traffic_decide("weather-2")
    assert rollout["status"]["phase"] == "Rejected"
    assert leads_to_routers(world)
    assert is_there(world)

    world.routers.is_stuck = False
    world.clock.jump(10)
    await world.until("nothing is left of the router", lambda: is_gone(world))
    await check_stays(world)


async def test_going_over_to_bypass_and_back_serves_always(world: World) -> None:
    await serve_through_routers(world)
    await world.apply(a_routed("1", router=BYPASS))
    await world.until("nothing is left of the router", lambda: is_gone(world))

    await world.apply(a_routed("1"))
    await world.until("the user Service leads to the routers", lambda: leads_to_routers(world))
    await world.settle()
    assert world.phase("weather-2") is None


async def test_while_no_pod_is_ready_nobody_asks_again_and_again(world: World) -> None:
    world.kubelet.let(Starting())
    await world.apply(a_routed("1", router=BYPASS))
    await world.settle()
    await check_stays(world)


async def test_a_rollout_that_waits_for_routers_says_what_keeps_them(world: World) -> None:
    world.kubelet.let(Waiting("ErrImagePull", "manifest unknown"), track="router")
    await world.serve_first(a_routed("1"))
    await world.apply(a_routed("2"))
    rollout = await world.until_phase("weather-2", "Analyzing")

    assert f"router {ROUTER}-" in rollout["status"]["message"]
    assert "manifest unknown" in rollout["status"]["message"]
    assert not leads_to_routers(world)


async def test_who_says_nothing_of_traffic_gets_routers(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1").with_spec(traffic=None))
    await world.until("the user Service leads to the routers", lambda: leads_to_routers(world))


async def test_users_are_led_past_routers_that_are_gone_even_while_everything_is_paused(world: World) -> None:
    await serve_through_routers(world)
    await world.apply(a_routed("1").with_spec(paused=True))
    await world.until_told("weather", "Paused")
    world.users_may_be_hurt("no router is ready for a moment")
    world.kubelet.let(Starting(), track="router")

    await world.until("users get to the pods directly", lambda: not leads_to_routers(world))
    assert len(world.serving_pods()) == 2
