"""Preset Router: a workload without counters of its own is judged by those of the routers before it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from serin.core.evidence.counters import Reading
from serin.core.facts import MetricQuestion, MetricReadings, RouterPod, TrafficFacts
from serin.core.metric_presets import PRESETS, SERIN
from serin.core.model_deployment.metrics_wanted import MetricsWanted, wanted_metrics
from serin.runtime.ports import TrafficView
from unit.core.exact_traffic import ExactTraffic
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster

STREAM = "success-rate"
BY_ROUTERS = {"image": "somebodys", "metrics": {"preset": "Router"}}


class RoutedTraffic(ExactTraffic):
    """As exact as a proxy with weights, with pods that have names."""

    def __init__(self) -> None:
        self.routers: tuple[RouterPod, ...] | None = (RouterPod("r1", True), RouterPod("r2", True))

    async def observe(self, view: TrafficView) -> TrafficFacts:
        return replace(await super().observe(view), routers=self.routers)


class RoutedCluster(PaperCluster):
    """Each router counts half of what the pods have served, since it was first asked for."""

    def __init__(self, **plan: Any) -> None:
        super().__init__(splits_exactly=True, **plan)
        self.router = self.traffic = RoutedTraffic()

    def readings(self) -> MetricReadings:
        return self.scrape("r1", "r2")

    def scrape(self, *routers: str) -> MetricReadings:
        at = self.now.timestamp()
        places = {
            f"{pod.name}@{router}": Reading(at, pod.requests / 2, pod.failures / 2)
            for pod in self.pods.all
            for router in routers
        }
        return MetricReadings({STREAM: places})

    def judged(self) -> tuple[int, int, int, int]:
        """Requests and failures of baseline and canary in the status."""
        (metric,) = self.attempt.metrics
        return metric.baseline.requests, metric.baseline.failures, metric.canary.requests, metric.canary.failures


def begun(server: dict[str, Any] = BY_ROUTERS, **plan: Any) -> RoutedCluster:
    cluster = RoutedCluster(analysis={"warmup": "0s", "minDuration": "0s", "maxDuration": "5m", **plan})
    cluster.applying(server=server).serving("1").wanting("2").until("Analyzing").settled()
    return cluster


def analyzing(**plan: Any) -> RoutedCluster:
    """The comparison has begun, and its first scrape of each router is taken."""
    cluster = begun(**plan)
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings())
    return cluster


def ask(cluster: PaperCluster) -> MetricsWanted:
    """At the next look."""
    wanted = wanted_metrics(cluster.passing(INTERVAL_SECONDS).facts())
    assert wanted is not None
    return wanted


def pods_of(question: MetricQuestion) -> Sequence[str]:
    return sorted(endpoint.pod for endpoint in question.endpoints)


def test_routers_are_asked_for_what_they_count_at_the_addresses_of_the_pods() -> None:
    cluster = begun()
    (question,) = ask(cluster).counters.questions

    assert (question.name, question.requests, question.pods) == (STREAM, PRESETS["Router"].requests, ("r1", "r2"))
    assert pods_of(question) == sorted(pod.name for pod in cluster.pods.all)
    assert len({endpoint.address for endpoint in question.endpoints}) == 2 + 1 + 1
    assert all(endpoint.since_seconds <= cluster.now.timestamp() for endpoint in question.endpoints)


def test_the_hour_before_is_asked_of_the_routers_for_the_stable_pods() -> None:
    cluster = begun()
    history = ask(cluster).history
    assert history is not None
    assert history.questions[0].pods == ("r1", "r2")
    assert set(pods_of(history.questions[0])) == {pod.name for pod in cluster.pods.of(cluster.route_of("1").revision)}


def test_a_metric_with_selectors_of_its_own_is_asked_of_the_pods() -> None:
    hits = {"name": "hits", "total": "hits_total", "failed": 'hits_total{code=~"5.."}'}
    cluster = begun(metrics=[hits, {}])
    own, by_routers = ask(cluster).counters.questions

    assert (sorted(own.pods), own.endpoints) == (sorted(pod.name for pod in cluster.pods.all), ())
    assert by_routers.pods == ("r1", "r2")
    readings = cluster.readings().by_stream[STREAM]
    of_pods = cluster.pods.readings(cluster.now).by_stream[STREAM]
    cluster.look(MetricReadings({"hits": of_pods, STREAM: readings}))
    assert cluster.attempt.reason == "NoData", "both metrics have been read, and closed an interval"


def test_another_version_may_count_for_itself() -> None:
    cluster = RoutedCluster(analysis={"warmup": "0s"})
    cluster.applying(server=BY_ROUTERS).serving("1").wanting("2", server={}).until("Analyzing").settled()
    by_routers, own = ask(cluster).counters.questions

    assert own.requests == SERIN.requests
    assert list(own.pods) == [pod.name for pod in cluster.pods.of(cluster.route_of("2").revision)]
    assert not set(own.pods) & set(pods_of(by_routers))


def test_what_all_routers_count_is_judged() -> None:
    cluster = analyzing()
    cluster.compare(requests=300, canary_failures=2)
    assert cluster.judged() == (300, 0, 300, 2)

    cluster.compare(requests=500, canary_failures=250)
    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Rejected", "EvidenceBad")


def test_a_router_that_is_not_scraped_is_waited_for_and_named() -> None:
    cluster = analyzing()
    for _ in range(3):
        cluster.count_requests(100)
        cluster.passing(INTERVAL_SECONDS).look(cluster.scrape("r1"))
    (baseline,) = cluster.pods.of(f"{cluster.route_of('1').revision}-baseline")

    assert cluster.attempt.reason == "MetricsUnavailable"
    assert f"Prometheus has no new scrape of {baseline.name} by router r2" in str(cluster.attempt.message)
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings())
    assert cluster.judged() == (300, 0, 300, 0)


def test_a_router_on_its_way_out_is_not_waited_for() -> None:
    cluster = analyzing()
    cluster.router.routers = (RouterPod("r1", True), RouterPod("r2", False))
    cluster.count_requests(100)
    cluster.passing(INTERVAL_SECONDS).look(cluster.scrape("r1"))

    assert cluster.judged() == (50, 0, 50, 0)


def test_without_any_router_nothing_is_judged() -> None:
    cluster = analyzing()
    cluster.router.routers = ()
    for _ in range(3):
        cluster.passing(INTERVAL_SECONDS).look(MetricReadings({}))

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "MetricsUnavailable")


def test_where_requests_go_through_no_router_any_more_the_status_says_what_to_do() -> None:
    cluster = analyzing()
    cluster.router.routers = None
    assert ask(cluster).unanswerable == (
        "metric success-rate: one of the versions has the preset Router, and no routers count: choose "
        "spec.traffic.provider Router until this rollout is over."
    )


def test_latencies_are_refused_for_want_of_counters_by_pod() -> None:
    cluster = begun(metrics=[{}, {"name": "latency", "type": "Histogram"}])
    assert ask(cluster).unanswerable == (
        "metric latency: preset Router has no histogram of latencies, name one in buckets."
    )


def test_a_restart_of_the_operator_at_every_interval_changes_no_number() -> None:
    stories = []
    for looks_between in (0, 3):
        cluster = analyzing()
        for interval in range(4):
            cluster.compare(requests=98, canary_failures=2 * (interval % 2))
            for _ in range(looks_between):
                cluster.look()
        stories.append((cluster.attempt.engine, cluster.judged(), cluster.attempt.message))

    assert stories[0] == stories[1]
