"""From counters to a verdict: what counts, what waits, what survives a restart. The numbers: tests/unit/evidence."""

from dataclasses import replace
from typing import Any

import pytest
from serin.core.facts import MetricReadings, MetricsUnavailable
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster

STREAM = "success-rate"

ONE_MINUTE = {"warmup": "0s", "minDuration": "0s", "maxDuration": "60s"}


def analyzing(**analysis: Any) -> PaperCluster:
    return PaperCluster(analysis={"warmup": "0s", "minDuration": "0s", "maxDuration": "5m", **analysis}).comparing()


def judged(cluster: PaperCluster) -> tuple[int, int, int, int]:
    """Requests and failures of baseline and canary in the status."""
    (metric,) = cluster.attempt.metrics
    return metric.baseline.requests, metric.baseline.failures, metric.canary.requests, metric.canary.failures


def test_a_good_canary_is_promoted_by_the_evidence() -> None:
    cluster = analyzing()
    while cluster.attempt.phase == "Analyzing":
        cluster.compare(requests=1000)
    cluster.settled()

    assert cluster.attempt.phase == "Promoted"
    assert cluster.attempt.decided_by is not None
    assert cluster.attempt.decided_by.how == "Evidence"
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.startswith("Promoted: with 95 % confidence the canary fails at most 0.5 pp more")


def test_a_broken_canary_is_rejected_in_one_interval() -> None:
    cluster = analyzing()
    cluster.compare(requests=500, canary_failures=250)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Rejected", "EvidenceBad")


def test_all_answers_of_both_being_errors_is_data_and_no_verdict() -> None:
    cluster = analyzing()
    cluster.compare(requests=100, canary_failures=100, baseline_failures=100)

    assert cluster.attempt.phase == "Analyzing"
    assert judged(cluster) == (100, 100, 100, 100)


def test_an_idle_service_waits_and_is_never_rejected() -> None:
    cluster = analyzing(**ONE_MINUTE)
    for _ in range(50):
        cluster.compare(requests=0)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "NoData")


def test_what_is_counted_in_a_pause_is_not_judged_and_what_was_judged_before_stays() -> None:
    cluster = analyzing()
    cluster.compare(requests=300, canary_failures=1)
    before = judged(cluster)
    cluster.pausing().settled()
    cluster.count_requests(1000, canary_failures=1000)
    cluster.passing(600).look()
    cluster.pausing(False).settled()
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings())
    assert judged(cluster) == before

    cluster.compare(requests=200)
    assert judged(cluster) == (500, 0, 500, 1)


def test_after_a_pause_the_status_tells_the_last_judgement_and_not_the_pause() -> None:
    cluster = analyzing()
    cluster.compare(requests=300)
    told = cluster.attempt.message
    cluster.pausing().settled()
    cluster.pausing(False).settled()

    assert (cluster.attempt.reason, cluster.attempt.message) == ("Comparing", told)


def test_a_missing_scrape_lengthens_the_interval_and_drops_nothing() -> None:
    cluster = analyzing()
    cluster.count_requests(100, canary_failures=2)
    late = cluster.passing(INTERVAL_SECONDS).readings()
    (canary,) = cluster.pods.of(cluster.route_of("2").revision)
    without = {name: reading for name, reading in late.by_stream[STREAM].items() if name != canary.name}
    cluster.look(MetricReadings({STREAM: without}))
    assert not cluster.attempt.metrics or judged(cluster) == (0, 0, 0, 0)

    cluster.compare(requests=100)
    assert judged(cluster) == (200, 0, 200, 2)


