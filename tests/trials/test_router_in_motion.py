"""Provider Router under load: rollouts over HTTP and gRPC at once, and routers that come and go with a rollout.

No user loses a request.
"""

from collections.abc import Iterator

import pytest
from cluster.installation import Operator
from cluster.namespace import open_namespace
from cluster.traffic import Traffic
from cluster.waiting import wait_until
from cluster.weather import Weather, a_weather
from serin_testkit.builders import Manifest
from trials.calls import calling

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

REQUESTS_PER_SECOND = 100


def a_routed(version: str, **router: object) -> Manifest:
    manifest = a_weather(version).with_spec(traffic={"provider": "Router", "router": router})
    manifest["spec"]["server"]["ports"] = {"grpc": 9000}
    return manifest.with_spec(service={"type": "NodePort"})


@pytest.fixture(scope="module")
def _routed(operator: Operator) -> Iterator[tuple[Weather, Traffic]]:
    with open_namespace("router") as namespace:
        weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
        weather.add_models()
        weather.serve(a_routed("1"))
        wait_until("the user Service leads to the routers", lambda: leads_to_routers(weather))
        traffic.start("--url", f"http://{weather.name}", "--rate", str(REQUESTS_PER_SECOND))
        yield weather, traffic
        namespace.check_oracles()


@pytest.fixture
def weather(_routed: tuple[Weather, Traffic]) -> Weather:
    return _routed[0]


@pytest.fixture
def traffic(_routed: tuple[Weather, Traffic]) -> Traffic:
    return _routed[1]


def leads_to_routers(weather: Weather) -> bool:
    service = weather.namespace.kubectl.read("get", "service", weather.name)
    return "serin.dev/component" in service["spec"]["selector"]


def test_a_good_version_is_promoted_and_neither_a_request_nor_a_call_is_lost(
    weather: Weather, traffic: Traffic
) -> None:
    before = traffic.count()
    with calling(weather.namespace.kubectl, weather.name) as calls:
        rollout = weather.roll_out(a_routed(weather.good_version))
        weather.until_phase(rollout, "Promoted")
        weather.until_told("Healthy")
        during = traffic.count_after(3).since(before)

    assert during.failed == 0, during
    assert len(during.versions) == 2
    assert calls.failed == []
    assert calls.versions.keys() == during.versions.keys()


def test_with_bypass_routers_come_for_a_rollout_and_go_after_it_and_no_request_is_lost(
    weather: Weather, traffic: Traffic
) -> None:
    kubectl = weather.namespace.kubectl

    def are_gone() -> bool:
        return "router" not in kubectl.run("get", "pods,services,configmaps,deployments", "--output=name")

    before = traffic.count()
    weather.apply(a_routed(weather.stable_version, idle="Bypass"))
    wait_until("users get to the pods directly", lambda: not leads_to_routers(weather))
    wait_until("nothing is left of the routers", are_gone)
    rollout = weather.roll_out(a_routed(weather.good_version, idle="Bypass"))
    weather.until_phase(rollout, "Analyzing", "Promoting")
    wait_until("the user Service leads to the routers", lambda: leads_to_routers(weather))
    weather.until_phase(rollout, "Promoted")
    wait_until("nothing is left of the routers", are_gone)
    during = traffic.count_after(3).since(before)
    weather.apply(a_routed(weather.stable_version))
    wait_until("the user Service leads to the routers", lambda: leads_to_routers(weather))

    assert during.failed == 0, during
    assert len(during.versions) == 2
