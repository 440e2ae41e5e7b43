"""The operator has exactly the rights that it uses. Every test of this rung runs under those of the chart."""

import pytest
from serin_testkit.builders import Manifest, a_model_deployment, a_rollout
from serin_testkit.control_plane import ControlPlane
from serin_testkit.rights import granted_rights, read_cluster_requests, read_requests
from serin_testkit.world import World

pytestmark = pytest.mark.component

SELDOM = {
    # Of an admission plugin that many clusters do not run: owner references that block deletion need it.
    ("serin.dev", "modeldeployments/finalizers", "update"),
    ("serin.dev", "rollouts/finalizers", "update"),
    # Of a preflight with golden requests: tests/component/test_rollout_preflight.py.
    ("", "configmaps", "get"),
    # Asked for outside of namespaces, where no role of one can allow it.
    ("gateway.networking.k8s.io", "gatewayclasses", "get"),
    # After a refused write the object is read again.
    ("serin.dev", "modeldeployments", "get"),
    ("serin.dev", "rollouts", "get"),
}


def version(number: int, history_limit: int = 1, provider: str = "Router") -> Manifest:
    manifest = a_model_deployment(version=str(number))
    return manifest.with_spec(
        historyLimit=history_limit, traffic={"provider": provider}, autoscaling={"maxReplicas": 3}
    )


def behind_gateway(manifest: Manifest) -> Manifest:
    settings = {"parentRefs": [{"name": "public"}]}
    return manifest.with_spec(traffic={"provider": "GatewayAPI", "gatewayAPI": settings})


async def live_through_everything(world: World) -> None:
    """Versions promoted until one is history, one rejected and retried by hand, routers and an autoscaler that go."""
    await world.serve_first(version(1))
    for number in (2, 3):
        await world.begin_comparison(version(number), f"weather-{number}")
        await world.let_traffic_decide(f"weather-{number}")
    world.prometheus.failing = {"3": 0.01, "4": 0.5}
    await world.begin_comparison(version(4), "weather-4")
    await world.let_traffic_decide("weather-4")
    await world.user.create(a_rollout("weather-retry"))
    await world.until_compared("weather-retry")
    await world.let_traffic_decide("weather-retry")
    await world.apply(behind_gateway(version(4)))
    await world.until("the route is there", lambda: world.history.get("HTTPRoute", "weather"))
    await world.user.patch("HTTPRoute", "weather", {"spec": {"hostnames": ["elsewhere.example.com"]}})
    await world.settle()
    await world.apply(version(4, history_limit=0, provider="Replicas").with_spec(autoscaling=None))
    await world.settle()


async def test_every_right_is_used_and_nothing_is_asked_for_in_vain(world: World, control_plane: ControlPlane) -> None:
    await live_through_everything(world)

    requests = list(read_requests(control_plane, world.user.namespace))

    assert not [right for right, status in requests if status in (401, 403)]
    used = {right for right, _ in requests}
    unused = sorted(granted_rights() - used - SELDOM)
    assert not unused, "\n".join(map(str, unused))
    assert sorted(used - granted_rights()) == []


async def test_an_operator_of_one_namespace_asks_the_cluster_for_nothing(
    world: World, control_plane: ControlPlane
) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"  # the test's own question
    asked = {uri for uri, _ in read_cluster_requests(control_plane)}
    of_gateways = {uri for uri in asked if "/gatewayclasses/" in uri}  # of other tests' models behind a Gateway
    assert asked - of_gateways <= {reviews}
