"""Routers that the models of a namespace share: who owns them, who has which port, and what one model is to another."""

import asyncio
from collections.abc import Mapping

import pytest
from serin.adapters.traffic import shared_router
from serin.adapters.traffic.router_config import DRAIN_SECONDS
from serin.core.model_deployment.names import SHARED_ROUTER
from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.cluster_user import Json
from serin_testkit.kubelet import Ready, Starting
from serin_testkit.oracles import check_stays
from serin_testkit.world import World

pytestmark = pytest.mark.component

SHARED: Mapping[str, str] = {"serin.dev/model-deployment": "", "serin.dev/component": "router"}


def a_model(name: str, version: str = "1", **router: object) -> Manifest:
    settings = {"scope": "Namespace", **router}
    manifest = a_model_deployment(version=version, name=name).with_spec(
        traffic={"provider": "Router", "router": settings}
    )
    manifest["spec"]["replicas"] = 1
    return manifest


def is_led_there(world: World, name: str) -> bool:
    """The user Service leads to the shared routers, at the port of this model."""
    service = world.history.get("Service", name) or {"spec": {}}
    if service["spec"].get("selector") != SHARED:
        return False
    targets: set[object] = {port["targetPort"] for port in service["spec"]["ports"]}
    return targets == {world.routers.ports().get(name)}


async def until_led_there(world: World, *names: str) -> None:
    def are_led() -> bool:
        return all(is_led_there(world, name) for name in names)

    await world.until(f"{', '.join(names)} are behind the routers", are_led)


async def until_gone(world: World, *kinds: str) -> None:
    def are_gone() -> bool:
        return not any(world.history.get(kind, SHARED_ROUTER) for kind in kinds)

    await world.until(f"{', '.join(kinds)} of the routers are gone", are_gone)


async def serve(world: World, *manifests: Manifest) -> None:
    """All of them are applied at once."""
    await asyncio.gather(*(world.apply(manifest) for manifest in manifests))
    await until_led_there(world, *(manifest["metadata"]["name"] for manifest in manifests))
    await world.settle()


def owners(world: World, kind: str) -> set[str]:
    found = world.history.get(kind, SHARED_ROUTER)
    return {reference["name"] for reference in found["metadata"]["ownerReferences"]} if found else set()


def shared(world: World, kind: str = "Deployment") -> Json:
    found = world.history.get(kind, SHARED_ROUTER)
    assert found is not None, f"there is no {kind} of the namespace"
    return found


async def test_two_models_share_two_routers_that_both_own(world: World) -> None:
    await serve(world, a_model("weather"), a_model("rain"))

    assert [pod["metadata"]["labels"] for pod in world.router_pods()] == [
        {**SHARED, "pod-template-hash": pod["metadata"]["labels"]["pod-template-hash"]} for pod in world.router_pods()
    ]
    assert len(world.router_pods()) == 2
    for kind in ("Deployment", "ConfigMap", "PodDisruptionBudget"):
        assert owners(world, kind) == {"weather", "rain"}
    assert len(set(world.routers.ports().values())) == 2
    assert world.history.get("Deployment", "weather-router") is None
    assert world.routers.weights("rain") == {world.revision("1", "rain"): 100.0}
    await check_stays(world)


async def test_many_made_at_once_all_get_ports_of_their_own_and_roll_no_router(world: World) -> None:
    await serve(world, a_model("first"))
    template, ports = shared(world)["spec"]["template"], world.routers.ports()
    names = [f"model-{number}" for number in range(8)]

    await serve(world, *(a_model(name) for name in names))

    after = world.routers.ports()
    assert set(after) == {"first", *names}
    assert len(set(after.values())) == 9
    assert after["first"] == ports["first"]
    assert shared(world)["spec"]["template"] == template
    assert len([seen for seen in world.history.seen() if seen.change == "ADDED" and _is_router(seen.object)]) == 2
    assert owners(world, "Deployment") == {"first", *names}


def _is_router(found: Json) -> bool:
    return bool(found["kind"] == "Pod" and SHARED.items() <= found["metadata"]["labels"].items())


async def test_one_is_promoted_and_one_rejected_while_the_third_is_left_alone(world: World) -> None:
    await serve(world, a_model("weather"), a_model("rain"), a_model("wind"))
    since = len(world.history.seen())
    world.prometheus.failing = {"3": 0.5}
    await world.apply(a_model("rain", "3"))
    await world.begin_comparison(a_model("weather", "2"), "weather-2")
    await world.until_compared("rain-2")
    assert len(world.routers.weights("weather")) == len(world.routers.weights("rain")) == 3
    assert world.condition(world.rollout("rain-2"), "TrafficConverged") == ("True", "Converged")

    promoted = await world.let_traffic_decide("weather-2")
    rejected = await world.let_traffic_decide("rain-2")
    await world.settle()

    assert (promoted["status"]["phase"], rejected["status"]["phase"]) == ("Promoted", "Rejected")
    assert world.routers.weights("weather") == {world.revision("2", "weather"): 100.0}
    assert world.routers.weights("rain") == {world.revision("1", "rain"): 100.0}
    touched = {seen.place for seen in world.history.seen(since) if seen.place[1].startswith("wind")}
    assert touched <= {("ModelDeployment", "wind")}, "nothing of the third is written"
    await check_stays(world)