def test_no_scrape_for_three_intervals_is_told_by_the_name_of_the_pod() -> None:
    cluster = analyzing()
    (canary,) = cluster.pods.of(cluster.route_of("2").revision)
    for _ in range(3):
        readings = cluster.passing(INTERVAL_SECONDS).readings().by_stream[STREAM]
        without = {name: reading for name, reading in readings.items() if name != canary.name}
        cluster.look(MetricReadings({STREAM: without}))

    assert cluster.attempt.reason == "MetricsUnavailable"
    assert cluster.attempt.message == (
        f"Waiting: Prometheus has no new scrape of {canary.name}. Weights stay, evidence stands still."
    )


def test_the_same_scrape_read_twice_counts_once() -> None:
    cluster = analyzing()
    cluster.compare(requests=100)
    once = judged(cluster)
    readings = cluster.readings()
    cluster.passing(INTERVAL_SECONDS).look(readings)

    assert judged(cluster) == once


def test_without_prometheus_the_evidence_stands_still_and_nobody_is_touched() -> None:
    cluster = analyzing()
    cluster.compare(requests=100)
    before = judged(cluster)
    shares = cluster.facts().shares
    for _ in range(100):
        cluster.passing(INTERVAL_SECONDS).look(MetricsUnavailable("Prometheus does not answer."))

    assert cluster.attempt.phase == "Analyzing"
    assert cluster.attempt.verdict is not None
    assert cluster.attempt.verdict.state == "ProviderError"
    assert judged(cluster) == before
    assert cluster.facts().shares == shares


@pytest.mark.parametrize(("warmup", "counted"), [("0s", "evidence"), ("60s", "warmup")])
def test_a_restart_of_the_operator_at_every_interval_changes_no_number(warmup: str, counted: str) -> None:
    # Every look of the cluster on paper reads the status from JSON: compare with an engine kept in memory.
    stories = []
    for looks_between in (0, 3):
        cluster = analyzing(warmup=warmup)
        for interval in range(4):
            cluster.compare(requests=97, canary_failures=interval % 2)
            for _ in range(looks_between):
                cluster.look()
        assert cluster.attempt.engine["streams"][STREAM][counted]["canary"] == [4 * 97, 2]
        stories.append((cluster.attempt.engine, cluster.attempt.metrics, cluster.attempt.message))

    assert stories[0] == stories[1]


def test_numbers_that_somebody_edited_start_the_comparison_over() -> None:
    edits: list[dict[str, Any]] = [
        {"since": "yesterday"},
        {"since": 1},
        {"streams": {}},
        {"streams": {STREAM: {"counters": []}}},
        {"streams": {"another metric": {}}},
        {"historyTriesLeft": "many"},
    ]
    for nonsense in edits:
        cluster = analyzing()
        cluster.compare(requests=300)
        live = cluster.objects["Rollout", "weather-2"]
        live["status"]["engine"] = {**live["status"]["engine"], **nonsense}
        cluster.settled()

        assert cluster.attempt.phase == "Analyzing"
        assert cluster.attempt.engine["streams"][STREAM]["evidence"]["intervals"] == 0


@pytest.mark.parametrize(
    ("choice", "phase"), [("Pause", "Analyzing"), ("Reject", "Rejected"), ("Promote", "Promoting")]
)
def test_after_max_duration_the_plan_says_what_happens(choice: str, phase: str) -> None:
    cluster = PaperCluster(analysis=ONE_MINUTE, onInconclusive=choice).serving("1").wanting("2").until("Analyzing")
    for _ in range(8):
        if cluster.attempt.phase == "Analyzing":
            cluster.compare(requests=10)

    assert (cluster.attempt.phase, cluster.attempt.reason) == (phase, "Inconclusive")
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.startswith("Inconclusive: ")


def test_an_open_comparison_goes_on_to_reject_and_never_promotes_by_itself() -> None:
    def opened() -> PaperCluster:
        cluster = analyzing(**ONE_MINUTE)
        for _ in range(8):
            cluster.compare(requests=10)
        assert cluster.attempt.reason == "Inconclusive"
        return cluster

    good = opened()
    for _ in range(10):
        good.compare(requests=2000)
    bad = opened()
    bad.compare(requests=500, canary_failures=400)

    assert (good.attempt.phase, good.attempt.reason) == ("Analyzing", "Inconclusive")
    assert bad.attempt.phase == "Rejected"


