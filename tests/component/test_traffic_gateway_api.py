"""Provider GatewayAPI: its route, what the Gateways say of it, and what is told when they cannot."""

from collections.abc import AsyncIterator

import pytest
from serin.adapters.traffic.gateway_api import OBSTACLE_SECONDS
from serin.runtime.optional_kinds import LOOK_SECONDS
from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.cluster_user import RefusedError
from serin_testkit.control_plane import CRDS, ControlPlane
from serin_testkit.oracles import check_stays
from serin_testkit.scripted_gateways import API_VERSION, HTTP, NAME
from serin_testkit.world import World

pytestmark = pytest.mark.component

TO_GATEWAY = {"provider": "GatewayAPI", "gatewayAPI": {"parentRefs": [{"name": NAME}]}}


def behind_gateway(version: str, **settings: object) -> Manifest:
    traffic = {**TO_GATEWAY, "gatewayAPI": {"parentRefs": [{"name": NAME}], **settings}}
    return a_model_deployment(version=version).with_spec(traffic=traffic)


async def serve_behind_gateway(world: World, **settings: object) -> None:
    await world.gateways.add_class()
    await world.gateways.add()
    await world.serve_first(behind_gateway("1", **settings))


def told(world: World) -> str:
    found = world.history.get("ModelDeployment", "weather") or {}
    return str(found.get("status", {}).get("message"))


async def until_told(world: World, words: str) -> None:
    await world.until(f"the status says: {words}", lambda: words in told(world))


async def test_one_route_of_the_models_own_leads_to_a_service_per_version(world: World) -> None:
    await serve_behind_gateway(world, hostnames=["weather.example.com"])

    assert world.gateways.weights("weather") == {world.revision("1"): 10_000}
    route = world.history.get("HTTPRoute", "weather")
    assert route is not None
    assert [owner["kind"] for owner in route["metadata"]["ownerReferences"]] == ["ModelDeployment"]
    assert route["spec"]["hostnames"] == ["weather.example.com"]
    assert world.model_deployment()["status"]["url"] == "http://weather.example.com"
    assert len(world.serving_pods()) == 2, "the user Service serves inside the cluster"
    await check_stays(world)


async def test_users_are_told_the_name_of_the_listener_with_a_certificate(world: World) -> None:
    tls = {"name": "tls", "protocol": "HTTPS", "port": 8443, "hostname": "models.example.com"}
    tls["tls"] = {"certificateRefs": [{"name": "certificate"}]}
    await world.gateways.add_class()
    await world.gateways.add(listeners=[HTTP, tls])
    await world.serve_first(behind_gateway("1"))

    assert world.model_deployment()["status"]["url"] == "https://models.example.com:8443"


async def test_what_somebody_changes_of_the_route_is_put_right(world: World) -> None:
    await serve_behind_gateway(world)
    before = world.history.get("HTTPRoute", "weather")
    assert before is not None
    rule = before["spec"]["rules"][0]
    more = [*rule["backendRefs"], {"name": "other", "port": 80, "weight": 5_000}]
    await world.user.patch("HTTPRoute", "weather", {"spec": {"rules": [{**rule, "backendRefs": more}]}})
    await world.until("the backend is gone", lambda: len(world.gateways.weights("weather")) == 1)

    filters = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x"]}}]
    await world.user.patch("HTTPRoute", "weather", {"spec": {"rules": [{**rule, "filters": filters}]}})
    await world.until(
        "the filter is gone",
        lambda: (world.history.get("HTTPRoute", "weather") or {})["spec"] == before["spec"],
    )

    await world.user.delete("HTTPRoute", "weather")
    await world.until("the route is back", lambda: world.history.get("HTTPRoute", "weather"))


