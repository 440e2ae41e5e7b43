"""From Prometheus's range vectors to one reading per pod. Pure.

A reading is of one moment: the newest scrape that tells both counters. Values that are no count (NaN, infinite,
negative) make their moment unusable, and the one before it is taken.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from serin.core.evidence.counters import Reading
from serin.core.metric_presets import FailedCounter, FailedSeries

# Prometheus adds the first two to each series, pairs of it the others: a pod that is scraped twice, by two jobs or by
# both of a pair, has each of its counters twice.
_SCRAPE_LABELS = ("job", "instance", "prometheus", "prometheus_replica", "replica", "receive_replica", "__replica__")


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


def read_requests(answer: Any, failed: FailedSeries) -> Mapping[str, tuple[Reading, ...]]:
    """All usable readings by pod, in the order of time, of counters of which some series are failures."""
    series = of_one_scrape(answer)
    alternatives = [[(name, re.compile(pattern)) for name, pattern in labels] for labels in failed.any_of]

    def is_failed(labels: Mapping[str, str]) -> bool:
        return any(
            all(pattern.fullmatch(labels.get(name, "")) for name, pattern in alternative)
            for alternative in alternatives
        )

    failures = [found for found in series if is_failed(found["metric"])]
    return _pair(_sum_up(samples(series)), _sum_up(samples(failures)), is_failed_sparse=True)


def read_pair(total_answer: Any, failed_answer: Any, counter: FailedCounter) -> Mapping[str, tuple[Reading, ...]]:
    """All usable readings by pod, in the order of time, of two counters that were asked for one after the other.

    A pod without any series of failures has had none, if the counter is one that comes with the first. Else nobody
    knows whether it has failed: InvalidAnswerError. One whose failures are not told at a moment is not read at it.
    """
    totals, failures = _sum_up(samples(of_one_scrape(total_answer))), _sum_up(samples(of_one_scrape(failed_answer)))
    uncounted = sorted(totals.keys() - failures.keys())
    if uncounted and not counter.is_lazy:
        raise InvalidAnswerError(
            f"pod {uncounted[0]} counts requests and has no series {counter.selector}: correct the selector, or say "
            "failedWhenAbsent: Zero if that counter comes with the first failure"
        )
    return _pair(totals, failures, is_failed_sparse=False)


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


def of_one_scrape(answer: Any) -> list[Any]:
    """The series without those that tell the same a second time: of each pod, the ones of a single scraper.

    The first by name, for the choice must be the same at every look.
    """
    if not isinstance(answer, list):
        raise InvalidAnswerError(f"{type(answer).__name__} instead of a list of series")
    scrapes: defaultdict[Any, set[tuple[str, ...]]] = defaultdict(set)
    found = []
    for series in answer:
        labels = series.get("metric") if isinstance(series, dict) else None
        if not isinstance(labels, dict):
            raise InvalidAnswerError(f"a series without its labels: {str(series)[:200]}")
        place = (labels.get("namespace"), labels.get("pod"))
        scrape = tuple(labels.get(name, "") for name in _SCRAPE_LABELS)
        scrapes[place].add(scrape)
        found.append((place, scrape, series))
    first = {place: min(of_place) for place, of_place in scrapes.items()}
    return [series for place, scrape, series in found if scrape == first[place]]


Sample = tuple[str, Mapping[str, str], float, float]


def samples(answer: Any) -> Iterator[Sample]:
    """Pod, labels, time, value of every sample. Series without a pod are of no use."""
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
