"""When Prometheus is asked, and for what: once per interval of a comparison, for the pods of the three variants."""

from typing import Any

import pytest
from serin.core.model_deployment.metrics_wanted import wanted_counters
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster


def analyzing(**plan: Any) -> PaperCluster:
    return PaperCluster(**plan).serving("1").wanting("2").until("Analyzing").settled()


def test_nothing_is_asked_without_a_comparison() -> None:
    assert wanted_counters(PaperCluster().facts()) is None
    assert wanted_counters(PaperCluster().serving("1").facts()) is None
    assert wanted_counters(PaperCluster().serving("1").wanting("2").until("Preparing").facts()) is None


def test_a_look_is_due_one_interval_after_the_last() -> None:
    cluster = analyzing()
    assert wanted_counters(cluster.passing(INTERVAL_SECONDS - 1).facts()) is None
    assert wanted_counters(cluster.passing(1).facts()) is not None

    cluster.look(cluster.readings())
    assert wanted_counters(cluster.facts()) is None


def test_the_pods_of_all_three_variants_are_asked_for() -> None:
    cluster = analyzing(size=2)
    request = wanted_counters(cluster.passing(INTERVAL_SECONDS).facts())

    assert request is not None
    assert sorted(request.pods) == sorted(pod.name for pod in cluster.pods.all)
    assert len(request.pods) == 2 + 2 + 2


def test_the_window_reaches_over_a_scrape_interval_of_a_minute_and_over_three_looks() -> None:
    usual = wanted_counters(analyzing().passing(INTERVAL_SECONDS).facts())
    slow = wanted_counters(analyzing(analysis={"interval": "5m", "maxDuration": "1h"}).passing(300).facts())

    assert usual is not None
    assert slow is not None
    assert (usual.window_seconds, slow.window_seconds) == (120.0, 900.0)


def test_own_counters_of_the_plan_are_asked_for() -> None:
    metrics = [{"total": "hits_total", "failed": 'hits_total{code=~"5.."}'}]
    request = wanted_counters(analyzing(analysis={"metrics": metrics}).passing(INTERVAL_SECONDS).facts())

    assert request is not None
    assert (request.total, request.failed) == ("hits_total", 'hits_total{code=~"5.."}')


@pytest.mark.parametrize("pause", ["the attempt", "everything"])
def test_nothing_is_asked_while_paused(pause: str) -> None:
    cluster = analyzing()
    if pause == "everything":
        cluster.applying(paused=True)
    else:
        cluster.pausing()

    assert wanted_counters(cluster.settled().passing(INTERVAL_SECONDS).facts()) is None


def test_numbers_that_somebody_edited_ask_nothing() -> None:
    cluster = analyzing().passing(INTERVAL_SECONDS)
    cluster.objects["Rollout", "weather-2"]["status"]["engine"] = {"since": []}

    assert wanted_counters(cluster.facts()) is None
