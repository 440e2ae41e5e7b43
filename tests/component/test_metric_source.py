"""What the operator relies on when it asks for counters: the same for real back ends and for the scripted one."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
from serin.adapters.prometheus import PrometheusMetrics
from serin.adapters.prometheus_session import make_session
from serin.core.facts import (
    CounterRequest,
    HistoryRequest,
    Key,
    MetricHistory,
    MetricQuestion,
    MetricReadings,
    MetricsUnavailable,
)
from serin.core.metric_presets import SERIN
from serin.runtime.clock import SystemClock
from serin.runtime.ports import MetricSource
from serin_testkit.real_prometheus import RealPrometheus, RealVictoriaMetrics
from serin_testkit.real_stores import RealMimir, RealThanos
from serin_testkit.scripted_prometheus import ScriptedPrometheus

pytestmark = pytest.mark.component

BOUNDS = (0.1, 0.25)

BACK_ENDS: dict[str, type[RealPrometheus]] = {
    "prometheus": RealPrometheus,
    "victoria_metrics": RealVictoriaMetrics,
    "thanos": RealThanos,
    "mimir": RealMimir,
}
# The others take a quarter of an hour to build: `make test-stores` names them here.
ALWAYS = "prometheus,victoria_metrics"
CHOSEN = os.environ.get("SERIN_METRIC_SOURCES", ALWAYS).split(",")


class Stage(Protocol):
    """Pods with counters, and somebody who scrapes them."""

    namespace: str

    @property
    def source(self) -> MetricSource: ...

    async def count(self, pod: str, requests: int, failures: int) -> None:
        """All that the pod has counted, scraped before this returns."""

    async def end(self, pod: str) -> None: ...

    async def break_down(self) -> None: ...

    async def recover(self) -> None: ...


class ScriptedStage:
    namespace = "ml"

    def __init__(self) -> None:
        self._script = ScriptedPrometheus()
        self._script.has_past = True
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def source(self) -> MetricSource:
        return self._script

    async def count(self, pod: str, requests: int, failures: int) -> None:
        self._now += timedelta(seconds=1)
        known = self._script._counted.get(pod)
        self._script.requests = requests - (known.requests if known else 0)
        before = known.failures if known else 0
        self._script.failing = {pod: float(failures - before) / self._script.requests if self._script.requests else 0}
        env = [{"name": "SERIN_MODEL_VERSION", "value": pod}]
        labels = {"serin.dev/track": "primary"}
        spec = {"containers": [{"name": "server", "env": env}]}
        self._script.scrape([{"metadata": {"name": pod, "labels": labels}, "spec": spec}], self._now)

    async def end(self, pod: str) -> None:
        self._script.hidden = {pod}

    async def break_down(self) -> None:
        self._script.trouble = "cannot be connected to"

    async def recover(self) -> None:
        self._script.trouble = None


class RealStage:
    def __init__(self, prometheus: RealPrometheus, namespace: str) -> None:
        self.namespace = namespace
        self._prometheus = prometheus
        session = make_session(tenant=prometheus.tenant)
        self._metrics = PrometheusMetrics(prometheus.url, SystemClock(), jitter=lambda: 0.0, session=session)

    @property
    def source(self) -> MetricSource:
        return self._metrics

    async def count(self, pod: str, requests: int, failures: int) -> None:
        good = requests - failures
        slow = {"0.1": requests - requests // 10, "0.25": requests - requests // 100, "+Inf": requests}
        lines = [f'serin_requests_total{{code="200"}} {good}', f'serin_requests_total{{code="500"}} {failures}']
        lines += [f'serin_request_duration_seconds_bucket{{le="{le}"}} {count}' for le, count in slow.items()]
        self._prometheus.show(self.namespace, pod, "\n".join(lines) + "\n")
        await self._prometheus.until_scraped(self.namespace, pod)

    async def end(self, pod: str) -> None:
        self._prometheus.remove(self.namespace, pod)

    async def break_down(self) -> None:
        await asyncio.to_thread(self._prometheus.stop)

    async def recover(self) -> None:
        await asyncio.to_thread(self._prometheus.start)

    def close(self) -> None:
        self._metrics.close()


@pytest.fixture(scope="module")
def back_ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], RealPrometheus]]:
    """Each is started when the first test wants it."""
    with ExitStack() as running:
        started: dict[str, RealPrometheus] = {}

        def start(name: str) -> RealPrometheus:
            if name not in started:
                started[name] = running.enter_context(BACK_ENDS[name].run(tmp_path_factory.mktemp(name)))
            return started[name]

        yield start


@pytest.fixture(params=["scripted", *CHOSEN])
async def stage(request: pytest.FixtureRequest, back_ends: Callable[[str], RealPrometheus]) -> AsyncIterator[Stage]:
    if request.param == "scripted":
        yield ScriptedStage()
        return
    name = f"ns-{abs(hash(request.node.name))}"
    real = RealStage(back_ends(request.param), name)
    yield real
    real.close()


def failures_of(*pods: str, name: str = "success-rate") -> MetricQuestion:
    return MetricQuestion(name, pods, requests=SERIN.requests or "", failed=SERIN.failed)


def latencies_of(*pods: str, bounds: tuple[float, ...] = ()) -> MetricQuestion:
    return MetricQuestion("latency", pods, "Histogram", buckets=SERIN.buckets or "", bounds=bounds)


async def read(stage: Stage, *questions: MetricQuestion) -> MetricReadings | MetricsUnavailable:
    return await stage.source.read_counters(CounterRequest(Key(stage.namespace, "weather"), questions, 120.0))


async def read_counts(stage: Stage, *questions: MetricQuestion) -> dict[str, dict[str, tuple[float, float]]]:
    """Requests and failures by stream and pod."""
    found = await read(stage, *questions)
    assert isinstance(found, MetricReadings), found
    return {
        stream: {pod: (reading.total, reading.failed) for pod, reading in by_pod.items()}
        for stream, by_pod in found.by_stream.items()
    }


async def test_the_newest_scrape_of_every_pod_that_is_asked_for_is_read(stage: Stage) -> None:
    await stage.count("a", 1000, 0)
    await stage.count("a", 2000, 10)
    await stage.count("b", 500, 500)
    await stage.count("c", 1, 0)

    assert await read_counts(stage, failures_of("a", "b")) == {"success-rate": {"a": (2000, 10), "b": (500, 500)}}


async def test_a_pod_that_nobody_has_scraped_has_no_reading_and_not_one_of_zero(stage: Stage) -> None:
    await stage.count("a", 1000, 0)
    assert await read_counts(stage, failures_of("a", "nobody")) == {"success-rate": {"a": (1000, 0)}}


async def test_to_ask_twice_gives_the_same_and_a_later_scrape_a_later_moment(stage: Stage) -> None:
    await stage.count("a", 1000, 0)
    before = await read(stage, failures_of("a"))
    await stage.count("a", 2000, 0)
    after = await read(stage, failures_of("a"))

    assert isinstance(before, MetricReadings)
    assert isinstance(after, MetricReadings)
    at = [found.by_stream["success-rate"]["a"].at_seconds for found in (before, after)]
    assert at[0] < at[1]


async def test_all_metrics_are_read_with_one_request_a_histogram_by_its_bounds(stage: Stage) -> None:
    await stage.count("a", 1000, 20)
    counts = await read_counts(stage, failures_of("a"), latencies_of("a", bounds=BOUNDS))

    assert counts == {
        "success-rate": {"a": (1000, 20)},
        "latency/0.1": {"a": (1000, 100)},
        "latency/0.25": {"a": (1000, 10)},
    }


async def test_all_bounds_of_a_histogram_are_told_when_none_is_asked_for(stage: Stage) -> None:
    await stage.count("a", 1000, 0)
    counts = await read_counts(stage, latencies_of("a"))
    assert {"latency/0.1", "latency/0.25"} <= counts.keys()
    assert {by_pod["a"][0] for by_pod in counts.values()} == {1000}


async def test_pods_of_two_servers_are_told_under_one_name(stage: Stage) -> None:
    await stage.count("a", 1000, 1)
    await stage.count("b", 2000, 2)
    counts = await read_counts(stage, failures_of("a"), failures_of("b"))
    assert counts == {"success-rate": {"a": (1000, 1), "b": (2000, 2)}}


async def test_a_pod_that_has_gone_keeps_its_last_counts_or_none(stage: Stage) -> None:
    await stage.count("a", 1000, 1)
    await stage.end("a")
    counts = await read_counts(stage, failures_of("a"))
    assert counts["success-rate"].get("a") in (None, (1000, 1))


async def test_the_past_is_on_a_grid_in_the_order_of_time(stage: Stage) -> None:
    await stage.count("a", 1000, 10)
    await stage.count("b", 1000, 10)
    end = datetime.fromtimestamp(int(time.time()), UTC)
    request = HistoryRequest(
        Key(stage.namespace, "weather"), (failures_of("a", "b"),), end - timedelta(seconds=60), end, 1.0
    )
    found = await stage.source.read_history(request)

    assert isinstance(found, MetricHistory), found
    for readings in found.by_stream["success-rate"].values():
        moments = [reading.at_seconds for reading in readings]
        assert moments == sorted(moments)
        assert all(moment == int(moment) for moment in moments)


async def test_when_it_cannot_be_asked_it_says_why_and_when_it_is_back_it_answers(stage: Stage) -> None:
    await stage.count("a", 1000, 1)
    await stage.break_down()
    away = await read(stage, failures_of("a"))
    await stage.recover()

    assert isinstance(away, MetricsUnavailable)
    assert "cannot be connected to" in away.reason
    assert await read_counts(stage, failures_of("a")) == {"success-rate": {"a": (1000, 1)}}
