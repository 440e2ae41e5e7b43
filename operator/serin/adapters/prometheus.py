"""The serving pods' counters, read from Prometheus as they were scraped.

Instant queries with a range selector: the answer holds every sample with its own time, which an aggregation or
`rate()` would hide. All series of a pod that carry one time come from one scrape; only those are added up.

How questions share a query: prometheus_batches.py. How one is asked: prometheus_connection.py.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import requests
import structlog

from serin.adapters.prometheus_batches import Past, PrometheusBatches, Selection, Series, Window
from serin.adapters.prometheus_buckets import is_one_of, make_bound_matcher, read_buckets
from serin.adapters.prometheus_categories import make_categories_selector, read_categories
from serin.adapters.prometheus_connection import CountQuery, PrometheusConnection, UnavailableError
from serin.adapters.prometheus_query import InvalidSelectorError, PodName, make_query, narrow_selector
from serin.adapters.prometheus_samples import InvalidAnswerError, newest, read_pair, read_serin
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
from serin.core.rollout.streams import stream_name
from serin.runtime.ports import Clock

SERIN_COUNTER = "serin_requests_total"
SERIN_BUCKETS = "serin_request_duration_seconds_bucket"

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
        count_query: CountQuery | None = None,
    ) -> None:
        self._connection = PrometheusConnection(url, clock, jitter, session, count_query)
        self._batches = PrometheusBatches(self._ask, clock)

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
        pods = _pods_of(request)
        questions = [question for question in request.questions if pods and question.type != "Categories"]
        where = f"Prometheus at {self._connection.shown_url}"
        try:
            found = await asyncio.gather(*(self._read(question, pods, span) for question in questions))
        except UnavailableError as error:
            return MetricsUnavailable(f"{where}: {error}")
        except InvalidAnswerError as error:
            return MetricsUnavailable(f"{where} answered no counters: {error}")
        except InvalidSelectorError as error:
            return MetricsUnavailable(str(error))
        return {stream: by_pod for streams in found for stream, by_pod in streams.items()}

    async def _read_categories(
        self, request: CounterRequest, window: Window
    ) -> Mapping[str, Mapping[str, CategoryReading]]:
        """After the others: a scrape that these have seen is then seen here. One that fails leaves its metric out."""
        found, pods = {}, _pods_of(request)
        for question in request.questions if pods else ():
            if question.type == "Categories":
                selection = Selection(narrow_selector(make_categories_selector(question), ""), window)
                try:
                    answer = await self._batches.read(selection, pods)
                    found[question.name] = read_categories(answer, question)
                except (UnavailableError, InvalidAnswerError) as error:
                    _log.warning("a metric of predictions cannot be read", metric=question.name, reason=str(error))
        return found

    async def _read(self, question: MetricQuestion, pods: Sequence[PodName], span: Window | Past) -> _Streams:
        async def ask(selector: str, matcher: str = "") -> list[Series]:
            return await self._batches.read(Selection(narrow_selector(selector, matcher), span), pods)

        if question.type == "Histogram":
            by_bound = read_buckets(await ask(question.buckets or SERIN_BUCKETS, make_bound_matcher(question.bounds)))
            return {
                stream_name(question.name, bound): by_pod
                for bound, by_pod in by_bound.items()
                if not question.bounds or is_one_of(bound, question.bounds)
            }
        if question.total is None or question.failed is None:
            return {question.name: read_serin(await ask(SERIN_COUNTER))}
        # In this order: a failure counted between the two is then newer than the total, and left for the next.
        total = await ask(question.total)
        failed = await ask(question.failed)
        return {question.name: read_pair(total, failed)}

    async def _ask(self, selection: Selection, pods: Sequence[PodName]) -> object:
        span = selection.span
        if isinstance(span, Window):
            return await self._connection.query(make_query(selection.selector, pods, f"[{span.seconds}s]"))
        query = make_query(selection.selector, pods, "")
        return await self._connection.query_range(query, span.start, span.end, span.step_seconds)


def _pods_of(request: CounterRequest | HistoryRequest) -> tuple[PodName, ...]:
    return tuple(PodName(request.key.namespace, pod) for pod in request.pods)
