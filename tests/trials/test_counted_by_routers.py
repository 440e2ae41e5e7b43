"""A server that tells nothing of itself is rolled out by what its routers count, though one of them goes meanwhile."""

import json

import pytest
from cluster.namespace import Namespace
from cluster.own_server import NAME, add_script, own_server
from cluster.routed_weather import router_pods
from cluster.traffic import Traffic
from cluster.waiting import wait_until
from cluster.weather import Weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SUCCESS = {"margin": {"absolute": 0.05}}


def a_silent_server(version: str, error_share: float = 0.0) -> Manifest:
    """Its own counters are left alone; two fifths of the requests go to canary and baseline each."""
    options = json.dumps({"error_share": error_share})
    # On a machine with little to spare its probes must not starve beside two Envoys.
    resources = {"requests": {"cpu": "100m", "memory": "32Mi"}}
    server = own_server(version, metrics=[SUCCESS]).with_server(
        args=[options], metrics={"preset": "Router"}, resources=resources
    )
    plan = server.with_plan(steps=[{"weight": 40, "for": "4s"}], analysis={"minDuration": "20s"})
    return plan.with_spec(traffic={"provider": "Router"})


def test_a_server_without_counters_is_promoted_and_rejected_by_those_of_its_routers(namespace: Namespace) -> None:
    add_script(namespace.kubectl)
    served, traffic = Weather(namespace, NAME), Traffic(namespace.kubectl)
    served.serve(a_silent_server("1"))
    wait_until("routers are there", lambda: len(router_pods(namespace.kubectl)) == 2)
    traffic.start("--url", f"http://{NAME}:81", "--dialect", "predict", "--rate", "40")

    promoted = served.roll_out(a_silent_server("2"))
    served.until_judged(promoted)
    gone = min(router_pods(namespace.kubectl))
    namespace.kubectl.run("delete", "pod", gone, "--wait=false")
    status = served.until_phase(promoted, "Promoted")
    assert status["message"].startswith("Promoted: with 95 % confidence")
    assert gone not in router_pods(namespace.kubectl)
    served.until_told("Healthy")

    rejected = served.roll_out(a_silent_server("3", error_share=0.5))
    (metric,) = served.until_phase(rejected, "Rejected")["metrics"]
    assert 0 < metric["canary"]["failures"] < metric["canary"]["requests"]
    assert metric["baseline"]["failures"] == 0 < metric["baseline"]["requests"]
