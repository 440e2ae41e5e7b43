"""What the operator tells Prometheus about itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from serin.adapters.prometheus_connection import QueryOutcome
from serin.adapters.rollout_metrics import RolloutMetrics
from serin.runtime.cache import Cache
from serin.runtime.outcomes import Outcome
from serin.runtime.workqueue import WorkQueue

_DURATION_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)


class OperatorMetrics:
    """The port `Meter`, and the endpoint that shows it."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._reconciles = Counter(
            "serin_operator_reconciles", "Reconciles by how they ended.", ["outcome"], registry=self._registry
        )
        for outcome in Outcome:
            # From the start, so that the first bug is an increase and not a new series.
            self._reconciles.labels(outcome.value)
        self._durations = Histogram(
            "serin_operator_reconcile_seconds",
            "How long a reconcile takes.",
            buckets=_DURATION_BUCKETS,
            registry=self._registry,
        )
        self._writes = Counter(
            "serin_operator_writes", "Writes to the API server.", ["kind", "verb"], registry=self._registry
        )
        self._queries = Counter(
            "serin_operator_prometheus_queries",
            "Queries to Prometheus by outcome.",
            ["outcome"],
            registry=self._registry,
        )
        for outcome in get_args(QueryOutcome):
            self._queries.labels(outcome)
        self._query_seconds = Histogram(
            "serin_operator_prometheus_query_seconds",
            "How long a query to Prometheus takes.",
            buckets=_DURATION_BUCKETS,
            registry=self._registry,
        )
        self._depth = Gauge(
            "serin_operator_queue_depth", "ModelDeployments that wait for a worker.", registry=self._registry
        )
        self._delayed = Gauge(
            "serin_operator_queue_delayed", "ModelDeployments that are due later.", registry=self._registry
        )

    def count_reconcile(self, outcome: str, seconds: float) -> None:
        self._reconciles.labels(outcome).inc()
        self._durations.observe(seconds)

    def count_write(self, kind: str, verb: str) -> None:
        self._writes.labels(kind, verb).inc()

    def count_query(self, outcome: QueryOutcome, seconds: float) -> None:
        self._queries.labels(outcome).inc()
        if outcome != "spared":
            self._query_seconds.observe(seconds)

    def watch_queue(self, queue: WorkQueue) -> None:
        self._depth.set_function(lambda: queue.depth)
        self._delayed.set_function(lambda: queue.delayed)

    def watch_rollouts(self, cache: Cache) -> None:
        self._registry.register(RolloutMetrics(lambda: cache.all("Rollout")))

    def value(self, name: str, **labels: str) -> float | None:
        """The present value of one series; None when there is none."""
        return self._registry.get_sample_value(name, labels)

    @contextmanager
    def serve(self, port: int) -> Iterator[None]:
        """Answers on `/metrics` from a thread of its own; port 0: nobody does."""
        if not port:
            yield
            return
        server, thread = start_http_server(port, registry=self._registry)
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
