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
from serin.core.evidence.counters import CounterState, Reading, Track, Tracks, Waiting, close_interval
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Judgement, advance, judge
from serin.core.facts import MetricReadings, PodFacts


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
class Engine:
    """The running comparison. `since` is when both variants began to get requests; the warm-up counts from there."""

    since: datetime
    looked_at: datetime
    counters: CounterState
    evidence: EvidenceState = field(default_factory=EvidenceState)

    @staticmethod
    def begin(now: datetime, pods: Iterable[PodFacts]) -> "Engine":
        names = frozenset(pod.name for pod in pods)
        return Engine(since=now, looked_at=now, counters=CounterState.begin(now.timestamp(), names))

    def resume(self, now: datetime, pods: Iterable[PodFacts]) -> "Engine":
        """After a pause: what was counted meanwhile is not judged, what was judged before stays."""
        names = frozenset(pod.name for pod in pods)
        return replace(self, looked_at=now, counters=CounterState.begin(now.timestamp(), names))

    def to_json(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "lookedAt": self.looked_at.isoformat(),
            "counters": self.counters.to_json(),
            "evidence": self.evidence.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Engine | None":
        """None before the comparison; also where somebody edited its numbers: the comparison then starts over."""
        try:
            return Engine(
                since=datetime.fromisoformat(data["since"]),
                looked_at=datetime.fromisoformat(data["lookedAt"]),
                counters=CounterState.from_json(data["counters"]),
                evidence=EvidenceState.from_json(data["evidence"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Look:
    """The engine after a look, what it says, and the ready pods whose scrape it still waits for."""

    engine: Engine
    judgement: Judgement
    is_warming_up: bool = False
    missing_pods: tuple[str, ...] = ()


def make_settings(analysis: Analysis) -> Settings:
    """Plan to engine."""
    metric, dispersion = metric_of(analysis), analysis.dispersion
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


def metric_of(analysis: Analysis) -> RatioMetric:
    """The metric that is judged: the schema allows exactly one."""
    return analysis.metrics[0]


def warmup_ends_at(engine: Engine, analysis: Analysis) -> datetime:
    return engine.since + timedelta(seconds=duration_seconds(analysis.warmup))


def interval_of(analysis: Analysis) -> timedelta:
    return timedelta(seconds=duration_seconds(analysis.interval))


def next_look_at(engine: Engine, analysis: Analysis) -> datetime:
    return engine.looked_at + interval_of(analysis)


def look(engine: Engine, readings: MetricReadings, variants: Variants, analysis: Analysis, now: datetime) -> Look:
    """Close an interval if every ready pod of baseline and canary has a new scrape; else leave the engine as it is.

    During the warm-up counters are followed and nothing is judged: both young variants may stumble.
    """
    settings = make_settings(analysis)
    tracks = Tracks(
        stable=_track(variants.stable, readings),
        baseline=_track(variants.baseline, readings),
        canary=_track(variants.canary, readings),
    )
    closed, counters = close_interval(engine.counters, tracks)
    if isinstance(closed, Waiting):
        return Look(engine, judge(engine.evidence, settings), missing_pods=(*closed.baseline, *closed.canary))
    # The interval that began in the warm-up still belongs to it.
    is_warming_up = engine.looked_at < warmup_ends_at(engine, analysis)
    evidence = engine.evidence if is_warming_up else advance(engine.evidence, closed, settings)
    after = replace(engine, looked_at=now, counters=counters, evidence=evidence)
    return Look(after, judge(evidence, settings), is_warming_up=is_warming_up)


def _track(pods: tuple[PodFacts, ...], readings: MetricReadings) -> Track:
    names = {pod.name for pod in pods}
    ready = frozenset(pod.name for pod in pods if pod.ready and not pod.terminating)
    found: dict[str, Reading] = {name: readings.by_pod[name] for name in names if name in readings.by_pod}
    return Track(readings=found, ready=ready, unready=frozenset(names) - ready)
