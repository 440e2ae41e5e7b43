"""One look at the evidence: which counters are wanted, and what a reading of them changes.

The engine's numbers live in `Rollout.status.engine`, so that a restarted operator continues the comparison. They are
written only when an interval closed: an operator that looks twice, or after a restart, counts nothing twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from serin.api.v1alpha1.plan import Analysis, RatioMetric
from serin.api.v1alpha1.shared import duration_seconds
from serin.core.evidence.combination import Verdict, combine
from serin.core.evidence.counters import CounterState, Reading, Track, Tracks, Waiting, close_interval
from serin.core.evidence.history import make_history
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, advance, judge
from serin.core.facts import MetricHistory, MetricReadings, MetricsUnavailable, PodFacts

HISTORY_TRIES = 3


@dataclass(frozen=True, slots=True)
class Variants:
    """The pods of the three variants that are compared."""

    stable: tuple[PodFacts, ...]
    baseline: tuple[PodFacts, ...]
    canary: tuple[PodFacts, ...]

    @property
    def all(self) -> tuple[PodFacts, ...]:
        return (*self.stable, *self.baseline, *self.canary)


@dataclass(frozen=True, slots=True)
class Stream:
    """One pair of counters that is compared: what was read of them last, and the evidence from it."""

    counters: CounterState
    evidence: EvidenceState = field(default_factory=EvidenceState)

    def to_json(self) -> dict[str, Any]:
        return {"counters": self.counters.to_json(), "evidence": self.evidence.to_json()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Stream":
        return Stream(CounterState.from_json(data["counters"]), EvidenceState.from_json(data["evidence"]))


@dataclass(frozen=True, slots=True)
class Engine:
    """The running comparison. `since` is when both variants began to get requests; the warm-up counts from there.

    `history_tries_left` is how often the history of the stable pods may still be asked for, 0 when it is known.
    """

    since: datetime
    looked_at: datetime
    streams: Mapping[str, Stream]
    history_tries_left: int = HISTORY_TRIES

    @staticmethod
    def begin(now: datetime, pods: Iterable[PodFacts], analysis: Analysis) -> "Engine":
        counters = _begin_counters(now, pods)
        return Engine(now, now, {metric.name: Stream(counters) for metric in analysis.metrics})

    def resume(self, now: datetime, pods: Iterable[PodFacts]) -> "Engine":
        """After a pause: what was counted meanwhile is not judged, what was judged before stays."""
        counters = _begin_counters(now, pods)
        streams = {name: replace(stream, counters=counters) for name, stream in self.streams.items()}
        return replace(self, looked_at=now, streams=streams)

    @property
    def wants_history(self) -> bool:
        """It cannot be taken in any more once an interval is judged."""
        return self.history_tries_left > 0 and all(s.evidence.intervals == 0 for s in self.streams.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "lookedAt": self.looked_at.isoformat(),
            "streams": {name: stream.to_json() for name, stream in self.streams.items()},
            "historyTriesLeft": self.history_tries_left,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Engine | None":
        """None before the comparison; also where somebody edited its numbers: the comparison then starts over."""
        try:
            return Engine(
                since=datetime.fromisoformat(data["since"]),
                looked_at=datetime.fromisoformat(data["lookedAt"]),
                streams={name: Stream.from_json(stream) for name, stream in data["streams"].items()},
                history_tries_left=int(data["historyTriesLeft"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


def _begin_counters(now: datetime, pods: Iterable[PodFacts]) -> CounterState:
    return CounterState.begin(now.timestamp(), frozenset(pod.name for pod in pods))


@dataclass(frozen=True, slots=True)
class Look:
    """The engine after a look, what it says, and the ready pods whose scrape it still waits for."""

    engine: Engine
    verdict: Verdict
    is_warming_up: bool = False
    missing_pods: tuple[str, ...] = ()


def make_settings(analysis: Analysis, metric: RatioMetric) -> Settings:
    """Plan to engine."""
    dispersion = analysis.dispersion
    return Settings(
        interval_seconds=duration_seconds(analysis.interval),
        min_duration_seconds=duration_seconds(analysis.min_duration),
        max_duration_seconds=duration_seconds(analysis.max_duration),
        false_reject=analysis.false_reject,
        false_promote=analysis.false_promote,
        margin_absolute=metric.margin.absolute,
        margin_relative=metric.margin.relative,
        tolerance=metric.tolerance,
        fixed_dispersion=dispersion.value if dispersion.mode == "Fixed" else None,
    )


def make_settings_by_metric(analysis: Analysis) -> Mapping[str, Settings]:
    """In the order of the plan."""
    return {metric.name: make_settings(analysis, metric) for metric in analysis.metrics}


def warmup_ends_at(engine: Engine, analysis: Analysis) -> datetime:
    return engine.since + timedelta(seconds=duration_seconds(analysis.warmup))


def interval_of(analysis: Analysis) -> timedelta:
    return timedelta(seconds=duration_seconds(analysis.interval))


def next_look_at(engine: Engine, analysis: Analysis) -> datetime:
    return engine.looked_at + interval_of(analysis)


def learn_history(engine: Engine, history: MetricHistory | MetricsUnavailable, analysis: Analysis) -> Engine:
    """With what the stable pods did before; without it, if it cannot be had, after some tries.

    It is worth waiting for, because how far failures come in bursts is not to be seen in a short comparison. It is
    not worth a stop: without it the evidence is only weighed more carefully.
    """
    if not engine.wants_history:
        return engine
    if isinstance(history, MetricsUnavailable):
        return replace(engine, history_tries_left=engine.history_tries_left - 1)
    settings = make_settings_by_metric(analysis)
    streams = {
        name: replace(
            stream, evidence=EvidenceState.begin(make_history(history.by_stream.get(name, {})), settings[name])
        )
        for name, stream in engine.streams.items()
    }
    return replace(engine, streams=streams, history_tries_left=0)


def look(engine: Engine, readings: MetricReadings, variants: Variants, analysis: Analysis, now: datetime) -> Look:
    """Close an interval if every ready pod of baseline and canary has a new scrape; else leave the engine as it is.

    All streams close together, so that every metric has judged the same requests. During the warm-up counters are
    followed and nothing is judged: both young variants may stumble.
    """
    settings = make_settings_by_metric(analysis)
    # The interval that began in the warm-up still belongs to it.
    is_warming_up = engine.looked_at < warmup_ends_at(engine, analysis)
    after: dict[str, Stream] = {}
    for name, stream in engine.streams.items():
        closed, counters = close_interval(stream.counters, _tracks(variants, readings.by_stream.get(name, {})))
        if isinstance(closed, Waiting):
            missing = (*closed.baseline, *closed.canary)
            return Look(engine, _judge(engine.streams, settings), missing_pods=missing)
        evidence = stream.evidence if is_warming_up else advance(stream.evidence, closed, settings[name])
        after[name] = Stream(counters, evidence)
    return Look(replace(engine, looked_at=now, streams=after), _judge(after, settings), is_warming_up=is_warming_up)


def _judge(streams: Mapping[str, Stream], settings: Mapping[str, Settings]) -> Verdict:
    return combine({name: judge(streams[name].evidence, settings[name]) for name in settings}, settings)


def _tracks(variants: Variants, readings: Mapping[str, Reading]) -> Tracks:
    return Tracks(
        stable=_track(variants.stable, readings),
        baseline=_track(variants.baseline, readings),
        canary=_track(variants.canary, readings),
    )


def _track(pods: tuple[PodFacts, ...], readings: Mapping[str, Reading]) -> Track:
    names = {pod.name for pod in pods}
    ready = frozenset(pod.name for pod in pods if pod.ready and not pod.terminating)
    found = {name: readings[name] for name in names if name in readings}
    return Track(readings=found, ready=ready, unready=frozenset(names) - ready)
