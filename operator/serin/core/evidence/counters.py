"""From raw counters, one of each place that counts for a pod, to the increments of one interval.

Rules, because `rate()` and `increase()` extrapolate to fractions and smear intervals:
- A sample time counts once. Asking twice, or again after a restart of the operator, changes nothing.
- An interval closes only when every ready baseline and canary pod has news. Until then nothing is consumed and the
  interval grows: its length is arbitrary, dropping the failures of one pod is not. Stable pods never block.
- A counter that fell was restarted and counts from 0; the total decides this for the failures too.
- What a pod counted before the analysis began is not part of it.
- NaN, infinite and negative readings are readings that are missing.
- The stable pods are followed in two halves: what these differ by is chance, and how large chance is must be known.
  A pod is wholly in one of them, wherever it is counted: else its bursts would show in both.

Names are those of places (places.py): a pod's own, or one for each router that sends it requests.
"""

import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.places import pod_of_place


@dataclass(frozen=True)
class Reading:
    """Two counters of one place from the same scrape: Unix time of it, requests and failures since the start."""

    at_seconds: float
    total: float
    failed: float

    @property
    def is_usable(self) -> bool:
        """False for what must be treated as a missing scrape."""
        finite = all(map(math.isfinite, (self.at_seconds, self.total, self.failed)))
        return finite and self.total >= 0 and self.failed >= 0


@dataclass(frozen=True)
class Track:
    """Newest readings of one track, and the places that the cluster knows, by name.

    `ready`: the pod can answer, and who counts for it can be scraped.
    """

    readings: Mapping[str, Reading] = field(default_factory=dict)
    ready: frozenset[str] = frozenset()
    # They need no fresh sample, but they may come back: their counters must not be forgotten.
    unready: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """To the cluster or to Prometheus."""
        return self.ready | self.unready | self.readings.keys()


@dataclass(frozen=True)
class Tracks:
    """The three tracks at one moment."""

    stable: Track
    baseline: Track
    canary: Track


@dataclass(frozen=True)
class Waiting:
    """The interval cannot close yet: these ready places have no reading newer than the last one consumed.

    Both empty: no pod of the two variants is ready and none has news.
    """

    baseline: tuple[str, ...]
    canary: tuple[str, ...]


