"""When Prometheus is asked, and for what: once per interval of a comparison, for the pods of the three variants."""

from datetime import timedelta
from typing import Any

import pytest
from serin.core.facts import (
    CounterRequest,
    HistoryRequest,
    MetricHistory,
    MetricsUnavailable,
    Route,
    Track,
)
from serin.core.metric_presets import PRESETS, SERIN, FailedCounter
from serin.core.model_deployment.metrics_wanted import wanted_metrics
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster


def analyzing(**plan: Any) -> PaperCluster:
    return PaperCluster(**plan).serving("1").wanting("2").until("Analyzing").settled()


def wanted_counters(cluster: PaperCluster) -> CounterRequest:
    wanted = wanted_metrics(cluster.facts())
    assert wanted is not None
    return wanted.counters


def wanted_history(cluster: PaperCluster) -> HistoryRequest | None:
    wanted = wanted_metrics(cluster.facts())
    assert wanted is not None
    return wanted.history


def test_nothing_is_asked_without_a_comparison() -> None:
    assert wanted_metrics(PaperCluster().facts()) is None
    assert wanted_metrics(PaperCluster().serving("1").facts()) is None
    assert wanted_metrics(PaperCluster().serving("1").wanting("2").until("Preparing").facts()) is None


def test_a_look_is_due_one_interval_after_the_last() -> None:
    cluster = analyzing()
    assert wanted_metrics(cluster.passing(INTERVAL_SECONDS - 1).facts()) is None
    assert wanted_metrics(cluster.passing(1).facts()) is not None

    cluster.look(cluster.readings())
    assert wanted_metrics(cluster.facts()) is None


def test_the_pods_of_all_three_variants_are_asked_for() -> None:
    cluster = analyzing(size=2)
    request = wanted_counters(cluster.passing(INTERVAL_SECONDS))

    (question,) = request.questions
    assert sorted(question.pods) == sorted(pod.name for pod in cluster.pods.all)
    assert len(question.pods) == 2 + 2 + 2


def test_the_window_reaches_over_a_scrape_interval_of_a_minute_and_over_three_looks() -> None:
    usual = wanted_counters(analyzing().passing(INTERVAL_SECONDS))
    slow = wanted_counters(analyzing(analysis={"interval": "5m", "maxDuration": "1h"}).passing(300))

    assert (usual.window_seconds, slow.window_seconds) == (120.0, 900.0)


def test_own_counters_of_the_plan_are_asked_for() -> None:
    hits = {"name": "hits", "total": "hits_total", "failed": 'hits_total{code=~"5.."}'}
    own, preset = wanted_counters(analyzing(analysis={"metrics": [hits, {}]}).passing(INTERVAL_SECONDS)).questions

    assert (own.name, own.requests, own.failed) == (
        "hits",
        "hits_total",
        FailedCounter('hits_total{code=~"5.."}', is_lazy=True),
    )
    assert (preset.name, preset.requests, preset.failed) == ("success-rate", SERIN.requests, SERIN.failed)
    assert own.pods == preset.pods


def test_pods_of_another_server_are_asked_for_by_its_own_names() -> None:
    cluster = PaperCluster().serving("1")
    cluster = cluster.wanting("2", server={"image": "triton", "metrics": {"preset": "Triton"}}).until("Analyzing")
    ours, tritons = wanted_counters(cluster.settled().passing(INTERVAL_SECONDS)).questions

    assert (ours.name, ours.requests) == ("success-rate", SERIN.requests)
    assert (tritons.name, tritons.requests) == ("success-rate", PRESETS["Triton"].requests)
    assert len(ours.pods) == 2 + 1
    assert len(tritons.pods) == 1
    assert not set(ours.pods) & set(tritons.pods)


def test_a_metric_that_the_server_does_not_count_asks_nothing_and_says_what_to_do() -> None:
    latency = {"name": "latency", "type": "Histogram"}
    cluster = PaperCluster(analysis={"metrics": [{}, latency]}).applying(server={"metrics": {"preset": "Triton"}})
    wanted = wanted_metrics(
        cluster.serving("1").wanting("2").until("Analyzing").settled().passing(INTERVAL_SECONDS).facts()
    )
    assert wanted is not None
    assert wanted.unanswerable == ("metric latency: preset Triton has no histogram of latencies, name one in buckets.")


def test_the_hour_before_the_comparison_is_asked_for_of_the_stable_pods() -> None:
    cluster = analyzing()
    began = cluster.now
    request = wanted_history(cluster.passing(INTERVAL_SECONDS))

    assert request is not None
    assert (request.start, request.end) == (began - timedelta(hours=1), began)
    stable = cluster.attempt.stable
    assert stable is not None
    assert set(request.questions[0].pods) == {
        pod.name for pod in cluster.pods.all if pod.route == Route(stable.revision, Track.PRIMARY)
    }
    assert request.step_seconds == INTERVAL_SECONDS


def test_a_long_past_is_asked_for_in_larger_steps() -> None:
    request = wanted_history(analyzing(analysis={"dispersion": {"lookback": "10h"}}).passing(INTERVAL_SECONDS))
    assert request is not None
    assert request.step_seconds == 100


@pytest.mark.parametrize("dispersion", [{"lookback": "0s"}, {"mode": "Fixed", "value": 2}])
def test_a_past_that_teaches_nothing_is_not_asked_for(dispersion: dict[str, Any]) -> None:
    assert wanted_history(analyzing(analysis={"dispersion": dispersion}).passing(INTERVAL_SECONDS)) is None


def test_the_past_is_asked_for_until_it_is_known_or_was_tried_three_times() -> None:
    known = analyzing(analysis={"warmup": "10m"})
    known.passing(INTERVAL_SECONDS).look(known.readings(), history=MetricHistory({}))
    assert wanted_history(known.passing(INTERVAL_SECONDS)) is None

    away = analyzing(analysis={"warmup": "10m"})
    for _ in range(3):
        assert wanted_history(away.passing(INTERVAL_SECONDS)) is not None
        away.look(away.readings(), history=MetricsUnavailable("away"))
    assert wanted_history(away.passing(INTERVAL_SECONDS)) is None


def test_the_past_is_not_asked_for_once_an_interval_is_judged() -> None:
    cluster = analyzing(analysis={"warmup": "0s"})
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings(), history=MetricsUnavailable("away"))
    assert wanted_history(cluster.passing(INTERVAL_SECONDS)) is None


@pytest.mark.parametrize("pause", ["the attempt", "everything"])
def test_nothing_is_asked_while_paused(pause: str) -> None:
    cluster = analyzing()
    if pause == "everything":
        cluster.applying(paused=True)
    else:
        cluster.pausing()

    assert wanted_metrics(cluster.settled().passing(INTERVAL_SECONDS).facts()) is None


def test_numbers_that_somebody_edited_ask_nothing() -> None:
    cluster = analyzing().passing(INTERVAL_SECONDS)
    cluster.objects["Rollout", "weather-2"]["status"]["engine"] = {"since": []}

    assert wanted_metrics(cluster.facts()) is None
