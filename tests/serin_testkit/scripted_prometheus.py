"""What Prometheus answers, by script: requests and failures of each pod, and every way in which Prometheus can fail.

A pod gets as many requests per interval as `requests` says, as soon as users can reach it, and fails the share that
`failing` gives to its version. Numbers grow only in `scrape`, so they depend on the test alone and not on its speed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from serin.core.evidence.categories import CategoryReading
from serin.core.evidence.counters import Reading
from serin.core.evidence.places import place_at_router, pod_of_place
from serin.core.facts import CounterRequest, HistoryRequest, MetricHistory, MetricReadings, MetricsUnavailable
from serin.core.rollout.agreements import stream_of
from serin.core.rollout.trials import BUSINESS_STREAM

from serin_testkit.cluster_user import Json
from serin_testkit.kubelet import version_of

SLOW = {0.05: 0.5, 0.1: 0.1, 0.25: 0.01, 1.0: 0.001}
"""Share of requests slower than each bound of every pod's histogram, in seconds."""


@dataclass(frozen=True, slots=True)
class _Counted:
    requests: int = 0
    failures: Fraction = Fraction(0)


class ScriptedPrometheus:
    """The port `MetricSource`; asked from the operator's thread, moved by the test's."""

    def __init__(self) -> None:
        self.requests = 1000
        """Per pod and interval."""
        self.failing: dict[str, float] = {}
        """Share of failed requests, by version."""
        self.failing_baseline: float | None = None
        """Share of failed requests of the baseline; None: as its version."""
        self.disagreeing: dict[str, float] = {}
        """Share of answers to copies of requests that differ from the old version's, in type, by version."""
        self.succeeding: dict[str, float] = {}
        """Share of chances that become a success of the business metric, by version; a tenth for others."""
        self.trouble: str | None = None
        """Why Prometheus cannot be asked; None when it can."""
        self.is_stale = False
        """It answers what it answered before."""
        self.hidden: set[str] = set()
        """Versions whose pods it does not scrape."""
        self.has_past = False
        """It knows what the pods did in the hour before a comparison."""
        self.asked: list[CounterRequest] = []
        self.slowness: dict[str, float] = {}
        """How many times the usual share of requests are slower than each bound, by version."""
        self.mix: dict[str, dict[str, float]] = {}
        """Share of each class among the predictions, by version; others predict half sun, half rain."""
        self._versions: dict[str, str] = {}
        self.asked_history: list[HistoryRequest] = []
        self._counted: dict[str, _Counted] = {}
        self._readings: dict[str, Reading] = {}
        self._routed: dict[str, Reading] = {}

    async def read_counters(self, request: CounterRequest) -> MetricReadings | MetricsUnavailable:
        self.asked.append(request)
        if self.trouble is not None:
            return MetricsUnavailable(self.trouble)
        by_stream: dict[str, dict[str, Reading]] = {}
        categories: dict[str, dict[str, CategoryReading]] = {}
        for question in request.questions:
            found = {pod: self._readings[pod] for pod in question.pods if pod in self._readings}
            if question.endpoints:
                places = (place_at_router(end.pod, router) for end in question.endpoints for router in question.pods)
                found = {place: self._routed[place] for place in places if place in self._routed}
            if question.name.startswith("/"):
                by_stream.setdefault(question.name, {}).update(self._count_apart(question.name, found))
            elif question.type == "Ratio":
                by_stream.setdefault(question.name, {}).update(found)
            for bound in question.bounds or tuple(SLOW) if question.type == "Histogram" else ():
                slower = {pod: self._make_slow(pod, bound, reading) for pod, reading in found.items()}
                by_stream.setdefault(f"{question.name}/{bound:g}", {}).update(slower)
            if question.type == "Categories":
                classes = {pod: self._make_classes(pod, reading) for pod, reading in found.items()}
                categories.setdefault(question.name, {}).update(classes)
        return MetricReadings(by_stream, categories)

    def _count_apart(self, stream: str, found: dict[str, Reading]) -> dict[str, Reading]:
        """What a comparer counts, and the successes of a business metric."""
        is_business = stream == BUSINESS_STREAM
        counted_here = is_business or stream in (stream_of(), stream_of("type"))
        shares, otherwise = (self.succeeding, 0.1) if is_business else (self.disagreeing, 0.0)
        return {
            pod: replace(
                reading,
                failed=reading.total * shares.get(self._versions.get(pod, ""), otherwise) if counted_here else 0.0,
            )
            for pod, reading in found.items()
        }

    def _make_classes(self, pod: str, reading: Reading) -> CategoryReading:
        mix = self.mix.get(self._versions.get(pod, ""), {"sun": 0.5, "rain": 0.5})
        return CategoryReading(reading.at_seconds, {name: reading.total * share for name, share in mix.items()})

    def _make_slow(self, pod: str, bound: float, reading: Reading) -> Reading:
        share = SLOW[bound] * self.slowness.get(self._versions.get(pod, ""), 1.0)
        return replace(reading, failed=float(int(reading.total * min(1.0, share))))

    async def read_history(self, request: HistoryRequest) -> MetricHistory | MetricsUnavailable:
        self.asked_history.append(request)
        if self.trouble is not None:
            return MetricsUnavailable(self.trouble)
        by_stream: dict[str, dict[str, tuple[Reading, ...]]] = {}
        for question in request.questions:
            found = {pod: self._make_past(request) for pod in question.pods} if self.has_past else {}
            by_stream.setdefault(question.name, {}).update(found)
        return MetricHistory(by_stream)

    def _make_past(self, request: HistoryRequest) -> tuple[Reading, ...]:
        """`requests` per step, every hundredth of which failed."""
        begin, end, step = request.start.timestamp(), request.end.timestamp(), request.step_seconds
        moments = (begin + step * i for i in range(int((end - begin) / step) + 1))
        return tuple(Reading(at, self.requests * i, self.requests * i // 100) for i, at in enumerate(moments))

    def scrape(self, serving_pods: Iterable[Json], now: datetime) -> None:
        """One interval has passed: these pods have served their share, and have been scraped at this moment."""
        readings = dict(self._readings)
        for pod in serving_pods:
            name, version = pod["metadata"]["name"], version_of(pod) or ""
            self._versions[name] = version
            before = self._counted.get(name, _Counted())
            share = self.failing.get(version, 0)
            if self.failing_baseline is not None and pod["metadata"]["labels"].get("serin.dev/track") == "baseline":
                share = self.failing_baseline
            failures = before.failures + Fraction(str(share)) * self.requests
            counted = replace(before, requests=before.requests + self.requests, failures=failures)
            self._counted[name] = counted
            if version not in self.hidden and not self.is_stale:
                readings[name] = Reading(now.timestamp(), counted.requests, int(counted.failures))
        self._readings = readings

    def scrape_routers(self, routers: Sequence[str]) -> None:
        """These have sent all that was served since they were scraped last, as many requests each."""
        routed = dict(self._routed)
        for pod, reading in self._readings.items():
            before = [found for place, found in self._routed.items() if pod_of_place(place) == pod]
            requests = (reading.total - sum(found.total for found in before)) / len(routers)
            failures = (reading.failed - sum(found.failed for found in before)) / len(routers)
            for router in routers:
                place = place_at_router(pod, router)
                earlier = routed.get(place, Reading(0.0, 0.0, 0.0))
                routed[place] = Reading(reading.at_seconds, earlier.total + requests, earlier.failed + failures)
        self._routed = routed

    def reset_counters(self, pods: Iterable[Json]) -> None:
        """Their containers were restarted: they count from zero."""
        for pod in pods:
            self._counted[pod["metadata"]["name"]] = _Counted()
