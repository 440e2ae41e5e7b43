"""From Prometheus's range vectors to one reading per pod. Pure.

A reading is of one moment: the newest scrape that tells both counters. Values that are no count (NaN, infinite,
negative) make their moment unusable, and the one before it is taken.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from serin.core.evidence.counters import Reading

CLIENT_GAVE_UP = "499"
OVERLOADED = "429"


class InvalidAnswerError(ValueError):
    """Not a range vector; says what was found."""


@dataclass(slots=True)
class _Sum:
    """Of one pod's samples of one moment."""

    value: float = 0.0
    is_usable: bool = True

    def add(self, value: float) -> None:
        self.value += value
        self.is_usable = self.is_usable and math.isfinite(value) and value >= 0


_Moments = Mapping[str, Mapping[float, _Sum]]


def is_failure(code: str) -> bool:
    """Any answer that is not 2xx or 3xx; load shedding and clients that left say nothing about the model."""
    return code[:1] not in ("2", "3") and code not in (OVERLOADED, CLIENT_GAVE_UP)


def read_serin(answer: Any) -> Mapping[str, tuple[Reading, ...]]:
    """All usable readings by pod, in the order of time, of one counter whose label `code` tells failures."""
    failed = [sample for sample in samples(answer) if is_failure(sample[1].get("code", ""))]
    return _pair(_sum_up(samples(answer)), _sum_up(failed), is_failed_sparse=True)


def read_pair(total_answer: Any, failed_answer: Any) -> Mapping[str, tuple[Reading, ...]]:
    """All usable readings by pod, in the order of time, of two counters that were asked for one after the other.

    A pod without any series of failures has had none. One whose failures are not told at a moment is not read at it.
    """
    return _pair(_sum_up(samples(total_answer)), _sum_up(samples(failed_answer)), is_failed_sparse=False)


def newest(readings: Mapping[str, tuple[Reading, ...]]) -> Mapping[str, Reading]:
    """The last reading of each pod."""
    return {pod: of_pod[-1] for pod, of_pod in readings.items()}


def _pair(totals: "_Moments", failures: "_Moments", *, is_failed_sparse: bool) -> Mapping[str, tuple[Reading, ...]]:
    """`is_failed_sparse`: at a moment without failures there is no series of them, for both are of one scrape."""
    readings = {}
    for pod, moments in totals.items():
        failed = failures.get(pod)
        found = []
        for at, total in sorted(moments.items()):
            at_failed = failed.get(at) if failed is not None else None
            is_told = failed is None or is_failed_sparse or at_failed is not None
            if total.is_usable and is_told and (at_failed is None or at_failed.is_usable):
                found.append(Reading(at, total.value, at_failed.value if at_failed is not None else 0.0))
        if found:
            readings[pod] = tuple(found)
    return readings


Sample = tuple[str, Mapping[str, str], float, float]


def samples(answer: Any) -> Iterator[Sample]:
    """Pod, labels, time, value of every sample. Series without a pod are of no use."""
    if not isinstance(answer, list):
        raise InvalidAnswerError(f"{type(answer).__name__} instead of a list of series")
    for series in answer:
        try:
            labels = series["metric"]
            samples = [(float(at), float(text)) for at, text in series["values"]]
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidAnswerError(f"a series without its labels and samples: {str(series)[:200]}") from error
        for at, value in samples if "pod" in labels else ():
            yield labels["pod"], labels, at, value


def _sum_up(samples: Any) -> _Moments:
    moments: defaultdict[str, defaultdict[float, _Sum]] = defaultdict(lambda: defaultdict(_Sum))
    for pod, _, at, value in samples:
        moments[pod][at].add(value)
    return moments
