"""The serving pods' counters, read from Prometheus as they were scraped.

Instant queries with a range selector: the answer holds every sample with its own time, which an aggregation or
`rate()` would hide. All series of a pod that carry one time come from one scrape; only those are added up.

The library is blocking and patient: it retries for seconds and has no timeout. Here it runs in a few threads, with
socket timeouts (the true bound, for a thread cannot be cancelled), one retry of our own, and a breaker, so that a dead
Prometheus costs neither threads nor waiting. It drops the `warnings` of an answer: a partial answer of a federated
store looks like a whole one that lacks pods, which evidence treats as missing scrapes.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect
from urllib3.util import Retry

from serin.adapters.prometheus_samples import InvalidAnswerError, parse_pair, parse_serin
from serin.core.facts import CounterRequest, MetricReadings, MetricsUnavailable
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

_SELECTOR = re.compile(r"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(?P<matchers>.*)\})?\s*", re.DOTALL)


class PrometheusMetrics:
    """The port `MetricSource`. `jitter` gives numbers in [0, 1)."""

    def __init__(self, url: str, clock: Clock, jitter: Callable[[], float]) -> None:
        self._shown_url = _without_credentials(url)
        self._connect = PrometheusConnect(url, retry=Retry(total=0), timeout=SOCKET_TIMEOUT_SECONDS)
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
        if not request.pods:
            return MetricReadings({})
        try:
            if request.total is None or request.failed is None:
                return MetricReadings(parse_serin(await self._query(make_query(SERIN_COUNTER, request))))
            # In this order: a failure counted between the two is then newer than the total, and left for the next.
            total = await self._query(make_query(request.total, request))
            failed = await self._query(make_query(request.failed, request))
            return MetricReadings(parse_pair(total, failed))
        except _UnavailableError as error:
            return MetricsUnavailable(f"Prometheus at {self._shown_url}: {error}")
        except InvalidAnswerError as error:
            return MetricsUnavailable(f"Prometheus at {self._shown_url} answered what is no range of counters: {error}")
        except InvalidSelectorError as error:
            return MetricsUnavailable(str(error))

    async def _query(self, query: str) -> Any:
        async with self._free_threads:
            self._refuse_while_broken()
            try:
                answer = await self._ask_twice(query)
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

    async def _ask_twice(self, query: str) -> Any:
        try:
            return await self._ask(query)
        except _UnavailableError:
            if self._failures:
                raise  # it was away before: this is no hiccup
        await self._clock.sleep(RETRY_SECONDS * (1 + self._jitter()))
        return await self._ask(query)

    async def _ask(self, query: str) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._connect.custom_query, query)
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


def make_query(selector: str, request: CounterRequest) -> str:
    """`selector` for the request's pods only, over its window."""
    match = _SELECTOR.fullmatch(selector)
    if match is None or not (match["name"] or match["matchers"]):
        raise InvalidSelectorError(f"metric {selector!r}: expected a counter such as http_requests_total{{code='500'}}")
    matchers = (match["matchers"] or "").strip().rstrip(",")
    pods = "|".join(re.escape(pod) for pod in request.pods)
    ours = f"namespace={_quote(request.key.namespace)},pod=~{_quote(pods)}"
    window_seconds = max(1, round(request.window_seconds))
    return f"{match['name'] or ''}{{{matchers + ',' if matchers else ''}{ours}}}[{window_seconds}s]"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