def test_a_crash_looping_canary_is_rejected_whatever_the_requests_say() -> None:
    cluster = analyzing()
    (canary,) = cluster.pods.of(cluster.route_of("2").revision)
    canary.restarts = 3
    cluster.look()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Rejected", "CanaryCrashed")
    assert cluster.attempt.message == f"Rejected: the canary crashes, pod {canary.name} was restarted 3 times."


@pytest.mark.parametrize("crash", ["OOMKilled", "CrashLoopBackOff"])
def test_a_canary_that_is_out_of_memory_or_in_a_crash_loop_is_rejected_at_once(crash: str) -> None:
    cluster = analyzing()
    (canary,) = cluster.pods.of(cluster.route_of("2").revision)
    canary.restarts, canary.crash = 1, crash
    cluster.look()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Rejected", "CanaryCrashed")
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.startswith(f"Rejected: the canary crashes, pod {canary.name}: {crash}")


@pytest.mark.parametrize("crash", ["OOMKilled", "CrashLoopBackOff"])
def test_a_baseline_that_crashes_in_the_same_way_excuses_the_canary(crash: str) -> None:
    cluster = analyzing()
    for pod in cluster.pods.all:
        pod.crash = crash
    cluster.look()

    assert cluster.attempt.phase == "Analyzing"


@pytest.mark.parametrize(("restarts", "phase"), [(4, "Analyzing"), (5, "Rejected")])
def test_three_restarts_more_than_the_baseline_reject(restarts: int, phase: str) -> None:
    cluster = analyzing()
    for pod in cluster.pods.all:
        pod.restarts = 2
    (canary,) = cluster.pods.of(cluster.route_of("2").revision)
    canary.restarts = restarts
    cluster.look()

    assert cluster.attempt.phase == phase


def test_a_baseline_that_crashes_as_often_excuses_the_canary() -> None:
    cluster = analyzing()
    for pod in cluster.pods.all:
        pod.restarts = 5
    cluster.look()

    assert cluster.attempt.phase == "Analyzing"


def test_a_crashed_pod_of_an_earlier_attempt_on_its_way_out_accuses_nobody() -> None:
    cluster = analyzing()
    (canary,) = cluster.pods.of(cluster.route_of("2").revision)
    cluster.pods.all.append(replace(canary, name="of-the-attempt-before", restarts=9, terminating=True))
    cluster.look()

    assert cluster.attempt.phase == "Analyzing"


def test_the_status_tells_which_difference_is_excluded_and_how_bursts_are_weighed() -> None:
    cluster = analyzing(dispersion={"mode": "Fixed", "value": 2}, minDuration="2m")
    for _ in range(8):
        cluster.compare(requests=1000)

    (metric,) = cluster.attempt.metrics
    assert metric.dispersion is not None
    assert (metric.dispersion.promote, metric.dispersion.source) == (2, "Fixed")
    assert metric.proven_worse_at_most is not None
    assert metric.proven_worse_at_most <= 0.005


def test_the_stable_pods_stand_beside_the_baseline_where_the_plan_says_so() -> None:
    cluster = analyzing(control="BaselineAndStable", minDuration="5m")
    stable = len(cluster.pods.of(cluster.route_of("1").revision))
    cluster.compare(requests=100)

    assert judged(cluster) == (100 * (1 + stable), 0, 100, 0)


def test_bursts_are_learned_from_the_stable_pods_of_the_comparison() -> None:
    cluster = analyzing(minDuration="5m")
    cluster.compare(requests=1000)

    _, first_requests, _, second_requests, _ = cluster.attempt.engine["streams"][STREAM]["evidence"]["bursts"]["block"]
    assert first_requests > 0
    assert second_requests > 0
