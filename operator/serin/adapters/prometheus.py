"""The serving pods' counters, read from Prometheus as they were scraped.

Instant queries with a range selector: the answer holds every sample with its own time, which an aggregation or
`rate()` would hide. All series of a pod that carry one time come from one scrape; only those are added up.

The library is blocking and patient: it retries for seconds and has no timeout. Here it runs in a few threads, with
socket timeouts (the true bound, for a thread cannot be cancelled), one retry of our own, and a breaker, so that a dead
Prometheus costs neither threads nor waiting. Answers that are not whole: adapters/prometheus_session.py.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect
from urllib3.util import Retry

from serin.adapters.prometheus_buckets import is_one_of, make_bound_matcher, read_buckets
from serin.adapters.prometheus_samples import InvalidAnswerError, newest, read_pair, read_serin
from serin.adapters.prometheus_session import SessionError, make_session
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

THREADS = 4

SOCKET_TIMEOUT_SECONDS = (2.0, 5.0)
"""To connect, and between two bytes of the answer."""

RETRY_SECONDS = 0.2
"""Before the one retry; up to twice that, by chance."""

BREAKER_FAILURES = 3
BREAKER_SECONDS = 15.0
"""After so many failures in a row nobody is sent to Prometheus for so long."""

SERIN_COUNTER = "serin_requests_total"
SERIN_BUCKETS = "serin_request_duration_seconds_bucket"

_SELECTOR = re.compile(r"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(?P<matchers>.*)\})?\s*", re.DOTALL)


_Streams = Mapping[str, Mapping[str, tuple[Reading, ...]]]


class PrometheusMetrics:
    """The port `MetricSource`. `jitter` gives numbers in [0, 1)."""

    def __init__(
        self, url: str, clock: Clock, jitter: Callable[[], float], session: requests.Session | None = None
    ) -> None:
        self._shown_url = _without_credentials(url)
        self._connect = PrometheusConnect(
            url, retry=Retry(total=0), timeout=SOCKET_TIMEOUT_SECONDS, session=session or make_session()
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus")
        self._free_threads = asyncio.Semaphore(THREADS)
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self._failed_at_seconds = 0.0
        self._last_reason = ""

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._connect.close()

    async def read_counters(self, request: CounterRequest) -> MetricReadings | MetricsUnavailable:
        window = f"[{max(1, round(request.window_seconds))}s]"
        found = await self._read_all(request, window, self._connect.custom_query)
        if isinstance(found, MetricsUnavailable):
            return found
        return MetricReadings({stream: newest(by_pod) for stream, by_pod in found.items()})

    async def read_history(self, request: HistoryRequest) -> MetricHistory | MetricsUnavailable:
        def ask(query: str) -> Any:
            step = f"{max(1, round(request.step_seconds))}s"
            return self._connect.custom_query_range(query, request.start, request.end, step)

        found = await self._read_all(request, "", ask)
        return found if isinstance(found, MetricsUnavailable) else MetricHistory(found)

    async def _read_all(
        self, request: CounterRequest | HistoryRequest, window: str, ask: Callable[[str], Any]
    ) -> _Streams | MetricsUnavailable:
        """Nothing where one question fails: half an answer would judge a rollout's metrics on different requests."""
        found: dict[str, Mapping[str, tuple[Reading, ...]]] = {}
        for question in request.questions if request.pods else ():
            try:
                found |= await self._read(question, request, window, ask)
            except _UnavailableError as error:
                return MetricsUnavailable(f"Prometheus at {self._shown_url}: {error}")
            except InvalidAnswerError as error:
                return MetricsUnavailable(f"Prometheus at {self._shown_url} answered no counters: {error}")
            except InvalidSelectorError as error:
                return MetricsUnavailable(str(error))
        return found

    async def _read(
        self,
        question: MetricQuestion,
        request: CounterRequest | HistoryRequest,
        window: str,
        ask: Callable[[str], Any],
    ) -> _Streams:
        if question.type == "Histogram":
            query = make_query(question.buckets or SERIN_BUCKETS, request, window, make_bound_matcher(question.bounds))
            by_bound = read_buckets(await self._query(query, ask))
            return {
                stream_name(question.name, bound): by_pod
                for bound, by_pod in by_bound.items()
                if not question.bounds or is_one_of(bound, question.bounds)
            }
        if question.total is None or question.failed is None:
            answer = await self._query(make_query(SERIN_COUNTER, request, window), ask)
            return {question.name: read_serin(answer)}
        # In this order: a failure counted between the two is then newer than the total, and left for the next.
        total = await self._query(make_query(question.total, request, window), ask)
        failed = await self._query(make_query(question.failed, request, window), ask)
        return {question.name: read_pair(total, failed)}

    async def _query(self, query: str, ask: Callable[[str], Any]) -> Any:
        async with self._free_threads:
            self._refuse_while_broken()
            try:
                answer = await self._ask_twice(query, ask)
            except _UnavailableError as error:
                self._failures += 1
                self._failed_at_seconds = self._clock.monotonic_seconds()
                self._last_reason = str(error)
                raise
            self._failures = 0
            return answer

    def _refuse_while_broken(self) -> None:
        waited = self._clock.monotonic_seconds() - self._failed_at_seconds
        if self._failures >= BREAKER_FAILURES and waited < BREAKER_SECONDS:
            raise _UnavailableError(f"{self._last_reason}; not asked again for {BREAKER_SECONDS - waited:.0f} s")

    async def _ask_twice(self, query: str, ask: Callable[[str], Any]) -> Any:
        try:
            return await self._ask(query, ask)
        except _UnavailableError:
            if self._failures:
                raise  # it was away before: this is no hiccup
        await self._clock.sleep(RETRY_SECONDS * (1 + self._jitter()))
        return await self._ask(query, ask)

    async def _ask(self, query: str, ask: Callable[[str], Any]) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, ask, query)
        except SessionError as error:
            raise _UnavailableError(str(error)) from error
        except requests.Timeout as error:
            raise _UnavailableError("no answer in time") from error
        except requests.ConnectionError as error:
            raise _UnavailableError("cannot be connected to") from error
        except PrometheusApiClientException as error:
            raise _UnavailableError(str(error)[:300]) from error
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise _UnavailableError(f"the answer is not Prometheus's ({type(error).__name__})") from error


class _UnavailableError(Exception):
    pass


class InvalidSelectorError(ValueError):
    """A counter of the plan that is no selector; names it."""


def make_query(selector: str, request: CounterRequest | HistoryRequest, window: str, matcher: str = "") -> str:
    """`selector` for the request's pods only; `window` such as [30s] asks for the samples in it, "" for the value."""
    match = _SELECTOR.fullmatch(selector)
    if match is None or not (match["name"] or match["matchers"]):
        raise InvalidSelectorError(f"metric {selector!r}: expected a counter such as http_requests_total{{code='500'}}")
    matchers = ",".join(filter(None, ((match["matchers"] or "").strip().rstrip(","), matcher)))
    pods = "|".join(re.escape(pod) for pod in request.pods)
    ours = f"namespace={_quote(request.key.namespace)},pod=~{_quote(pods)}"
    return f"{match['name'] or ''}{{{matchers + ',' if matchers else ''}{ours}}}{window}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