@dataclass(frozen=True)
class CounterState:
    """The last consumed reading of every place; small enough to live in a status (three numbers each)."""

    covered_until_seconds: float
    unseen: frozenset[str]  # places that existed when the analysis began and have not been read since
    stable: Mapping[str, Reading] = field(default_factory=dict)
    baseline: Mapping[str, Reading] = field(default_factory=dict)
    canary: Mapping[str, Reading] = field(default_factory=dict)
    second_half: frozenset[str] = frozenset()  # names of stable pods with a reading; the others are the first

    @staticmethod
    def begin(at_seconds: float, existing: frozenset[str]) -> "CounterState":
        """The state at the begin of an analysis (Unix time), with all places of the three tracks by then."""
        return CounterState(covered_until_seconds=at_seconds, unseen=existing)

    def to_json(self) -> dict[str, Any]:
        """A dict of numbers, names and lists that `from_json` turns back into an equal state."""
        return {
            "coveredUntilSeconds": self.covered_until_seconds,
            "unseen": sorted(self.unseen),
            "stable": _readings_to_json(self.stable),
            "baseline": _readings_to_json(self.baseline),
            "canary": _readings_to_json(self.canary),
            "secondHalf": sorted(self.second_half),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "CounterState":
        """The state that `to_json` wrote. ValueError when a field is missing or not of its kind."""
        try:
            return CounterState(
                covered_until_seconds=float(data["coveredUntilSeconds"]),
                unseen=frozenset(data["unseen"]),
                stable=_readings_from_json(data["stable"]),
                baseline=_readings_from_json(data["baseline"]),
                canary=_readings_from_json(data["canary"]),
                second_half=frozenset(data["secondHalf"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"counter state {data!r} is not one that Serin wrote: {error!r}") from error


def close_interval(state: CounterState, tracks: Tracks) -> tuple[Increments | Waiting, CounterState]:
    """The increments since the last closed interval, or which places they wait for; and the state to go on from.

    While waiting the state is returned unchanged. The time covered runs between the newest samples of the variants.
    """
    baseline_news = _news(state, state.baseline, tracks.baseline)
    canary_news = _news(state, state.canary, tracks.canary)
    missing = Waiting(
        baseline=tuple(sorted(tracks.baseline.ready - baseline_news.keys())),
        canary=tuple(sorted(tracks.canary.ready - canary_news.keys())),
    )
    if missing.baseline or missing.canary or not (baseline_news or canary_news):
        return missing, state

    stable_news = _news(state, state.stable, tracks.stable)
    newest = max(reading.at_seconds for news in (baseline_news, canary_news) for reading in news.values())
    # The pod with the newest sample may have vanished since; time must not run backwards then.
    covered_until = max(state.covered_until_seconds, newest)
    stable_readings = _kept(state.stable, stable_news, tracks.stable)
    second_half = _second_half(state.second_half, _pods_of(state.stable), _pods_of(stable_readings))
    increments = Increments(
        stable=_sum_of_increments(state.stable, stable_news, state.unseen),
        baseline=_sum_of_increments(state.baseline, baseline_news, state.unseen),
        canary=_sum_of_increments(state.canary, canary_news, state.unseen),
        seconds=covered_until - state.covered_until_seconds,
        stable_halves=_halves(state, stable_news, second_half),
        is_symmetric=len(tracks.baseline.ready) == len(tracks.canary.ready),
    )
    read = stable_news.keys() | baseline_news.keys() | canary_news.keys()
    return increments, CounterState(
        covered_until_seconds=covered_until,
        unseen=(state.unseen - read) & (tracks.stable.known | tracks.baseline.known | tracks.canary.known),
        stable=stable_readings,
        baseline=_kept(state.baseline, baseline_news, tracks.baseline),
        canary=_kept(state.canary, canary_news, tracks.canary),
        second_half=second_half,
    )


def _news(state: CounterState, previous: Mapping[str, Reading], track: Track) -> dict[str, Reading]:
    """Usable readings that are newer than what was consumed.

    A place without a stored reading must be newer than the covered time: one that was dropped may still be in
    Prometheus's look-back, and its whole life would count a second time. A new one loses nothing by this, its counter
    holds everything at its next sample.
    """
    news = {}
    for place, reading in track.readings.items():
        consumed_until = previous[place].at_seconds if place in previous else state.covered_until_seconds
        if reading.is_usable and reading.at_seconds > consumed_until:
            news[place] = reading
    return news


def _sum_of_increments(previous: Mapping[str, Reading], news: Mapping[str, Reading], unseen: frozenset[str]) -> Counts:
    requests = failures = 0.0
    for place in sorted(news):  # sorted: the sum of floats must not depend on the order of an answer
        if place in previous:
            added = increment_between(previous[place], news[place])
        elif place not in unseen:
            added = _counts(news[place].total, news[place].failed)
        else:
            continue
        requests, failures = requests + added.requests, failures + added.failures
    return Counts(requests, failures)


def increment_between(previous: Reading, reading: Reading) -> Counts:
    """What one place counted between two readings. A total that fell is a restart: all of the newer reading is new."""
    if reading.total < previous.total:
        return _counts(reading.total, reading.failed)
    return _counts(reading.total - previous.total, reading.failed - previous.failed)


def _counts(requests: float, failures: float) -> Counts:
    return Counts(requests, min(max(failures, 0.0), requests))


def _kept(previous: Mapping[str, Reading], news: Mapping[str, Reading], track: Track) -> dict[str, Reading]:
    """Stored readings without those that the cluster and Prometheus have both forgotten."""
    known = track.known
    return {place: reading for place, reading in {**previous, **news}.items() if place in known}


def _pods_of(places: Iterable[str]) -> frozenset[str]:
    return frozenset(map(pod_of_place, places))


def _second_half(before: frozenset[str], known: Set[str], pods: Set[str]) -> frozenset[str]:
    """Which stable pods are the second half. A pod stays where it is, unless one half would outnumber the other.

    A pod that changed halves in the middle of a block of intervals would carry its burst to the other side.
    """
    second = sorted(pods & before)
    first = sorted((pods & known) - before)
    for pod in sorted(pods - known):
        (second if len(second) < len(first) else first).append(pod)
    while len(first) - len(second) > 1:
        second.append(first.pop())
    while len(second) - len(first) > 1:
        first.append(second.pop())
    return frozenset(second)


def _halves(state: CounterState, news: Mapping[str, Reading], second_half: frozenset[str]) -> StableHalves | None:
    """None where one of the halves has no news to compare."""
    second = {place: reading for place, reading in news.items() if pod_of_place(place) in second_half}
    first = {place: reading for place, reading in news.items() if place not in second}
    if not first or not second:
        return None
    return StableHalves(
        _sum_of_increments(state.stable, first, state.unseen), _sum_of_increments(state.stable, second, state.unseen)
    )


def _readings_to_json(readings: Mapping[str, Reading]) -> dict[str, list[float]]:
    return {pod: [reading.at_seconds, reading.total, reading.failed] for pod, reading in sorted(readings.items())}


def _readings_from_json(data: Mapping[str, Any]) -> dict[str, Reading]:
    return {pod: Reading(*map(float, numbers)) for pod, numbers in data.items()}
