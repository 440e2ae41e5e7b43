"""Kubernetes' own autoscaler and metrics-server: a model grows under load, and stays so while it changes versions."""

import json
from collections import Counter

import pytest
from cluster.kubectl import Json
from cluster.namespace import Namespace
from cluster.traffic import Traffic
from cluster.weather import Weather, a_weather
from serin_testkit.builders import NAME, Manifest
from serin_testkit.history import Place
from serin_testkit.world import select_ready_pods

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

MOST = 3
REQUESTS_PER_SECOND = 100
LOOK_SECONDS = 15.0
"""Of the autoscaler, by the default of Kubernetes."""


def autoscaled(version: str) -> Manifest:
    """So low a target that the load takes several times as much of what the example's pods request."""
    autoscaling = {"minReplicas": 1, "maxReplicas": MOST, "targetCPUUtilization": 15}
    return a_weather(version).with_spec(replicas=None, autoscaling=autoscaling).with_plan(bake="20s")


def read_autoscaler(namespace: Namespace) -> Json:
    found: Json = json.loads(namespace.kubectl.run("get", "hpa", NAME, "--output=json"))
    return found


def fewest_of_one_version(namespace: Namespace, since: int) -> int:
    """How many ready pods some version has at every moment since that version of the store; no baseline counts."""
    objects: dict[Place, Json] = {}
    fewest = len(namespace.recording.all("Pod"))
    for seen in namespace.recording.seen():
        if seen.change == "DELETED":
            objects.pop(seen.place, None)
        else:
            objects[seen.place] = seen.object
        if seen.version > since:
            selector = {"serin.dev/model-deployment": NAME, "serin.dev/track": "primary"}
            pods = [found for (kind, _), found in objects.items() if kind == "Pod"]
            ready = select_ready_pods({"spec": {"selector": selector}}, pods)
            versions = Counter(pod["metadata"]["labels"]["serin.dev/revision"] for pod in ready)
            fewest = min(fewest, max(versions.values(), default=0))
    return fewest


def test_a_version_is_promoted_at_the_size_to_which_the_load_has_scaled_its_model(namespace: Namespace) -> None:
    weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
    weather.add_models()
    weather.serve(autoscaled("1"))
    assert len(weather.serving()) == 1
    autoscaler = read_autoscaler(namespace)

    traffic.start("--url", f"http://{NAME}", "--rate", str(REQUESTS_PER_SECOND))
    namespace.recording.until("the autoscaler has found the load", lambda: weather.now()["spec"]["replicas"] == MOST)
    namespace.recording.until("the pods are there", lambda: len(weather.serving()) == MOST)
    users, grown = traffic.count(), namespace.recording.version

    rollout = weather.roll_out(autoscaled("2"))
    weather.until_phase(rollout, "Promoted")
    weather.until_stable_is_alone()

    # The autoscaler looks at the new pods, which are younger than its metrics.
    noticed = traffic.count_after(2 * LOOK_SECONDS).since(users)
    assert noticed.failed == 0, f"user requests failed: {noticed}"
    assert noticed.versions["2"] > 0
    assert weather.now()["spec"]["replicas"] == MOST
    assert fewest_of_one_version(namespace, grown) >= MOST
    same = read_autoscaler(namespace)
    assert same["metadata"]["uid"] == autoscaler["metadata"]["uid"]
    conditions = {condition["type"]: condition for condition in same["status"]["conditions"]}
    assert conditions["ScalingActive"]["status"] == "True", conditions["ScalingActive"]["message"]
