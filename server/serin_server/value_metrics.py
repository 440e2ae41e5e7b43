"""The observed values as metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from serin_server.observed_values import PREDICTION_BUCKETS, ObservedValues


def make_value_metrics(values: ObservedValues, labels: tuple[str, str]) -> Iterator[Metric]:
    yield _make_classes(values, labels) if values.has_classes else _make_histogram(values, labels)
    yield from _make_features(values, labels)
    yield _make_out_of_range(values, labels)


def _make_classes(values: ObservedValues, labels: tuple[str, str]) -> Metric:
    family = CounterMetricFamily(
        "serin_predictions_total",
        "Predictions by class; beyond the first hundred classes: other.",
        labels=("model", "version", "class"),
    )
    for name, count in values.observe_classes().items():
        family.add_metric((*labels, name), count)
    return family


def _make_histogram(values: ObservedValues, labels: tuple[str, str]) -> Metric:
    family = HistogramMetricFamily(
        "serin_prediction_value", "Predicted numbers, the finite ones.", labels=("model", "version")
    )
    counts, total = values.observe_buckets()
    buckets: list[tuple[str, float]] = []
    below = 0
    for bound, count in zip((*(str(float(bound)) for bound in PREDICTION_BUCKETS), "+Inf"), counts, strict=True):
        below += count
        buckets.append((bound, below))
    family.add_metric(labels, buckets=buckets, sum_value=None)
    # The library leaves these two out where a bucket is negative, because OpenMetrics forbids them there.
    series = {"model": labels[0], "version": labels[1]}
    family.add_sample("serin_prediction_value_count", series, below)
    family.add_sample("serin_prediction_value_sum", series, total)
    return family


def _make_features(values: ObservedValues, labels: tuple[str, str]) -> Iterator[Metric]:
    names = ("model", "version", "input", "feature")
    counts = CounterMetricFamily("serin_input_values_total", "Finite numbers given to the model.", labels=names)
    missing = CounterMetricFamily(
        "serin_input_missing_total", "Missing values (NaN) and infinities given to the model.", labels=names
    )
    sums = GaugeMetricFamily("serin_input_sum", "Sum of the numbers; their mean is this by their count.", labels=names)
    least = GaugeMetricFamily("serin_input_min", "The least number since the start.", labels=names)
    most = GaugeMetricFamily("serin_input_max", "The largest number since the start.", labels=names)
    for (tensor, position), summary in values.observe_features().items():
        series = (*labels, tensor, position)
        counts.add_metric(series, summary.count)
        missing.add_metric(series, summary.missing)
        sums.add_metric(series, summary.sum)
        if summary.count:
            least.add_metric(series, summary.min)
            most.add_metric(series, summary.max)
    yield from (counts, missing, sums, least, most)


def _make_out_of_range(values: ObservedValues, labels: tuple[str, str]) -> Metric:
    family = CounterMetricFamily(
        "serin_input_out_of_range_total",
        "Numbers outside of --input-ranges, those of refused requests included.",
        labels=("model", "version", "input", "feature"),
    )
    for wanted, count in values.observe_out_of_range().items():
        family.add_metric((*labels, wanted.input, "" if wanted.feature is None else str(wanted.feature)), count)
    return family