async def test_a_model_whose_routers_lag_waits_and_another_does_not(world: World) -> None:
    await serve(world, a_model("weather"), a_model("rain"))
    world.routers.is_stuck = True
    await world.apply(a_model("weather", "2"))
    rollout = await world.until_phase("weather-2", "Analyzing")

    assert world.condition(rollout, "TrafficConverged") == ("False", "Waiting")
    assert not rollout["status"].get("engine")
    assert world.model_deployment("rain")["status"]["phase"] == "Healthy"
    assert is_led_there(world, "rain")
    world.routers.is_stuck = False
    world.clock.jump(10)
    await world.until_compared("weather-2")


async def test_a_model_that_is_deleted_takes_its_listener_along_and_the_last_one_the_routers(world: World) -> None:
    await serve(world, a_model("weather"), a_model("rain"))
    port, pods = world.routers.ports()["rain"], {pod["metadata"]["uid"] for pod in world.router_pods()}

    await world.user.delete("ModelDeployment", "weather")
    await world.until("its listener is gone", lambda: set(world.routers.ports()) == {"rain"})
    await world.until("it owns nothing any more", lambda: owners(world, "Deployment") == {"rain"})
    await world.settle()
    assert "weather" not in str(shared(world, "ConfigMap")["data"])
    assert world.routers.ports() == {"rain": port}
    assert {pod["metadata"]["uid"] for pod in world.router_pods()} == pods
    await check_stays(world)

    await world.user.delete("ModelDeployment", "rain")
    await until_gone(world, "Deployment", "ConfigMap", "PodDisruptionBudget")


async def test_a_model_goes_to_the_routers_of_its_namespace_and_back_and_is_served_always(world: World) -> None:
    await serve(world, a_model("rain"))
    await world.serve_first(a_model("weather", scope="Model"))
    await world.until("it has routers", lambda: leads_to_own(world))
    pods = world.uids("1")

    await serve(world, a_model("weather"))
    await world.until("its own are gone", lambda: world.history.get("ConfigMap", "weather-router") is None)

    await world.apply(a_model("weather", scope="Model"))
    await world.until("it has routers", lambda: leads_to_own(world))
    await world.settle()
    assert "weather" in world.routers.ports(), "who does not know yet that it has moved is still served"
    world.clock.jump(DRAIN_SECONDS)
    await world.until("its listener is gone", lambda: set(world.routers.ports()) == {"rain"})
    await world.settle()
    assert is_led_there(world, "rain")
    assert world.uids("1") == pods
    assert world.phase("weather-2") is None
    await check_stays(world)


def leads_to_own(world: World) -> bool:
    service = world.history.get("Service", "weather") or {"spec": {}}
    wanted = {"serin.dev/model-deployment": "weather", "serin.dev/component": "router"}
    return bool(service["spec"].get("selector") == wanted)


async def test_the_routers_go_when_the_last_model_has_gone_elsewhere(world: World) -> None:
    await serve(world, a_model("weather"))
    await world.apply(a_model_deployment(version="1").with_replicas(1))
    await world.until("users are at the pods", lambda: not is_led_there(world, "weather"))
    await world.settle()
    assert shared(world)

    world.clock.jump(DRAIN_SECONDS)
    await world.until("the routers are gone", lambda: world.history.get("ConfigMap", SHARED_ROUTER) is None)
    await world.settle()
    assert {found["metadata"]["name"] for found in world.history.all("Service")} == {"weather"}
    assert list(world.history.all("ConfigMap")) == []
    await check_stays(world)


