"""Models that share their namespace's routers, under load: what one of them does costs the other's users nothing."""

import pytest
from cluster.namespace import Namespace
from cluster.traffic import Traffic
from cluster.waiting import wait_until
from cluster.weather import Weather, a_weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

REQUESTS_PER_SECOND = 50

PATIENT = ("--timeout-seconds", "30")
"""A busy machine may let requests wait: only what is refused, broken or answered wrongly is a failure here."""

RESOURCES = {"requests": {"cpu": "200m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}

ROUTERS = "deployment/serin-routers"


def a_shared(name: str, version: str = "1") -> Manifest:
    traffic = {"provider": "Router", "router": {"scope": "Namespace", "resources": RESOURCES}}
    return a_weather(version, name).with_spec(replicas=1, traffic=traffic)


def serve(namespace: Namespace, name: str) -> Weather:
    model = Weather(namespace, name)
    model.serve(a_shared(name))
    wait_until(f"the Service of {name} leads to the routers", lambda: find_port(model) is not None)
    return model


def find_port(model: Weather) -> int | None:
    """Of the routers, at which users of this model arrive."""
    spec = model.namespace.kubectl.read("get", "service", model.name)["spec"]
    is_there = spec["selector"].get("serin.dev/model-deployment") == ""
    return int(spec["ports"][0]["targetPort"]) if is_there else None


def router_pods(namespace: Namespace) -> set[str]:
    pods = namespace.kubectl.read("get", "pods", "--selector=serin.dev/component=router")["items"]
    return {pod["metadata"]["uid"] for pod in pods}


def test_a_rollout_and_a_model_that_comes_and_goes_cost_nobody_a_request(namespace: Namespace) -> None:
    Weather(namespace).add_models()
    sun, rain = serve(namespace, "sun"), serve(namespace, "rain")
    loads = {model.name: Traffic(namespace.kubectl, f"load-{model.name}") for model in (sun, rain)}
    for name, load in loads.items():
        load.start("--url", f"http://{name}", "--rate", str(REQUESTS_PER_SECOND), *PATIENT)
    before = {name: load.count() for name, load in loads.items()}
    pods = router_pods(namespace)
    assert len(pods) == 2

    rollout = sun.roll_out(a_shared("sun", "2"))
    wind = serve(namespace, "wind")
    assert len({find_port(model) for model in (sun, rain, wind)}) == 3
    sun.until_phase(rollout, "Promoted")
    namespace.kubectl.run("delete", "modeldeployment", "wind", "--wait=false")
    wait_until("the third owns the routers no more", lambda: owners(namespace) == {"sun", "rain"})

    during = {name: load.count_after(3).since(before[name]) for name, load in loads.items()}
    assert {name: requests.failed for name, requests in during.items()} == {"sun": 0, "rain": 0}, during
    assert set(during["rain"].versions) == {"1"}
    assert len(during["sun"].versions) == 2
    assert router_pods(namespace) == pods, "nobody who comes or goes rolls the routers"


def owners(namespace: Namespace) -> set[str]:
    found = namespace.kubectl.read("get", ROUTERS)
    return {reference["name"] for reference in found["metadata"]["ownerReferences"]}
