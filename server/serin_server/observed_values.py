"""What goes into the model and what comes out of it, as numbers that show a drift.

Arrays are kept as they are and summed up a few hundred runs at a time, or when somebody looks: numpy's cost is per
call, so this way a request pays next to nothing. Large tensors are summed up at once, so that nothing large is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from serin_server.input_ranges import InputRange
from serin_server.oip.datatypes import Array
from serin_server.oip.signature import Signature, TensorSpec
from serin_server.predictions import OutputRoles

Arrays = dict[str, Array]

PREDICTION_BUCKETS: Final = (
    -1e6, -1e5, -1e4, -1000, -100, -10, -1, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 5, 10, 20, 50, 100,
    1000, 1e4, 1e5, 1e6,
)  # fmt: skip
"""Tenths for shares and probabilities, powers of ten for all else."""

OTHER_CLASSES: Final = "other"
_MAX_CLASSES: Final = 100
"""Each is a series in Prometheus. A model whose text is not a class must not make one per answer."""

_MAX_FEATURES: Final = 64
"""A wider table has pixels, not features: it is summed up as a whole."""

_RUNS_AT_A_TIME: Final = 256
_VALUES_AT_A_TIME: Final = 16_384


@dataclass(slots=True)
class FeatureSummary:
    """Since the start of the process; what is not finite counts as missing and as nothing else."""

    count: int = 0
    missing: int = 0
    sum: float = 0.0
    min: float = np.inf
    max: float = -np.inf

    def add(self, values: Array) -> None:
        # Nearly all tensors are finite, and the copies that are not made are what large ones would cost.
        is_known = np.isfinite(values)
        known = values if is_known.all() else values[is_known]
        self.missing += values.size - known.size
        if known.size:
            self.count += known.size
            self.sum += float(known.sum(dtype=np.float64))
            self.min = min(self.min, float(known.min()))
            self.max = max(self.max, float(known.max()))


class ObservedValues:
    def __init__(self, signature: Signature, roles: OutputRoles, ranges: Sequence[InputRange] = ()) -> None:
        self._out_of_range = dict.fromkeys(ranges, 0)
        self._inputs = [spec for spec in signature.inputs if spec.datatype.json_type in (int, float)]
        self._prediction = next(spec for spec in signature.outputs if spec.name == roles.prediction)
        self._kept: list[tuple[Arrays, Arrays]] = []
        self._kept_values = 0
        self._classes: Counter[str] = Counter()
        self._features: dict[tuple[str, str], FeatureSummary] = {}
        self._bucket_counts = np.zeros(len(PREDICTION_BUCKETS) + 1, np.int64)
        self._prediction_sum = 0.0

    @property
    def has_classes(self) -> bool:
        return not self._prediction.datatype.is_float

    def record(self, feeds: Arrays, outputs: Arrays) -> None:
        self._kept.append((feeds, outputs))
        for array in feeds.values():
            self._kept_values += array.size
        if len(self._kept) >= _RUNS_AT_A_TIME or self._kept_values >= _VALUES_AT_A_TIME:
            self._sum_up()

    def observe_classes(self) -> dict[str, int]:
        self._sum_up()
        return dict(self._classes)

    def observe_buckets(self) -> tuple[list[int], float]:
        """How many predictions fell into each bucket and beyond the last, and their sum."""
        self._sum_up()
        return self._bucket_counts.tolist(), self._prediction_sum

    def observe_features(self) -> dict[tuple[str, str], FeatureSummary]:
        """By input and position in its rows; the position is empty for an input that is summed up as a whole."""
        self._sum_up()
        return dict(self._features)

    def observe_out_of_range(self) -> dict[InputRange, int]:
        self._sum_up()
        return dict(self._out_of_range)

    def record_refused(self, feeds: Arrays) -> None:
        self._count_out_of_range([feeds])

    def _count_out_of_range(self, runs: Sequence[Arrays]) -> None:
        for wanted in self._out_of_range:
            values = [wanted.select(feeds[wanted.input]).reshape(-1) for feeds in runs]
            self._out_of_range[wanted] += wanted.count_outside(np.concatenate(values))

    def _sum_up(self) -> None:
        kept, self._kept, self._kept_values = self._kept, [], 0
        if not kept:
            return
        self._count_out_of_range([feeds for feeds, _ in kept])
        for spec in self._inputs:
            self._add_input(spec, [feeds[spec.name] for feeds, _ in kept])
        name = self._prediction.name
        predictions = [outputs[name].reshape(-1) for _, outputs in kept if name in outputs]
        if predictions:
            self._add_predictions(np.concatenate(predictions))

    def _add_input(self, spec: TensorSpec, arrays: list[Array]) -> None:
        width = spec.shape[1] if spec.shape is not None and len(spec.shape) == 2 else 0
        if 1 < width <= _MAX_FEATURES:
            table = np.concatenate(arrays).astype(np.float64)
            columns = {str(position): table[:, position] for position in range(width)}
        else:
            flat = [array.reshape(-1) for array in arrays]
            columns = {"": flat[0] if len(flat) == 1 else np.concatenate(flat)}
        for position, values in columns.items():
            self._features.setdefault((spec.name, position), FeatureSummary()).add(values)

    def _add_predictions(self, values: Array) -> None:
        if self.has_classes:
            for value, count in Counter(values.tolist()).items():
                text = str(value)
                is_known = text in self._classes or len(self._classes) < _MAX_CLASSES
                self._classes[text if is_known else OTHER_CLASSES] += count
            return
        known = values[np.isfinite(values)].astype(np.float64)
        places = np.searchsorted(PREDICTION_BUCKETS, known, side="left")
        self._bucket_counts += np.bincount(places, minlength=len(self._bucket_counts))
        self._prediction_sum += float(known.sum())
