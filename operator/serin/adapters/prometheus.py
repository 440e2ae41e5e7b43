"""The serving pods' counters, read from Prometheus as they were scraped.

Instant queries with a range selector: the answer holds every sample with its own time, which an aggregation or
`rate()` would hide. All series of a pod that carry one time come from one scrape; only those are added up.

How questions share a query: prometheus_batches.py. How one is asked: prometheus_connection.py.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import requests
import structlog

from serin.adapters.prometheus_batches import Past, PrometheusBatches, Selection, Series, Window
from serin.adapters.prometheus_buckets import is_one_of, make_bound_matcher, read_buckets
from serin.adapters.prometheus_categories import make_categories_selector, read_categories
from serin.adapters.prometheus_connection import CountQuery, PrometheusConnection, UnavailableError
from serin.adapters.prometheus_endpoints import select_endpoints
from serin.adapters.prometheus_query import InvalidSelectorError, PodName, make_query, narrow_selector
from serin.adapters.prometheus_samples import InvalidAnswerError, newest, read_pair, read_requests
from serin.core.evidence.categories import CategoryReading
from serin.core.evidence.counters import Reading
from serin.core.facts import (
    CounterRequest,
    HistoryRequest,
    MetricHistory,
    MetricQuestion,
    MetricReadings,
    MetricsUnavailable,
)
from serin.core.metric_presets import FailedCounter, FailedSeries
from serin.core.rollout.streams import stream_name
from serin.runtime.ports import Clock

_log = structlog.get_logger("serin.prometheus")

_Streams = Mapping[str, Mapping[str, tuple[Reading, ...]]]


class PrometheusMetrics:
    """The port `MetricSource`. `jitter` gives numbers in [0, 1)."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        jitter: Callable[[], float],
        session: requests.Session | None = None,
    ) -> None:
        self._connection = PrometheusConnection(url, clock, jitter, session)
        self._batches = PrometheusBatches(self._ask, clock)

    def report_to(self, count_query: CountQuery) -> None:
        self._connection.count_query = count_query

    def close(self) -> None:
        self._batches.close()
        self._connection.close()

    async def read_counters(self, request: CounterRequest) -> MetricReadings | MetricsUnavailable:
        window = Window(max(1, round(request.window_seconds)))
        found = await self._read_all(request, window)
        if isinstance(found, MetricsUnavailable):
            return found
        by_stream = {stream: newest(by_pod) for stream, by_pod in found.items()}
        return MetricReadings(by_stream, await self._read_categories(request, window))

    async def read_history(self, request: HistoryRequest) -> MetricHistory | MetricsUnavailable:
        found = await self._read_all(request, Past(request.start, request.end, request.step_seconds))
        return found if isinstance(found, MetricsUnavailable) else MetricHistory(found)

    async def _read_all(
        self, request: CounterRequest | HistoryRequest, span: Window | Past
    ) -> _Streams | MetricsUnavailable:
        """Nothing where one question fails: half an answer would judge a rollout's metrics on different requests."""
        questions = [question for question in request.questions if question.pods and question.type != "Categories"]
        where = f"Prometheus at {self._connection.shown_url}"
        try:
            found = await asyncio.gather(*(self._read(question, request.key.namespace, span) for question in questions))
        except UnavailableError as error:
            return MetricsUnavailable(f"{where}: {error}")
        except InvalidAnswerError as error:
            return MetricsUnavailable(f"{where} answered no counters: {error}")
        except InvalidSelectorError as error:
            return MetricsUnavailable(str(error))
        by_stream: defaultdict[str, dict[str, tuple[Reading, ...]]] = defaultdict(dict)
        for streams in found:
            for stream, by_pod in streams.items():
                by_stream[stream] |= by_pod
        return by_stream

    async def _read_categories(
        self, request: CounterRequest, window: Window
    ) -> Mapping[str, Mapping[str, CategoryReading]]:
        """After the others: a scrape that these have seen is then seen here. One that fails leaves its metric out."""
        found: dict[str, dict[str, CategoryReading]] = {}
        for question in request.questions:
            if question.type == "Categories" and question.pods:
                pods = tuple(PodName(request.key.namespace, pod) for pod in question.pods)
                try:
                    selector = narrow_selector(make_categories_selector(question))
                    readings = read_categories(await self._batches.read(Selection(selector, window), pods), question)
                    found.setdefault(question.name, {}).update(readings)
                except (UnavailableError, InvalidAnswerError, InvalidSelectorError) as error:
                    _log.warning("a metric of predictions cannot be read", metric=question.name, reason=str(error))
        return found

    async def _read(self, question: MetricQuestion, namespace: str, span: Window | Past) -> _Streams:
        pods = tuple(PodName(namespace, pod) for pod in question.pods)

        async def ask(selector: str, matcher: str = "") -> list[Series]:
            found = await self._batches.read(Selection(narrow_selector(selector, matcher), span), pods)
            return select_endpoints(found, question.endpoints) if question.endpoints else found

        if question.type == "Histogram":
            bounds, unit = question.bounds, question.bucket_seconds
            by_bound = read_buckets(await ask(question.buckets, make_bound_matcher(bounds, unit)), unit)
            return {
                stream_name(question.name, bound): by_pod
                for bound, by_pod in by_bound.items()
                if not bounds or is_one_of(bound, bounds)
            }
        requests = await ask(question.requests)
        if not isinstance(question.failed, FailedCounter):
            return {question.name: read_requests(requests, question.failed or FailedSeries(()))}
        # In this order: a failure counted between the two is then newer than the total, and left for the next.
        failed = await ask(question.failed.selector)
        return {question.name: read_pair(requests, failed, question.failed)}

    async def _ask(self, selection: Selection, pods: Sequence[PodName]) -> object:
        span = selection.span
        if isinstance(span, Window):
            return await self._connection.query(make_query(selection.selector, pods, f"[{span.seconds}s]"))
        query = make_query(selection.selector, pods, "")
        return await self._connection.query_range(query, span.start, span.end, span.step_seconds)
