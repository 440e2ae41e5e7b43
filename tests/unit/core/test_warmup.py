"""The warm-up: young pods may stumble, and a canary that is plainly broken is not given a minute of requests."""

from dataclasses import replace
from typing import Any

import pytest
from serin.core.facts import MetricReadings
from serin.core.rollout.warmup import SHARE_OF_FALSE_REJECT
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster

STREAM = "success-rate"

INDEPENDENT_FAILURES = {"mode": "Fixed", "value": 1}
"""As an hour of history shows them for most services; without one the operator believes in bursts for long."""


def warming_up(**analysis: Any) -> PaperCluster:
    cluster = PaperCluster(analysis={"warmup": "60s", "minDuration": "0s", "maxDuration": "5m", **analysis}).comparing()
    assert cluster.attempt.reason == "WarmingUp"
    return cluster


def test_what_happens_in_the_warm_up_is_not_judged_afterwards() -> None:
    cluster = warming_up()
    for _ in range(4):
        cluster.compare(requests=500, canary_failures=30)
    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "WarmingUp")

    for _ in range(3):
        cluster.compare(requests=500)
    (metric,) = cluster.attempt.metrics
    assert metric.canary.failures == 0
    assert metric.evidence_bad < 1.5
    assert "warmup" not in cluster.attempt.engine["streams"][STREAM]


def test_the_interval_in_which_the_warm_up_ends_still_belongs_to_it() -> None:
    cluster = warming_up(warmup="15s")
    cluster.compare(requests=500, canary_failures=30)
    assert cluster.attempt.reason == "WarmingUp"

    cluster.compare(requests=500)
    (metric,) = cluster.attempt.metrics
    assert metric.canary.requests == 500


def test_a_canary_that_fails_half_of_few_requests_is_rejected_within_half_a_minute_of_its_warm_up() -> None:
    cluster = warming_up(dispersion=INDEPENDENT_FAILURES)
    for _ in range(3):
        if cluster.attempt.phase == "Analyzing":
            cluster.compare(requests=10, canary_failures=5)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Rejected", "EvidenceBad")
    (metric,) = cluster.attempt.metrics
    assert metric.rejects_at is not None
    assert metric.evidence_bad >= metric.rejects_at / SHARE_OF_FALSE_REJECT
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.startswith("Rejected: the canary fails 50.0 %, the baseline 0 %, over the same ")


@pytest.mark.parametrize("failures", [50, 500])
def test_what_canary_and_baseline_suffer_alike_in_the_warm_up_rejects_nobody(failures: int) -> None:
    cluster = warming_up()
    for _ in range(5):
        cluster.compare(requests=500, canary_failures=failures, baseline_failures=failures)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "WarmingUp")


def test_a_canary_that_stumbles_by_less_than_ten_points_goes_on_however_sure_that_is() -> None:
    cluster = warming_up()
    for _ in range(5):
        cluster.compare(requests=100_000, canary_failures=9_000)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "WarmingUp")


def test_old_pods_are_no_match_for_a_young_canary_whatever_it_is_compared_with_later() -> None:
    cluster = warming_up(control="BaselineAndStable")
    for _ in range(5):
        canary = cluster.attempt.canary
        assert canary is not None
        for pod in cluster.pods.all:
            is_young = pod.route.revision == canary.revision or pod.route.track == "baseline"
            pod.count(500, 200 if is_young else 0)
        cluster.passing(INTERVAL_SECONDS).look(cluster.readings())

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "WarmingUp")


def test_slow_answers_in_the_warm_up_reject_nobody_and_failures_do_beside_them() -> None:
    latency = {"name": "latency", "type": "Histogram", "bounds": [0.1]}
    slow = warming_up(metrics=[latency, {"name": STREAM}], dispersion=INDEPENDENT_FAILURES)

    def compare(canary_failures: int) -> None:
        slow.count_requests(100, canary_failures)
        failed = slow.passing(INTERVAL_SECONDS).readings().by_stream[STREAM]
        (canary,) = slow.pods.of(slow.route_of("2").revision)
        slower = {
            name: replace(reading, failed=reading.total if name == canary.name else 0)
            for name, reading in failed.items()
        }
        slow.look(MetricReadings({STREAM: failed, "latency/0.1": slower}))

    for _ in range(3):
        compare(canary_failures=0)
    assert (slow.attempt.phase, slow.attempt.reason) == ("Analyzing", "WarmingUp")

    compare(canary_failures=60)
    assert slow.attempt.phase == "Rejected"
    assert [metric.name for metric in slow.attempt.metrics] == [STREAM]
