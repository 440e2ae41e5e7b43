"""Provider Router under load: a rollout over HTTP and gRPC at once, a router that goes, an operator that is away.

No user loses a request.
"""

import time
from collections.abc import Iterator

import pytest
from cluster.calls import calling
from cluster.installation import Operator
from cluster.namespace import open_namespace
from cluster.routed_weather import a_routed, leads_to_routers, router_pods
from cluster.traffic import Requests, Traffic
from cluster.waiting import wait_until
from cluster.weather import Weather

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

REQUESTS_PER_SECOND = 100


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


def lost(requests: Requests) -> tuple[int, object]:
    """Requests that no model has answered, and what became of them."""
    answered = requests.codes.get("200", 0) + requests.codes.get("400", 0)
    return requests.requests - answered, (requests.codes, requests.errors, requests.timeouts)


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


@pytest.mark.parametrize("how", [("--wait=false",), ("--force", "--grace-period=0")])
def test_a_router_that_is_deleted_costs_no_request(weather: Weather, traffic: Traffic, how: tuple[str, ...]) -> None:
    before = traffic.count()
    gone = router_pods(weather.namespace.kubectl)[0]
    weather.namespace.kubectl.run("delete", "pod", gone, *how)
    wait_until(
        "another router is ready",
        lambda: gone not in router_pods(weather.namespace.kubectl) and len(router_pods(weather.namespace.kubectl)) == 2,
    )

    during = traffic.count_after(25).since(before)
    assert lost(during) == (0, lost(during)[1])


def test_users_feel_nothing_of_an_operator_that_is_away_and_of_a_router_that_starts_meanwhile(
    weather: Weather, traffic: Traffic, operator: Operator
) -> None:
    before = traffic.count()
    operator.remove()
    try:
        gone = router_pods(weather.namespace.kubectl)[0]
        weather.namespace.kubectl.run("delete", "pod", gone, "--wait=false")
        weather.namespace.kubectl.run("rollout", "status", f"deployment/{weather.name}-router", "--timeout=90s")
        time.sleep(20)
        during = traffic.count().since(before)
    finally:
        operator.install()

    assert during.failed == 0, during
    assert set(during.versions) == {weather.stable_version}
