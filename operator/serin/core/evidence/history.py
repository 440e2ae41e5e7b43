"""What the stable pods did before a comparison, from their counters' past readings to intervals of two halves.

A pod stays in its half for the whole history, wherever it is counted, so that a burst of one pod never shows on both
sides.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from serin.core.evidence.counters import Reading, increment_between
from serin.core.evidence.counts import Counts, StableHalves
from serin.core.evidence.dispersion import HistoryInterval
from serin.core.evidence.places import pod_of_place


def make_history(readings: Mapping[str, Sequence[Reading]]) -> tuple[HistoryInterval, ...]:
    """Intervals in the order of time, from readings per place on a common grid of moments.

    A place counts in an interval that it has readings at both ends of. Intervals in which one half has none are left
    out: they say nothing about how much two groups of pods differ by chance.
    """
    usable = {
        place: {reading.at_seconds: reading for reading in found if reading.is_usable}
        for place, found in readings.items()
    }
    second_half = frozenset(sorted(set(map(pod_of_place, usable)))[1::2])
    moments = sorted({at_seconds for found in usable.values() for at_seconds in found})
    history = []
    for begin, end in pairwise(moments):
        halves: dict[bool, list[Counts]] = {False: [], True: []}
        for place, found in sorted(usable.items()):
            if begin in found and end in found:
                halves[pod_of_place(place) in second_half].append(increment_between(found[begin], found[end]))
        if halves[False] and halves[True]:
            first, second = (sum(counts, Counts()) for counts in halves.values())
            history.append(HistoryInterval(StableHalves(first, second), end - begin))
    return tuple(history)
