"""One Prometheus, asked from asyncio: threads, timeouts, one retry, and a breaker.

The library is blocking and patient: it retries for seconds and has no timeout. Here it runs in a few threads, with
socket timeouts (the true bound, for a thread cannot be cancelled), one retry of our own, and a breaker, so that a dead
Prometheus costs neither threads nor waiting. A query that is refused says nothing about Prometheus: it is not repeated
and leaves the breaker as it was, so that one rollout's selector cannot take the answers from the others.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect
from urllib3.util import Retry

from serin.adapters.prometheus_session import RefusedQueryError, SessionError, make_session
from serin.runtime.ports import Clock

THREADS = 4

SOCKET_TIMEOUT_SECONDS = (2.0, 5.0)
"""To connect, and between two bytes of the answer."""

RETRY_SECONDS = 0.2
"""Before the one retry; up to twice that, by chance."""

BREAKER_FAILURES = 3
BREAKER_SECONDS = 15.0
"""After so many failures in a row nobody is sent to Prometheus for so long."""

QueryOutcome = Literal["answered", "refused", "unavailable", "spared"]
"""Spared: not sent, because the breaker is open."""

CountQuery = Callable[[QueryOutcome, float], None]
"""Gets the outcome of each query and the seconds that it took."""


class UnavailableError(Exception):
    """No whole answer; says why."""


class RefusedError(UnavailableError):
    """Prometheus is well and will not answer this query."""


class PrometheusConnection:
    """`jitter` gives numbers in [0, 1)."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        jitter: Callable[[], float],
        session: requests.Session | None = None,
    ) -> None:
        self.shown_url = _without_credentials(url)
        self._connect = PrometheusConnect(
            url, retry=Retry(total=0), timeout=SOCKET_TIMEOUT_SECONDS, session=session or make_session()
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus")
        self._free_threads = asyncio.Semaphore(THREADS)
        self._clock = clock
        self._jitter = jitter
        self.count_query: CountQuery = lambda _outcome, _seconds: None
        self._failures = 0
        self._failed_at_seconds = 0.0
        self._last_reason = ""

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._connect.close()

    async def query(self, query: str) -> Any:
        """Result of an instant query for now. Raises UnavailableError."""
        return await self._ask_if_well(lambda: self._connect.custom_query(query))

    async def query_range(self, query: str, start: datetime, end: datetime, step_seconds: float) -> Any:
        """Result of a range query. Raises UnavailableError."""
        step = f"{max(1, round(step_seconds))}s"
        return await self._ask_if_well(lambda: self._connect.custom_query_range(query, start, end, step))

    async def _ask_if_well(self, ask: Callable[[], Any]) -> Any:
        async with self._free_threads:
            self._refuse_while_broken()
            try:
                answer = await self._ask_twice(ask)
            except RefusedError:
                raise
            except UnavailableError as error:
                self._failures += 1
                self._failed_at_seconds = self._clock.monotonic_seconds()
                self._last_reason = str(error)
                raise
            self._failures = 0
            return answer

    def _refuse_while_broken(self) -> None:
        waited = self._clock.monotonic_seconds() - self._failed_at_seconds
        if self._failures >= BREAKER_FAILURES and waited < BREAKER_SECONDS:
            self.count_query("spared", 0.0)
            raise UnavailableError(f"{self._last_reason}; not asked again for {BREAKER_SECONDS - waited:.0f} s")

    async def _ask_twice(self, ask: Callable[[], Any]) -> Any:
        try:
            return await self._ask(ask)
        except RefusedError:
            raise
        except UnavailableError:
            if self._failures:
                raise  # it was away before: this is no hiccup
        await self._clock.sleep(RETRY_SECONDS * (1 + self._jitter()))
        return await self._ask(ask)

    async def _ask(self, ask: Callable[[], Any]) -> Any:
        began = self._clock.monotonic_seconds()
        outcome: QueryOutcome = "unavailable"
        try:
            answer = await self._run(ask)
            outcome = "answered"
        except RefusedError:
            outcome = "refused"
            raise
        finally:
            self.count_query(outcome, self._clock.monotonic_seconds() - began)
        return answer

    async def _run(self, ask: Callable[[], Any]) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except RefusedQueryError as error:
            raise RefusedError(str(error)) from error
        except SessionError as error:
            raise UnavailableError(str(error)) from error
        except requests.Timeout as error:
            raise UnavailableError("no answer in time") from error
        except requests.ConnectionError as error:
            raise UnavailableError("cannot be connected to") from error
        except PrometheusApiClientException as error:
            raise UnavailableError(str(error)[:300]) from error
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise UnavailableError(f"the answer is not Prometheus's ({type(error).__name__})") from error


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
