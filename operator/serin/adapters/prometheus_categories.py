"""From Prometheus's counters of predictions to readings by class. Pure.

A model that predicts classes counts them in a counter with a label for the class. One that predicts numbers has a
histogram of them, and each of its buckets is a class. Native histograms are refused: their buckets may become coarser
in the middle of a comparison, and every count would look like a restart.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from serin.adapters.prometheus_samples import InvalidAnswerError, of_one_scrape, samples
from serin.core.evidence.categories import CategoryReading
from serin.core.facts import MetricQuestion

_BUCKET_LABEL = "le"


def make_categories_selector(question: MetricQuestion) -> str:
    return question.predictions or question.buckets


def read_categories(answer: Any, question: MetricQuestion) -> Mapping[str, CategoryReading]:
    """The newest usable reading of each pod that has one."""
    return {pod: readings[-1] for pod, readings in read_past_categories(answer, question).items()}


def read_past_categories(answer: Any, question: MetricQuestion) -> Mapping[str, tuple[CategoryReading, ...]]:
    """All usable readings by pod, in the order of time.

    A series without the label of the class is of a histogram: Serin's own server counts classes or numbers.
    """
    series = of_one_scrape(answer)
    if any("histograms" in found for found in series):
        raise InvalidAnswerError(f"metric {question.name}: a native histogram, expected buckets with a label le")
    counted: defaultdict[str, defaultdict[float, defaultdict[str, float]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(float))
    )
    has_buckets = False
    for pod, labels, at, value in samples(series):
        is_bucket = _BUCKET_LABEL in labels and question.class_label not in labels
        label = _BUCKET_LABEL if is_bucket else question.class_label
        if label not in labels:
            raise InvalidAnswerError(f"metric {question.name}: series without the label {label}, {dict(labels)}")
        has_buckets = has_buckets or is_bucket
        counted[pod][at][labels[label]] += value
    readings = {}
    for pod, moments in counted.items():
        found = (
            CategoryReading(at, dict(_split(within) if has_buckets else within))
            for at, within in sorted(moments.items())
        )
        usable = tuple(reading for reading in found if reading.is_usable)
        if usable:
            readings[pod] = usable
    return readings


def _split(within: Mapping[str, float]) -> Mapping[str, float]:
    """Cumulative counts by upper bound to counts by range."""
    try:
        bounds = sorted((float(bound), count) for bound, count in within.items())
    except ValueError as error:
        raise InvalidAnswerError(f"buckets whose label le is no number, {sorted(within)}") from error
    split = {f"up to {bounds[0][0]:g}": bounds[0][1]}
    for (low, below), (high, count) in pairwise(bounds):
        name = f"above {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
        split[name] = max(0.0, count - below)
    return split