async def test_a_route_of_somebody_else_is_not_taken_over(world: World) -> None:
    await world.gateways.add_class()
    await world.gateways.add()
    spec = {"parentRefs": [{"name": NAME}], "rules": [{"backendRefs": [{"name": "mine", "port": 80}]}]}
    route = {"apiVersion": API_VERSION, "kind": "HTTPRoute", "metadata": {"name": "weather"}, "spec": spec}
    await world.user.create(route)

    await world.apply(behind_gateway("1"))

    await until_told(world, "HTTPRoute weather exists and is not made by Serin")
    assert world.gateways.weights("weather") == {"mine": 1}


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("class", "There is no GatewayClass class-of-"),
        ("gateway", "/public: create it, or correct spec.traffic.gatewayAPI.parentRefs."),
    ],
)
async def test_what_is_missing_is_told_with_what_to_do_and_picked_up_when_it_comes(
    world: World, missing: str, words: str
) -> None:
    await world.gateways.let_operator_read_class()
    if missing != "class":
        await world.gateways.add_class()
    if missing != "gateway":
        await world.gateways.add()
    world.gateways.is_stuck = True
    await world.apply(behind_gateway("1"))
    await until_told(world, "users wait")
    world.clock.jump(OBSTACLE_SECONDS + 1)
    await world.until(
        "a person is asked",
        lambda: world.condition(world.model_deployment(), "Stalled") == ("True", "TrafficRefused"),
    )
    assert words in told(world)
    assert world.condition(world.model_deployment(), "Available") == ("True", "Serving")
    assert len(world.serving_pods()) == 2, "inside the cluster they answer"

    await (world.gateways.add_class() if missing == "class" else world.gateways.add())
    world.gateways.is_stuck = False
    world.gateways.go_on()
    world.clock.jump(30)
    await world.until_told("weather", "Healthy")


async def test_a_gateway_that_refuses_the_route_is_quoted(world: World) -> None:
    world.gateways.refusal = ("Accepted", "NotAllowedByListeners", "No listener allows routes of this namespace.")
    await world.gateways.add_class()
    await world.gateways.add()
    await world.apply(behind_gateway("1"))
    await until_told(world, "users wait")
    world.clock.jump(OBSTACLE_SECONDS + 1)

    await world.until(
        "a person is asked",
        lambda: world.condition(world.model_deployment(), "Ready") == ("False", "TrafficRefused"),
    )
    assert "Accepted is False: No listener allows routes of this namespace." in told(world)


async def test_sessions_that_would_keep_users_on_a_rejected_version_are_refused(world: World) -> None:
    with pytest.raises(RefusedError, match="sticky does not go with provider GatewayAPI"):
        await world.apply(a_model_deployment().with_spec(traffic={**TO_GATEWAY, "sticky": {"cookie": True}}))


async def test_a_restarted_operator_writes_nothing(world: World) -> None:
    await serve_behind_gateway(world)
    written = len(world.operator.writes)
    await world.restart_operator()
    await world.settle()

    assert world.operator.writes[written:] == []


@pytest.fixture
async def bare_world() -> AsyncIterator[World]:
    """In a cluster that has never heard of the Gateway API."""
    with ControlPlane(crds=CRDS) as control_plane:
        async with World.begin(control_plane) as world:
            world.install_gateway_api = control_plane.install_gateway_api  # type: ignore[attr-defined]
            yield world


async def test_a_cluster_without_the_gateway_api_serves_the_others_and_may_get_it_later(bare_world: World) -> None:
    world = bare_world
    await world.serve_first(a_model_deployment(version="1", name="other"))
    await world.apply(behind_gateway("1"))
    await until_told(world, "users wait")
    world.clock.jump(OBSTACLE_SECONDS + 1)
    await until_told(world, "The cluster does not know the Gateway API")
    assert len(world.serving_pods()) == 2

    world.install_gateway_api()  # type: ignore[attr-defined]
    await world.gateways.add_class()
    await world.gateways.add()
    world.clock.jump(LOOK_SECONDS)
    await until_told(world, "users wait")
    route = await world.user.get("HTTPRoute", "weather")
    assert route is not None
    change = world.gateways._find_change(route)
    assert change is not None
    await world.user.patch("HTTPRoute", "weather", {"status": change}, "status")
    await until_told(world, "Version 1 serves all traffic.")
