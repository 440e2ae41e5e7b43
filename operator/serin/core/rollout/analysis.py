"""One look at the evidence: what a reading of the counters changes, and what all metrics then say together.

The engine's numbers live in `Rollout.status.engine`, so that a restarted operator continues the comparison. They are
written only when an interval closed: an operator that looks twice, or after a restart, counts nothing twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from serin.api.v1alpha1.plan import Analysis, Metric
from serin.api.v1alpha1.shared import duration_seconds
from serin.core.evidence.ab_verdict import settle_ab
from serin.core.evidence.combination import Verdict, combine
from serin.core.evidence.counters import Reading, Tracks, Waiting, close_interval
from serin.core.evidence.counts import Increments
from serin.core.evidence.dispersion import decide_dispersion
from serin.core.evidence.drift import DriftSettings
from serin.core.evidence.guard import watch
from serin.core.evidence.history import make_history
from serin.core.evidence.incident import is_shared_incident
from serin.core.evidence.latency import choose_bounds
from serin.core.evidence.places import describe_place
from serin.core.evidence.sentences import percent
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, advance, judge
from serin.core.facts import MetricHistory, MetricReadings, MetricsUnavailable, PodFacts
from serin.core.rollout.counting import BY_PODS, Counting
from serin.core.rollout.drifts import (
    begin_drifts,
    close_drifts,
    drift_metrics,
    judge_drifts,
    make_drift_settings,
    read_silent_pods,
)
from serin.core.rollout.questions import has_own_selectors
from serin.core.rollout.streams import (
    Engine,
    Stream,
    begin_counters,
    bound_of_stream,
    metric_of_stream,
    stream_name,
)
from serin.core.rollout.trials import BUSINESS_STREAM
from serin.core.rollout.warmup import find_broken, watch_warmup

# Share of the margin by which a canary may be slower without a reason to reject it: at high traffic the test would
# else find a difference that nobody feels.
LATENCY_TOLERANCE = 0.25

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Variants:
    """The pods of the three variants that are compared."""

    stable: tuple[PodFacts, ...]
    baseline: tuple[PodFacts, ...]
    canary: tuple[PodFacts, ...]
    have_equal_shares: bool = True  # baseline and canary are meant to get as many requests each
    counting: Counting = BY_PODS

    @property
    def places(self) -> frozenset[str]:
        """All that counts requests of these pods, or may do so."""
        return self.counting.find_places((*self.stable, *self.baseline, *self.canary))


@dataclass(frozen=True, slots=True)
class Look:
    """The engine after a look, what it says, and the ready pods whose scrape it still waits for."""

    engine: Engine
    verdict: Verdict
    is_warming_up: bool = False
    missing_pods: tuple[str, ...] = ()
    suspicion: str | None = None  # why the baseline is not to be believed
    has_incident: bool = False  # both fail far more than usual, and alike


def make_settings(analysis: Analysis, metric: Metric) -> Settings:
    """Plan to engine."""
    dispersion, tolerance = analysis.dispersion, metric.tolerance
    if tolerance is None:
        tolerance = LATENCY_TOLERANCE if metric.type == "Histogram" else 0.0
    return Settings(
        interval_seconds=duration_seconds(analysis.interval),
        min_duration_seconds=duration_seconds(analysis.min_duration),
        max_duration_seconds=duration_seconds(analysis.max_duration),
        false_reject=analysis.false_reject,
        false_promote=analysis.false_promote,
        margin_absolute=metric.margin.absolute,
        margin_relative=metric.margin.relative,
        tolerance=tolerance,
        control_includes_stable=analysis.control == "BaselineAndStable",
        fixed_dispersion=dispersion.value if dispersion.mode == "Fixed" else None,
    )


@lru_cache(maxsize=1024)  # of plans: one decision asks some times, with one and the same
def make_settings_by_metric(analysis: Analysis) -> Mapping[str, Settings]:
    """Of the metrics that are made of streams, in the order of the plan."""
    return {metric.name: make_settings(analysis, metric) for metric in analysis.metrics if metric.type != "Categories"}


@lru_cache(maxsize=1024)
def make_drift_settings_by_metric(analysis: Analysis) -> Mapping[str, DriftSettings]:
    """Of the metrics of type Categories, in the order of the plan."""
    return {m.name: make_drift_settings(m, make_settings(analysis, m)) for m in drift_metrics(analysis)}


def warmup_ends_at(engine: Engine, analysis: Analysis) -> datetime:
    return engine.since + timedelta(seconds=duration_seconds(analysis.warmup))


def interval_of(analysis: Analysis) -> timedelta:
    return timedelta(seconds=duration_seconds(analysis.interval))


def next_look_at(engine: Engine, analysis: Analysis) -> datetime:
    return next_moment(engine.looked_at, analysis)


def next_moment(after: datetime, analysis: Analysis) -> datetime:
    """On a grid that all comparisons with this interval share, so that one query reads the counters of them all."""
    interval = interval_of(analysis)
    return on_grid(after, interval) + interval


def on_grid(moment: datetime, step: timedelta) -> datetime:
    """The last multiple of `step` since 1970 that is not after `moment`."""
    return _EPOCH + (moment - _EPOCH) // step * step


def learn_history(engine: Engine, history: MetricHistory | MetricsUnavailable, analysis: Analysis) -> Engine:
    """With what the stable pods did before; without it, if it cannot be had, after some tries.

    It is worth waiting for, because how far failures come in bursts is not to be seen in a short comparison. It is
    not worth a stop: without it the evidence is only weighed more carefully.
    """
    if not engine.wants_history(analysis):
        return engine
    if isinstance(history, MetricsUnavailable):
        return replace(engine, history_tries_left=engine.history_tries_left - 1)
    settings, streams = make_settings_by_metric(analysis), dict(engine.streams)
    for name, stream in engine.streams.items():
        if stream.evidence.intervals == 0:
            past = make_history(history.by_stream.get(name, {}))
            streams[name] = replace(stream, evidence=EvidenceState.begin(past, settings[metric_of_stream(name)]))
    return replace(engine, streams=streams, history_tries_left=0)


def look(engine: Engine, readings: MetricReadings, variants: Variants, analysis: Analysis, now: datetime) -> Look:
    """Close an interval if every ready pod of baseline and canary has a new scrape; else leave the engine as it is.

    All streams close together, so that every metric has judged the same requests. During the warm-up counters are
    followed and nothing is judged, for both young variants may stumble, unless the canary is plainly broken.
    """
    chosen = _choose_latencies(engine, readings, variants, analysis)
    if chosen:
        engine = replace(engine.following(chosen, now, variants.places), looked_at=now)
        return Look(engine, _judge(engine, analysis), is_warming_up=True)
    # The interval that began in the warm-up still belongs to it.
    is_warming_up = engine.looked_at < warmup_ends_at(engine, analysis)
    streams = _close_streams(engine, readings, variants, analysis, is_judged=not is_warming_up)
    predictions = read_silent_pods(engine.drifts, readings)
    drifts = close_drifts(
        engine.drifts,
        predictions,
        _tracks(variants, {}, BY_PODS),
        make_drift_settings_by_metric(analysis),
        is_judged=not is_warming_up,
    )
    if isinstance(streams, Waiting):
        return _wait(engine, streams, analysis)
    if isinstance(drifts, Waiting):
        return _wait(engine, drifts, analysis)
    stable, counters = [pod.name for pod in variants.stable], begin_counters(now, variants.places)
    drifts = begin_drifts(drifts, predictions, stable, counters)
    agreement = engine.agreement and engine.agreement.take(readings, analysis, is_judged=not is_warming_up)
    business = _tracks(variants, readings.by_stream.get(BUSINESS_STREAM, {}), BY_PODS)
    trial = engine.trial and engine.trial.take(business, analysis, is_judged=not is_warming_up)
    after = replace(engine, looked_at=now, streams=streams, drifts=drifts, agreement=agreement, trial=trial)
    if is_warming_up:
        broken = find_broken(streams, make_settings_by_metric(analysis))
        return Look(after, broken or _judge(after, analysis), is_warming_up=broken is None)
    return Look(
        engine=after,
        verdict=_judge(after, analysis),
        suspicion=_find_suspicion(streams, make_settings_by_metric(analysis)),
        has_incident=_has_incident(engine.streams, streams),
    )


def _wait(engine: Engine, waiting: Waiting, analysis: Analysis) -> Look:
    missing = tuple(describe_place(place) for place in (*waiting.baseline, *waiting.canary))
    return Look(engine, _judge(engine, analysis), missing_pods=missing)


def _close_streams(
    engine: Engine, readings: MetricReadings, variants: Variants, analysis: Analysis, *, is_judged: bool
) -> Mapping[str, Stream] | Waiting:
    settings, after = make_settings_by_metric(analysis), {}
    with_own_selectors = {metric.name for metric in analysis.metrics if has_own_selectors(metric)}
    for name, stream in engine.streams.items():
        counting = BY_PODS if metric_of_stream(name) in with_own_selectors else variants.counting
        tracks = _tracks(variants, readings.by_stream.get(name, {}), counting)
        closed, counters = close_interval(stream.counters, tracks)
        if isinstance(closed, Waiting):
            return closed
        closed = replace(closed, is_symmetric=closed.is_symmetric and variants.have_equal_shares)
        after[name], used = replace(stream, counters=counters), settings[metric_of_stream(name)]
        if is_judged:
            after[name] = _advance(after[name], closed, used)
        elif bound_of_stream(name) is None:
            after[name] = watch_warmup(after[name], closed, used)
    return after


def _advance(stream: Stream, closed: Increments, settings: Settings) -> Stream:
    dispersion = decide_dispersion(stream.evidence.bursts, settings)
    return replace(
        stream,
        evidence=advance(stream.evidence, closed, settings),
        guard=watch(stream.guard, closed, dispersion, settings),
        warmup=None,
    )


def _find_suspicion(streams: Mapping[str, Stream], settings: Mapping[str, Settings]) -> str | None:
    """Why the baseline is not to be believed, as a sentence; None when it is."""
    for name, stream in streams.items():
        if stream.guard.is_suspect(settings[metric_of_stream(name)]):
            baseline, stable = stream.guard.baseline.failure_rate, stream.guard.stable.failure_rate
            return (
                f"{name}: {percent(baseline)} of the baseline's requests and {percent(stable)} of stable's count "
                "against them, though both run the same version: look for a warm-up that is too short, a bad node or "
                "uneven routing."
            )
    return None


def _has_incident(before: Mapping[str, Stream], after: Mapping[str, Stream]) -> bool:
    """Of requests that fail. Slow ones become more with every wave of load."""
    failures = (name for name in before if bound_of_stream(name) is None)
    return any(is_shared_incident(before[name].evidence, after[name].evidence) for name in failures)


def _choose_latencies(
    engine: Engine, readings: MetricReadings, variants: Variants, analysis: Analysis
) -> tuple[str, ...]:
    """Streams for the Histograms that have none yet, from all that the stable pods have served so far."""
    chosen = []
    for metric in analysis.metrics:
        if metric.type != "Histogram" or engine.streams_of(metric.name):
            continue
        slower, total = {}, 0.0
        for stream, by_pod in readings.by_stream.items():
            bound = bound_of_stream(stream) if metric_of_stream(stream) == metric.name else None
            if bound is not None:
                of_stable = [by_pod[pod.name] for pod in variants.stable if pod.name in by_pod]
                slower[bound] = sum(reading.failed for reading in of_stable)
                total = sum(reading.total for reading in of_stable)
        chosen += [stream_name(metric.name, bound) for bound in choose_bounds(slower, total)]
    return tuple(chosen)


def _judge(engine: Engine, analysis: Analysis) -> Verdict:
    settings, judgements = make_settings_by_metric(analysis), {}
    for metric in settings:
        ours = {name: stream.evidence for name, stream in engine.streams.items() if metric_of_stream(name) == metric}
        # A Histogram without bounds has seen no request: it must be told, and must not be left out as if it were good.
        judged = ours or {metric: EvidenceState()}
        judgements[metric] = {name: judge(state, settings[metric]) for name, state in judged.items()}
    drifts = judge_drifts(engine.drifts, make_drift_settings_by_metric(analysis))
    agreement = engine.agreement.judge(analysis) if engine.agreement else None
    verdict = combine(judgements, settings, drifts, agreement)
    if engine.trial is None:
        return verdict
    trial, most = engine.trial.judge(analysis), duration_seconds(analysis.max_duration)
    return settle_ab(verdict, trial, engine.data_seconds, most)


def _tracks(variants: Variants, readings: Mapping[str, Reading], counting: Counting) -> Tracks:
    return Tracks(
        stable=counting.make_track(variants.stable, readings),
        baseline=counting.make_track(variants.baseline, readings),
        canary=counting.make_track(variants.canary, readings),
    )
