"""After a promotion the old version waits at full size, and a new one that turns bad gives the requests back."""

import contextlib
from collections.abc import Iterator

import pytest
from cluster.installation import Operator
from cluster.kubectl import Json, KubectlError
from cluster.namespace import Namespace, open_namespace
from cluster.own_server import ANSWERS, NAME, add_script, begin_incident, own_server
from cluster.traffic import Traffic
from cluster.waiting import wait_until
from cluster.weather import Weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture
def unwatched(operator: Operator) -> Iterator[Namespace]:
    """For a test that itself takes pods from users."""
    with open_namespace("bake") as namespace:
        yield namespace


def a_baked(version: str, provider: str) -> Manifest:
    manifest = own_server(version, metrics=[ANSWERS], replicas=2).with_plan(bake="10m")
    return manifest.with_spec(traffic={"provider": provider})


def bake(namespace: Namespace, provider: str) -> tuple[Weather, str]:
    """Version 2 serves under load and bakes beside version 1."""
    add_script(namespace.kubectl)
    served, traffic = Weather(namespace, NAME), Traffic(namespace.kubectl)
    served.serve(a_baked("1", provider))
    traffic.start("--url", f"http://{NAME}:81", "--dialect", "predict", "--rate", "100")
    traffic.count()
    rollout = served.roll_out(a_baked("2", provider))
    served.until_phase(rollout, "Baking")
    return served, rollout


def pods_of(served: Weather, rollout: str, variant: str) -> list[Json]:
    revision = served.rollout(rollout)[variant]["revision"]
    wanted = {"serin.dev/revision": revision, "serin.dev/track": "primary"}
    return [pod for pod in served.pods() if wanted.items() <= pod["metadata"]["labels"].items()]


def uids(pods: list[Json]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods}


def test_a_version_that_turns_bad_after_its_promotion_is_rolled_back_by_the_evidence(namespace: Namespace) -> None:
    served, rollout = bake(namespace, "Router")
    old_pods = uids(pods_of(served, rollout, "stable"))
    assert len(old_pods) == 2
    weights = served.rollout(rollout)["weights"]["nominal"]
    assert (weights["stable"], weights["canary"] + weights["baseline"]) == (0, 100)

    begin_incident(served, pods_of(served, rollout, "canary"), share=0.6, seconds=300)

    status = served.until_phase(rollout, "RolledBack")
    assert status["reason"] == "EvidenceBad"
    served.until_told("Degraded")
    assert served.stable_version == "1"
    assert uids(pods_of(served, rollout, "stable")) == old_pods, "a pod was started for the way back"


def test_where_shares_follow_the_pods_a_crash_after_the_promotion_rolls_back(unwatched: Namespace) -> None:
    served, rollout = bake(unwatched, "Replicas")
    old_pods = uids(pods_of(served, rollout, "stable"))

    def is_rolled_back() -> bool:
        if served.rollout(rollout)["phase"] == "RolledBack":
            return True
        for pod in pods_of(served, rollout, "canary"):
            crash(served, pod)
        return False

    wait_until("the crashing version is rolled back", is_rolled_back)
    served.until_told("Degraded")
    assert served.stable_version == "1"
    assert uids(pods_of(served, rollout, "stable")) == old_pods, "a pod was started for the way back"


def crash(served: Weather, pod: Json) -> None:
    kubectl, name = served.namespace.kubectl, pod["metadata"]["name"]
    # It ends before it answers, or has not started again yet.
    with contextlib.suppress(KubectlError):
        kubectl.run("get", f"--raw=/api/v1/namespaces/{kubectl.namespace}/pods/{name}:9090/proxy/crash")
