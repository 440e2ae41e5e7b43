"""Routers that come for a rollout and go after it, under load over HTTP. No user loses a request."""

import pytest
from cluster.namespace import Namespace
from cluster.routed_weather import a_routed, leads_to_routers
from cluster.traffic import Traffic
from cluster.waiting import wait_until
from cluster.weather import Weather

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

REQUESTS_PER_SECOND = 100


def test_with_bypass_routers_come_for_a_rollout_and_go_after_it_and_no_request_is_lost(namespace: Namespace) -> None:
    weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
    weather.add_models()
    weather.serve(a_routed("1"))
    wait_until("the user Service leads to the routers", lambda: leads_to_routers(weather))
    traffic.start("--url", f"http://{weather.name}", "--rate", str(REQUESTS_PER_SECOND))
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
