"""One worker's metrics as plain data, and the metrics of all workers as one.

What is published never falls when a worker dies: its last snapshot joins the `retired` ones, without the gauges that
were about a living process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

Snapshot = list[list[Any]]
"""[name, meaning, type, [[series, labels, value], …]] for each metric, as it goes through JSON."""

_Merge = Callable[[float, float], float]

_NO_SUMS: Final[dict[str, _Merge]] = {
    "serin_input_min": min,
    "serin_input_max": max,
    "serin_model_load_seconds": max,
    "process_start_time_seconds": min,
    "process_max_fds": min,
}

_KEPT_GAUGES: Final = ("serin_input_sum", "serin_input_min", "serin_input_max")


def take_snapshot(metrics: Iterable[Metric]) -> Snapshot:
    return [
        [
            metric.name,
            metric.documentation,
            metric.type,
            [[sample.name, sample.labels, sample.value] for sample in metric.samples],
        ]
        for metric in metrics
    ]


def retire(snapshot: Snapshot) -> Snapshot:
    """What stays of a worker that is gone."""
    return [metric for metric in snapshot if metric[2] != "gauge" or metric[0] in _KEPT_GAUGES]


def merge_snapshots(snapshots: Sequence[Snapshot]) -> Snapshot:
    metrics: dict[str, list[Any]] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for name, meaning, kind, samples in (metric for snapshot in snapshots for metric in snapshot):
        metrics.setdefault(name, [name, meaning, kind])
        merge = _NO_SUMS.get(name)
        merged = values.setdefault(name, {})
        for series, labels, value in samples:
            key = (series, tuple(labels.items()))
            before = merged.get(key)
            if before is None:
                merged[key] = value
            else:
                merged[key] = before + value if merge is None else merge(before, value)
    return [
        [*metric, [[series, dict(labels), value] for (series, labels), value in values[name].items()]]
        for name, metric in metrics.items()
    ]


def render_snapshot(snapshot: Snapshot) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Snapshot(snapshot))
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for name, meaning, kind, samples in self._snapshot:
            metric = Metric(name, meaning, kind)
            for series, labels, value in samples:
                metric.add_sample(series, labels, value)
            yield metric
