"""What `/metrics` shows.

`serin_requests_total` counts inference and nothing else, every code included, because a rollout is judged by it: a
probe or a scrape among them would dilute the share of failures. Its label values come from the settings, never from
the request, so that no client can make new series. The usual codes exist with 0 from the start: a first failure that
creates its series has no earlier sample and would be invisible to `increase()`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics import disable_created_metrics

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

METHODS = ("infer", "predict")
_PROTOCOL = "http"
_CODES_FROM_THE_START = (200, 400, 500, 503)

_BUCKETS_SECONDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


class Telemetry:
    def __init__(self, model: str, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # They would double the number of series.
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._labels = (model, version)
        self._requests = Counter(
            "serin_requests_total",
            "Inference requests by the code they were answered with; 499: the client went away first.",
            ["model", "version", "method", "protocol", "code"],
            registry=self._registry,
        )
        duration = Histogram(
            "serin_request_duration_seconds",
            "From the whole request read to its answer written, inference requests only.",
            ["model", "version", "method"],
            buckets=_BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "serin_in_flight_requests",
            "Inference requests being worked on in a thread.",
            ["model", "version"],
            registry=self._registry,
        ).labels(*self._labels)
        self._load_seconds = Gauge(
            "serin_model_load_seconds",
            "From the start of the process's work on the model (fetch, check, load, warm-up) until ready; 0 before.",
            ["model", "version"],
            registry=self._registry,
        ).labels(*self._labels)
        self._durations = {method: duration.labels(*self._labels, method) for method in METHODS}
        self._counts = {
            (method, code): self._requests.labels(*self._labels, method, _PROTOCOL, str(code))
            for method in METHODS
            for code in _CODES_FROM_THE_START
        }

    def record_request(self, method: str, status: int, seconds: float) -> None:
        count = self._counts.get((method, status))
        if count is None:
            count = self._requests.labels(*self._labels, method, _PROTOCOL, str(status))
            self._counts[method, status] = count
        count.inc()
        self._durations[method].observe(seconds)

    def record_started(self) -> None:
        self._in_flight.inc()

    def record_finished(self) -> None:
        self._in_flight.dec()

    def record_loaded(self, seconds: float) -> None:
        self._load_seconds.set(seconds)

    def render(self) -> bytes:
        return generate_latest(self._registry)
