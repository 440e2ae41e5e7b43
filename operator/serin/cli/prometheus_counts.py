"""Counts of a past rollout, asked from Prometheus: the same increments as a CSV file of counts holds.

Counters are read on a grid of one interval. A pod that is new at a moment counts with all that it had counted by then;
one that was there at the begin counts from there on. What is shorter than two scrapes cannot be told apart, so the
plan's interval should not be shorter than the interval of the scrapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect

from serin.adapters.prometheus_samples import InvalidAnswerError, read_pair, read_serin
from serin.adapters.prometheus_session import make_session
from serin.api.v1alpha1.plan import Metric
from serin.cli.bad_input import BadInputError
from serin.cli.counts_file import Recording
from serin.core.evidence.counters import Reading, increment_between
from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.history import make_history

TIMEOUT_SECONDS = 30.0
SERIN_COUNTER = "serin_requests_total"

_Readings = Mapping[str, tuple[Reading, ...]]


@dataclass(frozen=True)
class Past:
    """Which pods did what, when: label matchers such as pod=~"weather-1a2b-.*", without braces."""

    baseline: str
    canary: str
    stable: str | None
    begin: datetime
    end: datetime
    lookback_begin: datetime


class PastCounts:
    """One Prometheus, asked for the counters of one metric every so many seconds."""

    def __init__(self, url: str, metric: Metric, interval_seconds: float) -> None:
        self._connect = PrometheusConnect(url, session=make_session(), timeout=TIMEOUT_SECONDS)
        self._metric = metric
        self._interval_seconds = interval_seconds

    def read(self, past: Past) -> Recording:
        """BadInputError when Prometheus cannot be asked, or knows nothing of baseline or canary."""
        if self._metric.type != "Ratio":
            raise BadInputError(f"metric {self._metric.name!r} is a {self._metric.type}, expected a Ratio")
        baseline, canary = (self._ask(pods, past.begin, past.end) for pods in (past.baseline, past.canary))
        for option, pods, found in (("--baseline", past.baseline, baseline), ("--canary", past.canary, canary)):
            if not found:
                raise BadInputError(f"{option} {pods!r}: Prometheus has no counters of such pods in that time")
        stable = self._ask(past.stable, past.begin, past.end) if past.stable else {}
        before = self._ask(past.stable, past.lookback_begin, past.begin) if past.stable else {}
        return Recording(history=make_history(before), intervals=make_intervals(stable, baseline, canary))

    def _ask(self, pods: str, begin: datetime, end: datetime) -> _Readings:
        total, failed = self._metric.total, self._metric.failed
        try:
            if total is None or failed is None:
                return read_serin(self._query(SERIN_COUNTER, pods, begin, end))
            return read_pair(self._query(total, pods, begin, end), self._query(failed, pods, begin, end))
        except (requests.RequestException, PrometheusApiClientException, InvalidAnswerError, ValueError) as error:
            raise BadInputError(f"--prometheus {self._connect.url}: expected an answer, but {error}") from error

    def _query(self, selector: str, pods: str, begin: datetime, end: datetime) -> Any:
        name, _, matchers = selector.partition("{")
        inside = ",".join(filter(None, (matchers.removesuffix("}").strip().rstrip(","), pods)))
        step = f"{max(1, round(self._interval_seconds))}s"
        return self._connect.custom_query_range(f"{name}{{{inside}}}", begin, end, step)


def make_intervals(stable: _Readings, baseline: _Readings, canary: _Readings) -> tuple[Increments, ...]:
    """Increments between the moments that the readings share."""
    moments = sorted(
        {r.at_seconds for found in (stable, baseline, canary) for of_pod in found.values() for r in of_pod}
    )
    second_half = frozenset(sorted(stable)[1::2])
    first = {pod: readings for pod, readings in stable.items() if pod not in second_half}
    second = {pod: readings for pod, readings in stable.items() if pod in second_half}
    intervals = []
    for begin, end in pairwise(moments):
        halves = StableHalves(*(_count(half, begin, end, moments[0]) for half in (first, second)))
        intervals.append(
            Increments(
                stable=halves.first + halves.second,
                baseline=_count(baseline, begin, end, moments[0]),
                canary=_count(canary, begin, end, moments[0]),
                seconds=end - begin,
                stable_halves=halves if first and second else None,
            )
        )
    return tuple(intervals)


def _count(readings: _Readings, begin: float, end: float, first_moment: float) -> Counts:
    counts = Counts()
    for _, of_pod in sorted(readings.items()):
        at = {reading.at_seconds: reading for reading in of_pod}
        is_new = begin not in at and of_pod[0].at_seconds == end > first_moment
        if end in at and (begin in at or is_new):
            counts += increment_between(at.get(begin, Reading(begin, 0.0, 0.0)), at[end])
    return counts
