"""What the presets read from other servers' real expositions, scraped by a real Prometheus."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from serin.adapters.prometheus import PrometheusMetrics
from serin.api.v1alpha1.model_deployment import Metrics
from serin.api.v1alpha1.plan import Metric
from serin.core.facts import CounterRequest, Endpoint, Key, MetricReadings
from serin.core.metric_presets import PRESETS, Preset, preset_of
from serin.core.model_deployment.names import deployment_name
from serin.core.rollout.questions import make_question
from serin.runtime.clock import SystemClock
from serin_testkit.local_envoy import LocalEnvoy
from serin_testkit.real_prometheus import RealPrometheus
from unit.traffic.intents import BASELINE, CANARY, STABLE, an_intent

pytestmark = pytest.mark.component

EXPOSITIONS = Path(__file__).parent / "expositions"
NAMESPACE = "presets"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    with RealPrometheus.run(tmp_path_factory.mktemp("prometheus")) as prometheus:
        yield prometheus


@pytest.fixture
async def metrics(prometheus: RealPrometheus) -> AsyncIterator[PrometheusMetrics]:
    metrics = PrometheusMetrics(prometheus.url, SystemClock(), jitter=lambda: 0.0)
    yield metrics
    metrics.close()


async def read(metrics: PrometheusMetrics, pod: str, metric: Metric, preset: Preset) -> dict[str, tuple[float, float]]:
    question = make_question(metric, (pod,), metric.bounds, preset)
    found = await metrics.read_counters(CounterRequest(Key(NAMESPACE, "weather"), (question,), 120.0))
    assert isinstance(found, MetricReadings), found
    return {stream: (by_pod[pod].total, by_pod[pod].failed) for stream, by_pod in found.by_stream.items() if by_pod}


@pytest.mark.parametrize(
    ("name", "requests", "failures"),
    [("Serin", 1204, 7), ("Triton", 190, 4), ("MLServer", 26, 6), ("Istio", 1095, 35)],
)
async def test_requests_and_failures_of_each_server_are_told_apart(
    prometheus: RealPrometheus, metrics: PrometheusMetrics, name: str, requests: int, failures: int
) -> None:
    pod = f"{name.lower()}-1"
    prometheus.show(NAMESPACE, pod, (EXPOSITIONS / f"{name.lower()}.txt").read_text())
    await prometheus.until_scraped(NAMESPACE, pod)

    assert await read(metrics, pod, Metric(), PRESETS[name]) == {"success-rate": (requests, failures)}


@pytest.mark.parametrize(
    ("name", "bounds", "expected"),
    [
        ("Serin", (0.005, 0.1), {"latency/0.005": (1200, 200), "latency/0.1": (1200, 10)}),
        ("MLServer", (0.01,), {"latency/0.01": (27, 3)}),
        ("Istio", (0.005, 0.25, 1), {"latency/0.005": (1000, 100), "latency/0.25": (1000, 8), "latency/1": (1000, 2)}),
    ],
)
async def test_latencies_are_asked_for_in_seconds_whatever_unit_the_server_counts_in(
    prometheus: RealPrometheus,
    metrics: PrometheusMetrics,
    name: str,
    bounds: tuple[float, ...],
    expected: dict[str, tuple[float, float]],
) -> None:
    pod = f"{name.lower()}-2"
    prometheus.show(NAMESPACE, pod, (EXPOSITIONS / f"{name.lower()}.txt").read_text())
    await prometheus.until_scraped(NAMESPACE, pod)

    assert await read(metrics, pod, Metric(name="latency", type="Histogram", bounds=bounds), PRESETS[name]) == expected
    everything = await read(metrics, pod, Metric(name="latency", type="Histogram"), PRESETS[name])
    assert expected.items() <= everything.items()


async def test_requests_that_a_real_envoy_counts_are_told_by_pod_and_not_by_who_answered_in_the_end(
    prometheus: RealPrometheus, metrics: PrometheusMetrics
) -> None:
    async with LocalEnvoy.run(an_intent({STABLE: 50.0, CANARY: 50.0})) as envoy:
        await envoy.send({} for _ in range(100))
        envoy.pods[CANARY].status = 500
        await envoy.send({} for _ in range(100))
        page = (await envoy.ask("/metrics")).body
    reached = {pods.name: pods.requests for pods in envoy.pods.values()}
    # Here all pods have one address, in a cluster one port.
    for number, pods in enumerate(envoy.pods.values(), start=1):
        page = page.replace(f'"127.0.0.1:{pods.port}"', f'"10.0.0.{number}:8080"')
    prometheus.show(NAMESPACE, "router-1", page)
    await prometheus.until_scraped(NAMESPACE, "router-1")
    endpoints = tuple(Endpoint(f"10.0.0.{number}", pod, 0.0) for number, pod in enumerate(reached, start=1))
    question = make_question(Metric(), ("router-1",), (), PRESETS["Router"])

    found = await metrics.read_counters(
        CounterRequest(Key(NAMESPACE, "weather"), (replace(question, endpoints=endpoints),), 120.0)
    )

    assert isinstance(found, MetricReadings), found
    counts = {place: (found.total, found.failed) for place, found in found.by_stream["success-rate"].items()}
    stable, baseline, canary = (deployment_name(route) for route in (STABLE, BASELINE, CANARY))
    failures = counts[f"{canary}@router-1"][1]
    assert 5 <= failures < 50, "those until it was left out"
    assert counts == {
        f"{stable}@router-1": (reached[stable], 0),  # with the answers that it gave in the canary's place
        f"{baseline}@router-1": (0, 0),  # a pod that a router knows is told from the first scrape on
        f"{canary}@router-1": (reached[canary], failures),
    }


async def test_a_server_that_has_loaded_and_served_nothing_reads_zero_only_where_it_says_so_itself(
    prometheus: RealPrometheus, metrics: PrometheusMetrics
) -> None:
    prometheus.show(NAMESPACE, "idle", 'nv_inference_request_success{model="m",version="1"} 0\n')
    await prometheus.until_scraped(NAMESPACE, "idle")

    assert await read(metrics, "idle", Metric(), PRESETS["Triton"]) == {"success-rate": (0, 0)}
    assert await read(metrics, "idle", Metric(), PRESETS["MLServer"]) == {}


async def test_counters_of_ones_own_are_read_as_named(prometheus: RealPrometheus, metrics: PrometheusMetrics) -> None:
    page = 'hits_total{route="/p"} 50\nhits_total{route="/x"} 9\nmisses_total{route="/p"} 2\nhit_ms_bucket{le="5"} 40\n'
    prometheus.show(NAMESPACE, "own", page + 'hit_ms_bucket{le="+Inf"} 50\n')
    await prometheus.until_scraped(NAMESPACE, "own")
    custom = preset_of(
        Metrics(preset="Custom", total='hits_total{route="/p"}', failed="misses_total", latency_buckets="hit_ms_bucket")
    )

    assert await read(metrics, "own", Metric(), custom) == {"success-rate": (50, 2)}
    latency = Metric(name="latency", type="Histogram", bounds=(0.005,))
    assert await read(metrics, "own", latency, custom) == {"latency/0.005": (50, 10)}
