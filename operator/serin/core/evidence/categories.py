"""From each pod's counters by class to what one interval saw of each class.

The rules about samples, restarts and pods that come and go are those of `counters`, which is asked with the totals;
here only the classes are added. At most MOST_CLASSES are told apart: the most frequent ones of the stable pods, chosen
before anything is judged, and all others together, in which a class that nobody knew before shows as well.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serin.core.evidence.counters import CounterState, Reading, Track, Tracks, Waiting, close_interval

MOST_CLASSES = 8
ALL_OTHERS = "all others"

ByClass = tuple[float, ...]
"""One number per class in the order of `CategoryCounters.classes`, and a last one for all other classes."""


@dataclass(frozen=True)
class CategoryReading:
    """The predictions of one pod by class since its start, all from the same scrape; Unix time of the sample."""

    at_seconds: float
    counts: Mapping[str, float]

    @property
    def is_usable(self) -> bool:
        """False for what must be treated as a missing scrape."""
        numbers = (self.at_seconds, *self.counts.values())
        return all(map(math.isfinite, numbers)) and all(count >= 0 for count in self.counts.values())


@dataclass(frozen=True)
class CategoryTracks:
    """The pods of the three tracks, without readings, and the newest reading of each pod that has one."""

    pods: Tracks
    readings: Mapping[str, CategoryReading]


@dataclass(frozen=True)
class CategoryIncrements:
    """Predictions by class since the interval before."""

    stable: ByClass
    baseline: ByClass
    canary: ByClass
    seconds: float
    stable_halves: tuple[ByClass, ByClass] | None = None  # None when there are not two stable pods to compare

    @property
    def is_compared(self) -> bool:
        """Both variants predicted something."""
        return sum(self.baseline) > 0 and sum(self.canary) > 0


@dataclass(frozen=True)
class CategoryCounters:
    """The last consumed reading of every pod: its total in `flow`, its classes in `counts`."""

    classes: tuple[str, ...]
    flow: CounterState
    counts: Mapping[str, ByClass] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into an equal state."""
        return {
            "classes": list(self.classes),
            "flow": self.flow.to_json(),
            "counts": {pod: list(counts) for pod, counts in sorted(self.counts.items())},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "CategoryCounters":
        """The state that `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        classes = tuple(map(str, data["classes"]))
        counts = {pod: tuple(map(float, numbers)) for pod, numbers in data["counts"].items()}
        if any(len(numbers) != len(classes) + 1 for numbers in counts.values()):
            raise ValueError(f"counts of {len(classes)} classes and all others, expected as many of every pod")
        return CategoryCounters(classes, CounterState.from_json(data["flow"]), counts)


def choose_classes(readings: Iterable[CategoryReading]) -> tuple[str, ...]:
    """The classes to tell apart, from the stable pods' readings: the most frequent, then by name; none without any."""
    total: Counter[str] = Counter()
    for reading in readings:
        if reading.is_usable:
            total.update(reading.counts)
    seen = sorted((name for name, count in total.items() if count > 0), key=lambda name: (-total[name], name))
    return tuple(seen[: MOST_CLASSES - 1])


def close_categories(
    state: CategoryCounters, tracks: CategoryTracks
) -> tuple[CategoryIncrements | Waiting, CategoryCounters]:
    """The increments since the last closed interval, or which pods they wait for; and the state to go on from."""
    usable = {pod: reading for pod, reading in tracks.readings.items() if reading.is_usable}
    closed, flow = close_interval(
        state.flow,
        Tracks(
            stable=_with_totals(tracks.pods.stable, usable),
            baseline=_with_totals(tracks.pods.baseline, usable),
            canary=_with_totals(tracks.pods.canary, usable),
        ),
    )
    if isinstance(closed, Waiting):
        return closed, state
    news = {pod: _pool(usable[pod].counts, state.classes) for pod in _news(state.flow, flow)}
    new = {pod: _increment(state, pod, counts) for pod, counts in news.items()}
    known = {**flow.stable, **flow.baseline, **flow.canary}

    def add_up(pods: Iterable[str]) -> ByClass:
        return _sum([new[pod] for pod in sorted(pods) if pod in new], len(state.classes) + 1)

    halves = None
    if closed.stable_halves is not None:
        halves = add_up(flow.stable.keys() - flow.second_half), add_up(flow.second_half)
    increments = CategoryIncrements(
        stable=add_up(flow.stable),
        baseline=add_up(flow.baseline),
        canary=add_up(flow.canary),
        seconds=closed.seconds,
        stable_halves=halves,
    )
    counts = {pod: numbers for pod, numbers in {**state.counts, **news}.items() if pod in known}
    return increments, CategoryCounters(state.classes, flow, counts)


def _with_totals(track: Track, readings: Mapping[str, CategoryReading]) -> Track:
    """The track with the sums over all classes as the only counters."""
    found = {
        pod: Reading(readings[pod].at_seconds, math.fsum(readings[pod].counts.values()), 0.0)
        for pod in (track.ready | track.unready) & readings.keys()
    }
    return Track(found, track.ready, track.unready)


def _news(before: CounterState, after: CounterState) -> frozenset[str]:
    """Pods whose reading was consumed by the interval that has just closed."""
    tracks = ((before.stable, after.stable), (before.baseline, after.baseline), (before.canary, after.canary))
    return frozenset(
        pod
        for earlier, later in tracks
        for pod, reading in later.items()
        if pod not in earlier or reading.at_seconds > earlier[pod].at_seconds
    )


def _increment(state: CategoryCounters, pod: str, counts: ByClass) -> ByClass:
    if pod in state.counts:
        before = state.counts[pod]
        # A counter cannot fall but by a restart, and then all of the reading is new.
        is_restarted = any(now < earlier for now, earlier in zip(counts, before, strict=True))
        return counts if is_restarted else tuple(now - earlier for now, earlier in zip(counts, before, strict=True))
    return (0.0,) * len(counts) if pod in state.flow.unseen else counts


def _pool(counts: Mapping[str, float], classes: tuple[str, ...]) -> ByClass:
    told_apart = tuple(float(counts.get(name, 0.0)) for name in classes)
    return (*told_apart, math.fsum(count for name, count in counts.items() if name not in classes))


def _sum(numbers: list[ByClass], length: int) -> ByClass:
    return tuple(math.fsum(of_pod[i] for of_pod in numbers) for i in range(length))
