"""What `/metrics` shows.

`serin_requests_total` counts inference and nothing else, every code included, because a rollout is judged by it: a
probe or a scrape among them would dilute the share of failures. Its label values come from the settings, never from
the request, so that no client can make new series. The usual codes exist with 0 from the start: a first failure that
creates its series has no earlier sample and would be invisible to `increase()`.

Everything is recorded in the loop's thread, so the numbers are plain: the library's own counters take a lock for each
of them, and that cost more than parsing the request. The library still writes the text, from `collect`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import time_ns
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from serin_server.input_ranges import InputRange
from serin_server.observed_values import ObservedValues
from serin_server.oip.datatypes import Array
from serin_server.oip.signature import Signature
from serin_server.predictions import OutputRoles
from serin_server.value_metrics import make_value_metrics

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

METHODS = ("infer", "predict")
_PROTOCOLS_BY_METHOD: Final = (("infer", "http"), ("infer", "grpc"), ("predict", "http"))
_OK: Final = 200
_CODES_FROM_THE_START = (200, 400, 500, 503)

LATENCY_BUCKETS_SECONDS: Final[Sequence[float]] = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip

_BUCKETS_REQUESTS: Final[Sequence[float]] = (1, 2, 4, 8, 16, 32, 64)


class Distribution:
    """Counts by bucket, and the sum: what a histogram needs."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self._counts)

    def add_to(self, family: HistogramMetricFamily, labels: Sequence[str]) -> None:
        buckets: list[tuple[str, float]] = []
        count = 0
        for bound, more in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            count += more
            buckets.append((bound, count))
        family.add_metric(labels, buckets=buckets, sum_value=self.sum)


@dataclass(frozen=True, slots=True)
class RunTotals:
    """Since the start of the process."""

    succeeded: int
    succeeded_seconds: float
    failed: int
    failed_seconds: float
    executions: int
    run_seconds: float
    queue_wait_seconds: float
    last_inference_ms: int
    """Of the Unix time; 0: there was none."""


class Telemetry(Collector):
    def __init__(
        self,
        model: str,
        version: str,
        latency_buckets: Sequence[float] = LATENCY_BUCKETS_SECONDS,
        input_ranges: Sequence[InputRange] = (),
    ) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._labels = (model, version)
        self._input_ranges = input_ranges
        self._counts = {
            (method, protocol, code): 0 for method, protocol in _PROTOCOLS_BY_METHOD for code in _CODES_FROM_THE_START
        }
        self._durations = {method: Distribution(latency_buckets) for method in METHODS}
        self._batch_sizes = Distribution(_BUCKETS_REQUESTS)
        self._queue_waits = Distribution(LATENCY_BUCKETS_SECONDS)
        self._run_seconds = 0.0
        self._succeeded_seconds = 0.0
        self._last_inference_ms = 0
        self._values: ObservedValues | None = None
        self._in_flight = 0
        self.load_seconds = 0.0
        self._registry.register(self)

    def record_request(self, method: str, status: int, seconds: float, protocol: str = "http") -> None:
        series = (method, protocol, status)
        self._counts[series] = self._counts.get(series, 0) + 1
        self._durations[method].observe(seconds)
        if status == _OK:
            self._succeeded_seconds += seconds

    def record_run(self, requests: int, seconds: float, queue_wait_seconds: float) -> None:
        """One run of the model, for so many requests; the first of them waited so long for it."""
        self._batch_sizes.observe(requests)
        self._queue_waits.observe(queue_wait_seconds)
        self._run_seconds += seconds
        self._last_inference_ms = time_ns() // 1_000_000

    def record_values(self, feeds: dict[str, Array], outputs: dict[str, Array]) -> None:
        """What one run took and gave."""
        if self._values is not None:
            self._values.record(feeds, outputs)

    def record_refused(self, feeds: dict[str, Array]) -> None:
        """What was out of range and is kept from the model."""
        if self._values is not None:
            self._values.record_refused(feeds)

    def record_started(self) -> None:
        self._in_flight += 1

    def record_finished(self) -> None:
        self._in_flight -= 1

    def record_loaded(self, seconds: float, signature: Signature, roles: OutputRoles) -> None:
        self.load_seconds = seconds
        self._values = ObservedValues(signature, roles, self._input_ranges)

    def observe_totals(self) -> RunTotals:
        succeeded = sum(count for (_, _, code), count in self._counts.items() if code == _OK)
        all_seconds = sum(distribution.sum for distribution in self._durations.values())
        return RunTotals(
            succeeded=succeeded,
            succeeded_seconds=self._succeeded_seconds,
            failed=sum(self._counts.values()) - succeeded,
            failed_seconds=all_seconds - self._succeeded_seconds,
            executions=self._batch_sizes.count,
            run_seconds=self._run_seconds,
            queue_wait_seconds=self._queue_waits.sum,
            last_inference_ms=self._last_inference_ms,
        )

    def collect_all(self) -> Iterable[Metric]:
        """Of the process too."""
        return self._registry.collect()

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "serin_requests_total",
            "Inference requests by the code they were answered with; 499: the client went away first.",
            labels=("model", "version", "method", "protocol", "code"),
        )
        for (method, protocol, code), count in self._counts.items():
            requests.add_metric((*self._labels, method, protocol, str(code)), count)
        yield requests
        durations = HistogramMetricFamily(
            "serin_request_duration_seconds",
            "From the whole request read to its answer written, inference requests only.",
            labels=("model", "version", "method"),
        )
        for method, distribution in self._durations.items():
            distribution.add_to(durations, (*self._labels, method))
        yield durations
        yield self._make_histogram("serin_batch_size", "Requests that shared one run of the model.", self._batch_sizes)
        yield self._make_histogram(
            "serin_queue_wait_seconds", "From the whole request read to the start of its run.", self._queue_waits
        )
        if self._values is not None:
            yield from make_value_metrics(self._values, self._labels)
        yield self._make_gauge(
            "serin_in_flight_requests", "Inference requests being worked on in a thread.", self._in_flight
        )
        yield self._make_gauge(
            "serin_model_load_seconds",
            "From the start of the process's work on the model (fetch, check, load, warm-up) until ready; 0 before.",
            self.load_seconds,
        )

    def _make_histogram(self, name: str, meaning: str, distribution: Distribution) -> HistogramMetricFamily:
        family = HistogramMetricFamily(name, meaning, labels=("model", "version"))
        distribution.add_to(family, self._labels)
        return family

    def _make_gauge(self, name: str, meaning: str, value: float) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, meaning, labels=("model", "version"))
        family.add_metric(self._labels, value)
        return family
