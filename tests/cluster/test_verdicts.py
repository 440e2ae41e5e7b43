"""What a canary's own counters say under real requests, and what they must not say."""

import time

import pytest
from cluster.kubectl import Json
from cluster.namespace import Namespace
from cluster.own_server import ANSWERS, NAME, add_script, begin_incident, own_server
from cluster.traffic import Traffic
from cluster.weather import Weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

BASE_SHARE = 0.02
"""Of requests that fail on every version: a service without failures is no trial for statistics."""

STRICT: Json = {**ANSWERS, "margin": {"absolute": 0.03}}


@pytest.fixture
def served(namespace: Namespace) -> Weather:
    """Version 1 of somebody else's server, two pods, under 100 requests/s."""
    return serve_under_load(namespace, a_version("1"))


def serve_under_load(namespace: Namespace, manifest: Manifest) -> Weather:
    add_script(namespace.kubectl)
    served, traffic = Weather(namespace, NAME), Traffic(namespace.kubectl)
    served.serve(manifest)
    traffic.start("--url", f"http://{NAME}:81", "--dialect", "predict", "--rate", "100")
    traffic.count()
    return served


def a_version(version: str, failed_share: float = BASE_SHARE) -> Manifest:
    return own_server(version, failed_share=failed_share, metrics=[STRICT], replicas=2)


def test_a_version_that_fails_as_often_as_the_old_one_is_promoted(served: Weather) -> None:
    status = served.until_phase(served.roll_out(a_version("2")), "Promoted")

    (metric,) = status["metrics"]
    assert metric["provenWorseAtMost"] <= metric["margin"]
    assert metric["evidenceGood"] >= 1
    assert metric["canary"]["failures"] > 0 < metric["baseline"]["failures"]


def test_a_version_that_fails_five_points_more_often_is_rejected(served: Weather) -> None:
    status = served.until_phase(served.roll_out(a_version("2", failed_share=BASE_SHARE + 0.05)), "Rejected")

    (metric,) = status["metrics"]
    assert metric["evidenceBad"] >= metric["rejectsAt"]
    assert metric["canary"]["failures"] > metric["baseline"]["failures"] > 0
    served.until_told("Degraded")
    assert served.condition(served.status, "Stalled") == ("True", "CanaryRejected")


def test_a_version_that_takes_half_as_long_again_is_rejected_by_its_latency(namespace: Namespace) -> None:
    latency = {"name": "latency", "type": "Histogram", "buckets": "ask_seconds_bucket"}
    served = serve_under_load(namespace, own_server("1", slowness=1.0, metrics=[ANSWERS, latency], replicas=2))

    slower = own_server("2", slowness=1.5, metrics=[ANSWERS, latency], replicas=2)
    status = served.until_phase(served.roll_out(slower), "Rejected")

    assert "the canary is slower than 0.0" in status["message"]
    assert status["message"].endswith("(latency, one of 2 metrics)")
    failures, *latencies = status["metrics"]
    assert failures["evidenceBad"] < failures["rejectsAt"]
    assert {metric["name"].partition("/")[0] for metric in latencies} == {"latency"}


def test_an_incident_that_hits_all_versions_alike_rejects_none(served: Weather) -> None:
    plan = {"minDuration": "90s", "metrics": [STRICT]}
    rollout = served.roll_out(a_version("2").with_plan(analysis=plan))
    served.until_judged(rollout)

    begin_incident(served, served.pods(), share=0.2, seconds=60)
    failures_before = failures_of_canary(served, rollout)
    time.sleep(70)  # the incident, and the scrape that tells of its end

    status = served.until_phase(rollout, "Analyzing", "Promoting", "Promoted")
    (metric,) = status["metrics"]
    assert metric["canary"]["failures"] > failures_before + 100, "the incident did not reach the canary"
    assert metric["evidenceBad"] < metric["rejectsAt"]


def failures_of_canary(served: Weather, rollout: str) -> int:
    (metric,) = served.rollout(rollout)["metrics"]
    return int(metric["canary"]["failures"])
