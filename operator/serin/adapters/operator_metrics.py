"""What the operator tells Prometheus about itself, and the endpoint that shows it: `/metrics`, and `/readyz` beside it.

kopf has an endpoint for liveness that knows one path only.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any, get_args
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app

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
    def serve(self, port: int, find_unreadiness: Callable[[], str | None]) -> Iterator[None]:
        """Answers from threads of its own; port 0: nobody does. `find_unreadiness` tells what is still waited for."""
        if not port:
            yield
            return
        tell_metrics = make_wsgi_app(self._registry)

        def answer(environ: dict[str, Any], start_response: Any) -> Any:
            if environ["PATH_INFO"] != "/readyz":
                return tell_metrics(environ, start_response)
            missing = find_unreadiness()
            status = "503 Service Unavailable" if missing else "200 OK"
            start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
            return [f"{missing or 'ready'}\n".encode()]

        with make_server("0.0.0.0", port, answer, _Server, _QuietHandler) as server:  # noqa: S104 (the pod's own)
            thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    """A scrape that is slow to read its answer keeps no probe waiting."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base names it)
        """A line per probe would hide all others."""