async def test_the_routers_have_the_most_that_one_of_their_models_asks_for(world: World) -> None:
    small = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
    large = {"requests": {"cpu": "10m", "memory": "1Gi"}, "limits": {"memory": "2Gi", "cpu": "1"}}
    await serve(world, a_model("weather", resources=small))
    await serve(world, a_model("rain", replicas=3, resources=large))

    def settings() -> tuple[int, Json]:
        spec = shared(world)["spec"]
        return spec["replicas"], spec["template"]["spec"]["containers"][0]["resources"]

    both = {"requests": {"cpu": "20m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    await world.until("it has the larger ones", lambda: settings() == (3, both))

    await world.user.delete("ModelDeployment", "rain")
    await world.until("it has what is asked for now", lambda: settings() == (2, small))
    await world.settle()


async def test_resources_that_cannot_be_compared_are_refused_by_their_name(world: World) -> None:
    await serve(world, a_model("rain"))
    await world.apply(a_model("weather", resources={"limits": {"memory": "much"}}))
    told = await world.until_told("weather", "Degraded")

    assert "spec.traffic.router.resources is" in told["status"]["message"]
    assert "expected requests and limits of cpu and memory alone" in told["status"]["message"]
    assert is_led_there(world, "rain")


async def test_what_somebody_changes_or_deletes_is_put_right(world: World) -> None:
    await serve(world, a_model("weather"), a_model("rain"))
    before = shared(world, "ConfigMap")["data"]
    world.users_may_be_hurt("somebody takes the routers away")
    await world.user.patch("ConfigMap", SHARED_ROUTER, {"data": {"routes-rain.json": "{}"}})
    await world.user.patch("ConfigMap", "weather-listener", {"data": {"routes.json": "{}"}})
    await world.user.patch("Deployment", SHARED_ROUTER, {"spec": {"replicas": 0}})
    await world.user.delete("PodDisruptionBudget", SHARED_ROUTER)
    await world.user.delete("ConfigMap", "rain-listener")
    await world.until(
        "all is as it was",
        lambda: (
            world.history.get("PodDisruptionBudget", SHARED_ROUTER)
            and world.history.get("ConfigMap", "rain-listener")
            and shared(world, "ConfigMap")["data"] == before
            and shared(world)["spec"]["replicas"] == 2
        ),
    )
    await until_led_there(world, "weather", "rain")
    await world.settle()

    await world.user.delete("ConfigMap", SHARED_ROUTER)
    await world.until("it is made again", lambda: world.history.get("ConfigMap", SHARED_ROUTER))
    await world.settle()
    assert shared(world, "ConfigMap")["data"] == before, "with the same ports"


async def test_an_object_of_their_name_that_is_somebodys_is_told_and_left_alone(world: World) -> None:
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SHARED_ROUTER}, "data": {"mine": "1"}}
    await world.user.create(foreign)
    await world.apply(a_model("weather"))
    told = await world.until_told("weather", "Degraded")

    assert world.condition(told, "Stalled") == ("True", "TrafficRefused")
    assert f"ConfigMap {SHARED_ROUTER} exists and is not made by Serin" in told["status"]["message"]
    assert world.condition(told, "Available") == ("True", "Serving")
    assert len(world.serving_pods("weather")) == 1
    assert shared(world, "ConfigMap")["data"] == {"mine": "1"}

    await world.user.delete("ConfigMap", SHARED_ROUTER)
    world.clock.jump(60)
    await world.until("it is behind the routers", lambda: is_led_there(world, "weather"))
    await world.until_told("weather", "Healthy")


async def test_who_finds_no_room_is_told_and_served_and_gets_in_when_another_leaves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_router, "ROOM_BYTES", 6000)
    await serve(world, a_model("weather"))
    await world.apply(a_model("rain"))
    told = await world.until_told("rain", "Degraded")

    assert world.condition(told, "Stalled") == ("True", "TrafficRefused")
    assert "no room for another model" in told["status"]["message"]
    assert len(world.serving_pods("rain")) == 1
    assert is_led_there(world, "weather")

    await world.user.delete("ModelDeployment", "weather")
    await world.until("it is behind the routers", lambda: is_led_there(world, "rain"))
    await world.until_told("rain", "Healthy")


async def test_with_bypass_users_are_at_the_pods_and_the_routers_stay_for_others(world: World) -> None:
    await serve(world, a_model("rain"))
    await world.serve_first(a_model("weather", idle="Bypass"))
    await world.settle()
    assert not is_led_there(world, "weather")

    rollout = await world.begin_comparison(a_model("weather", "2", idle="Bypass"), "weather-2")
    assert is_led_there(world, "weather")
    assert world.condition(rollout, "TrafficConverged") == ("True", "Converged")
    await world.let_traffic_decide("weather-2")
    await world.until("users are at the pods", lambda: not is_led_there(world, "weather"))
    assert {pod["metadata"]["labels"]["serin.dev/revision"] for pod in world.serving_pods()} == {world.revision("2")}
    assert is_led_there(world, "rain")
    await check_stays(world)


async def test_users_are_led_past_routers_that_are_all_gone_and_back_when_they_return(world: World) -> None:
    await serve(world, a_model("weather"), a_model("rain"))
    world.users_may_be_hurt("no router is ready for a moment")
    world.kubelet.let(Starting(), track="router")
    await world.until(
        "users get to the pods", lambda: not is_led_there(world, "weather") and not is_led_there(world, "rain")
    )
    assert len(world.serving_pods("weather")) == len(world.serving_pods("rain")) == 1

    world.kubelet.let(Ready(), track="router")
    await until_led_there(world, "weather", "rain")


async def test_a_restarted_operator_writes_nothing(world: World) -> None:
    await serve(world, a_model("weather"), a_model("rain"))
    written = len(world.operator.writes)
    await world.restart_operator()
    await world.settle()

    assert world.operator.writes[written:] == []


async def test_what_was_decided_before_the_operator_was_killed_reaches_the_routers_after_it_is_back(
    world: World,
) -> None:
    await serve(world, a_model("weather"))
    await world.restart_operator()
    await asyncio.gather(world.apply(a_model("rain")), world.apply(a_model("wind")))
    await world.restart_operator()
    await until_led_there(world, "weather", "rain", "wind")
    await world.settle()
