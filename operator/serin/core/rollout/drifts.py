"""The drift of predictions in a comparison: what is counted for a metric of type Categories, and what it says.

Next to `streams`, because a prediction has many classes and not two outcomes. A metric that only warns never keeps
the others waiting: it judges whenever its own counters have news.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from serin.api.v1alpha1.plan import Analysis, Metric
from serin.core.evidence.categories import (
    ALL_OTHERS,
    CategoryCounters,
    CategoryReading,
    CategoryTracks,
    choose_classes,
    close_categories,
)
from serin.core.evidence.combination import JudgedDrift
from serin.core.evidence.counters import CounterState, Tracks, Waiting
from serin.core.evidence.drift import DriftSettings, DriftState, advance_drift, judge_drift
from serin.core.evidence.settings import Settings
from serin.core.facts import MetricReadings

DEFAULT_LIMIT: Final = 0.05

_Readings = Mapping[str, CategoryReading]


@dataclass(frozen=True, slots=True)
class Drift:
    """What was read of a metric's counters last, and the evidence from them."""

    counters: CategoryCounters
    evidence: DriftState

    @staticmethod
    def begin(classes: tuple[str, ...], counters: CounterState) -> "Drift":
        return Drift(CategoryCounters(classes, counters), DriftState.begin(len(classes) + 1))

    @property
    def class_names(self) -> tuple[str, ...]:
        return (*self.counters.classes, ALL_OTHERS)

    def resume(self, counters: CounterState) -> "Drift":
        """After a pause: what was counted meanwhile is not judged."""
        return replace(self, counters=CategoryCounters(self.counters.classes, counters))

    def to_json(self) -> dict[str, Any]:
        return {"counters": self.counters.to_json(), "evidence": self.evidence.to_json()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Drift":
        return Drift(CategoryCounters.from_json(data["counters"]), DriftState.from_json(data["evidence"]))


def drift_metrics(analysis: Analysis) -> tuple[Metric, ...]:
    return tuple(metric for metric in analysis.metrics if metric.type == "Categories")


def make_drift_settings(metric: Metric, shared: Settings) -> DriftSettings:
    """Plan to engine."""
    return DriftSettings(
        shared=shared,
        limit=DEFAULT_LIMIT if metric.limit is None else metric.limit,
        is_enforced=metric.action == "Reject",
    )


def read_silent_pods(drifts: Mapping[str, Drift], readings: MetricReadings) -> Mapping[str, _Readings]:
    """The readings by class, with 0 for pods that were scraped and have never counted a prediction.

    A counter with a class begins with its first prediction. A canary that answers nothing but errors never has one, and
    must not keep the metric that would reject it waiting.
    """
    scraped: dict[str, float] = {}
    for by_pod in readings.by_stream.values():
        for pod, reading in by_pod.items():
            scraped[pod] = max(reading.at_seconds, scraped.get(pod, reading.at_seconds))
    completed = {}
    for name, found in readings.categories.items():
        counted = drifts[name].counters.counts if name in drifts else {}
        # What has counted before and is missing now was not looked at: 0 would be taken for a restart.
        silent = {pod: at for pod, at in scraped.items() if pod not in found and not any(counted.get(pod, ()))}
        completed[name] = {**{pod: CategoryReading(at, {}) for pod, at in silent.items()}, **found}
    return completed


def begin_drifts(
    drifts: Mapping[str, Drift],
    readings: Mapping[str, _Readings],
    stable: Iterable[str],
    counters: CounterState,
) -> Mapping[str, Drift]:
    """With the metrics of which the stable pods have now counted the first predictions; these choose the classes."""
    begun = dict(drifts)
    pods = frozenset(stable)
    for name, by_pod in readings.items():
        classes = choose_classes(reading for pod, reading in by_pod.items() if pod in pods)
        if name not in begun and classes:
            begun[name] = Drift.begin(classes, counters)
    return begun


def close_drifts(
    drifts: Mapping[str, Drift],
    readings: Mapping[str, _Readings],
    pods: Tracks,
    settings: Mapping[str, DriftSettings],
    *,
    is_judged: bool,
) -> Mapping[str, Drift] | Waiting:
    """After one more interval of each metric that has news, or which pods an enforced one waits for."""
    after = dict(drifts)
    for name, drift in drifts.items():
        closed, counters = close_categories(drift.counters, CategoryTracks(pods, readings.get(name, {})))
        if isinstance(closed, Waiting):
            if settings[name].is_enforced:
                return closed
            continue
        evidence = advance_drift(drift.evidence, closed, settings[name]) if is_judged else drift.evidence
        after[name] = Drift(counters, evidence)
    return after


def judge_drifts(drifts: Mapping[str, Drift], settings: Mapping[str, DriftSettings]) -> Mapping[str, JudgedDrift]:
    """In the order of the settings; of a metric that has counted nothing, too."""
    judged = {}
    for name, of_metric in settings.items():
        drift = drifts.get(name)
        evidence = drift.evidence if drift else DriftState.begin(len(("any", ALL_OTHERS)))
        names = drift.class_names if drift else ()
        judged[name] = JudgedDrift(judge_drift(evidence, of_metric), of_metric, names)
    return judged
