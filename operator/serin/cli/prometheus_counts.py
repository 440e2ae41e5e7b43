"""Counts of a past rollout, asked from Prometheus: the same increments as a CSV file of counts holds.

Counters are read on a grid of one interval. A pod that is new at a moment counts with all that it had counted by then;
one that was there at the begin counts from there on. What is shorter than two scrapes cannot be told apart, so the
plan's interval should not be shorter than the interval of the scrapes.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect

from serin.adapters.prometheus_buckets import is_one_of, make_bound_matcher, read_buckets
from serin.adapters.prometheus_categories import make_categories_selector, read_past_categories
from serin.adapters.prometheus_query import InvalidSelectorError, narrow_selector
from serin.adapters.prometheus_samples import InvalidAnswerError, read_pair, read_requests
from serin.adapters.prometheus_session import make_session
from serin.adapters.settings import SettingsError, read_settings
from serin.cli.bad_input import BadInputError
from serin.cli.counts_file import Recording
from serin.core.evidence.categories import CategoryReading
from serin.core.evidence.counters import Reading, increment_between
from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.history import make_history
from serin.core.evidence.latency import choose_bounds
from serin.core.facts import MetricQuestion
from serin.core.metric_presets import FailedCounter, FailedSeries
from serin.core.rollout.streams import bound_of_stream, stream_name

TIMEOUT_SECONDS = 30.0

_Readings = Mapping[str, tuple[Reading, ...]]
_Streams = Mapping[str, _Readings]
"""By stream: one of a Ratio, one per bound of a Histogram."""
PastCategories = Mapping[str, tuple[CategoryReading, ...]]


@dataclass(frozen=True)
class Past:
    """Which pods did what, when: label matchers such as pod=~"weather-1a2b-.*", without braces."""

    baseline: str
    canary: str
    stable: str | None
    begin: datetime
    end: datetime
    lookback_begin: datetime


@dataclass(frozen=True)
class PastPredictions:
    """Readings by class of each pod, in the order of time."""

    stable: PastCategories
    baseline: PastCategories
    canary: PastCategories


class PastCounts:
    """One Prometheus, asked for the counters of one metric every so many seconds."""

    def __init__(self, url: str, question: MetricQuestion, interval_seconds: float) -> None:
        self._connect = PrometheusConnect(url, session=_make_session(), timeout=TIMEOUT_SECONDS)
        self._question = question
        self._interval_seconds = interval_seconds

    def read(self, past: Past) -> Mapping[str, Recording]:
        """By stream. BadInputError when Prometheus cannot be asked, or knows nothing of baseline or canary."""
        baseline, canary = (self._ask(pods, past.begin, past.end) for pods in (past.baseline, past.canary))
        for option, pods, found in (("--baseline", past.baseline, baseline), ("--canary", past.canary, canary)):
            if not found:
                raise BadInputError(f"{option} {pods!r}: Prometheus has no counters of such pods in that time")
        stable = self._ask(past.stable, past.begin, past.end) if past.stable else {}
        before = self._ask(past.stable, past.lookback_begin, past.begin) if past.stable else {}
        streams = self._choose_streams(before or stable or baseline, baseline.keys() & canary.keys())
        return {
            stream: Recording(
                history=make_history(before.get(stream, {})),
                intervals=make_intervals(stable.get(stream, {}), baseline[stream], canary[stream]),
            )
            for stream in streams
        }

    def _choose_streams(self, earliest: _Streams, comparable: "set[str]") -> tuple[str, ...]:
        """Those of the plan's bounds; without any, what the operator would have chosen from what was served by then."""
        name = self._question.name
        if self._question.type == "Ratio" or self._question.bounds:
            return tuple(sorted(comparable, key=lambda stream: bound_of_stream(stream) or 0.0))
        slower, total = {}, 0.0
        for stream in earliest.keys() & comparable:
            newest = [readings[-1] for readings in earliest[stream].values()]
            slower[bound_of_stream(stream) or 0.0] = sum(reading.failed for reading in newest)
            total = sum(reading.total for reading in newest)
        chosen = tuple(stream_name(name, bound) for bound in choose_bounds(slower, total))
        if not chosen:
            raise BadInputError(f"metric {name!r}: baseline and canary have no bucket in common that saw requests")
        return chosen

    def read_predictions(self, past: Past) -> PastPredictions:
        """Of a metric of type Categories. BadInputError as above."""
        wanted = {"--baseline": past.baseline, "--canary": past.canary, "--stable": past.stable}
        found = {option: self._ask_predictions(pods, past) if pods else {} for option, pods in wanted.items()}
        for option in ("--baseline", "--canary"):
            if not found[option]:
                raise BadInputError(f"{option} {wanted[option]!r}: such pods have counted no predictions in that time")
        return PastPredictions(found["--stable"], found["--baseline"], found["--canary"])

    def _ask_predictions(self, pods: str, past: Past) -> PastCategories:
        question = self._question
        with _telling_bad_input(self._connect.url):
            answer = self._ask_range(make_categories_selector(question), pods, past.begin, past.end)
            return read_past_categories(answer, question)

    def _ask_range(self, selector: str, matcher: str, begin: datetime, end: datetime) -> Any:
        step = f"{max(1, round(self._interval_seconds))}s"
        return self._connect.custom_query_range(narrow_selector(selector, matcher), begin, end, step)

    def _ask(self, pods: str, begin: datetime, end: datetime) -> _Streams:
        question = self._question

        def ask(selector: str, matcher: str = "") -> Any:
            return self._ask_range(selector, ",".join(filter(None, (matcher, pods))), begin, end)

        with _telling_bad_input(self._connect.url):
            if question.type == "Histogram":
                unit, bounds = question.bucket_seconds, question.bounds
                found = read_buckets(ask(question.buckets, make_bound_matcher(bounds, unit)), unit)
                return {
                    stream_name(question.name, bound): readings
                    for bound, readings in found.items()
                    if not bounds or is_one_of(bound, bounds)
                }
            requested = ask(question.requests)
            if isinstance(question.failed, FailedCounter):
                readings = read_pair(requested, ask(question.failed.selector), question.failed)
            else:
                readings = read_requests(requested, question.failed or FailedSeries(()))
            return {question.name: readings} if readings else {}


@contextmanager
def _telling_bad_input(url: str) -> Iterator[None]:
    try:
        yield
    except InvalidSelectorError as error:
        raise BadInputError(str(error)) from error
    except (requests.RequestException, PrometheusApiClientException, InvalidAnswerError, ValueError) as error:
        raise BadInputError(f"--prometheus {url}: expected an answer, but {error}") from error


def _make_session() -> requests.Session:
    """As the operator would ask: token, authorities and tenant by the same variables."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        raise BadInputError(str(error)) from error
    return make_session(settings.prometheus_token_file, settings.prometheus_ca_file, settings.prometheus_tenant)


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
