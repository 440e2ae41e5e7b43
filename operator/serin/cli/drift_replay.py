"""The predictions of a past rollout through the operator's drift of predictions, moment by moment."""

from collections.abc import Iterable
from dataclasses import dataclass

from serin.cli.prometheus_counts import PastCategories, PastPredictions
from serin.cli.replay import DECIDED
from serin.core.evidence.categories import (
    ALL_OTHERS,
    CategoryCounters,
    CategoryReading,
    CategoryTracks,
    choose_classes,
    close_categories,
)
from serin.core.evidence.counters import CounterState, Track, Tracks, Waiting
from serin.core.evidence.drift import DriftJudgement, DriftSettings, DriftState, advance_drift, judge_drift
from serin.core.evidence.drift_sentences import describe_drift
from serin.core.evidence.verdict import Outcome


@dataclass(frozen=True)
class DriftStep:
    ends_at_seconds: float  # since the begin
    judgement: DriftJudgement
    verdict: Outcome  # the decision, once there is one, stays


@dataclass(frozen=True)
class DriftReplay:
    """`interval` counts from 1: the one that decided, else the last; None without any."""

    settings: DriftSettings
    classes: tuple[str, ...]
    steps: tuple[DriftStep, ...]
    verdict: Outcome
    interval: int | None
    sentence: str


def replay_drift(past: PastPredictions, settings: DriftSettings) -> DriftReplay:
    """What Serin would have said of this metric alone. Classes are chosen from what was counted by the first moment."""
    moments = sorted({reading.at_seconds for found in _tracks_of(past) for of in found.values() for reading in of})
    first = [_at(found, moments[0]) for found in _tracks_of(past)]
    classes = next((chosen for chosen in map(choose_classes, (found.values() for found in first)) if chosen), ())
    begun = CounterState.begin(moments[0] - 1.0, frozenset(pod for found in first for pod in found))
    counters, state = CategoryCounters(classes, begun), DriftState.begin(len(classes) + 1)
    verdict, decided_after, told = Outcome.NO_DATA, None, judge_drift(state, settings)
    steps: list[DriftStep] = []
    for moment in moments:
        closed, counters = close_categories(counters, _read_at(past, moment))
        if isinstance(closed, Waiting) or moment == moments[0]:
            continue
        state = advance_drift(state, closed, settings)
        judgement = judge_drift(state, settings)
        if decided_after is None:
            verdict, told = _decide(judgement, settings), judgement
            decided_after = len(steps) + 1 if verdict in DECIDED else None
        steps.append(DriftStep(moment - moments[0], judgement, verdict))
    if verdict is Outcome.ANALYZING:
        verdict = Outcome.INCONCLUSIVE
    names = (*classes, ALL_OTHERS)
    sentence = describe_drift(told, verdict, settings, names)
    return DriftReplay(settings, names, tuple(steps), verdict, decided_after or len(steps) or None, sentence)


def _decide(judgement: DriftJudgement, settings: DriftSettings) -> Outcome:
    if judgement.has_drifted:
        return Outcome.REJECT
    if judgement.is_good_enough and judgement.data_seconds >= settings.shared.min_duration_seconds:
        return Outcome.PROMOTE
    if judgement.data_seconds >= settings.shared.max_duration_seconds:
        return Outcome.INCONCLUSIVE
    return Outcome.ANALYZING if judgement.data_seconds else Outcome.NO_DATA


def _tracks_of(past: PastPredictions) -> Iterable[PastCategories]:
    return past.stable, past.baseline, past.canary


def _at(readings: PastCategories, moment: float) -> dict[str, CategoryReading]:
    return {pod: found for pod, of_pod in readings.items() for found in of_pod if found.at_seconds == moment}


def _read_at(past: PastPredictions, moment: float) -> CategoryTracks:
    """Whoever was read at the moment was there."""
    found = [_at(readings, moment) for readings in _tracks_of(past)]
    tracks = Tracks(*(Track(ready=frozenset(of_track)) for of_track in found))
    return CategoryTracks(tracks, {pod: reading for of_track in found for pod, reading in of_track.items()})
