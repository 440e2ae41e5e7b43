"""From each pod's counters by class to increments, one rule a test. The rules about samples: test_counters.py."""

import json
import math
from collections.abc import Mapping

from serin.core.evidence.categories import (
    MOST_CLASSES,
    CategoryCounters,
    CategoryIncrements,
    CategoryReading,
    CategoryTracks,
    choose_classes,
    close_categories,
)
from serin.core.evidence.counters import CounterState, Track, Tracks, Waiting

BEGIN = 1_000.0
PODS = {"stable-a", "stable-b", "baseline-a", "canary-a"}


def begun(*classes: str, existing: frozenset[str] = frozenset(PODS)) -> CategoryCounters:
    return CategoryCounters(classes or ("rain", "sun"), CounterState.begin(BEGIN, existing))


def at(seconds: float, counts: Mapping[str, Mapping[str, float]]) -> CategoryTracks:
    """All pods are ready; those without counts of their own have 3 of sun and 2 of rain a second."""
    usual = {"sun": 3 * seconds, "rain": 2 * seconds}
    readings = {pod: CategoryReading(BEGIN + seconds, counts.get(pod, usual)) for pod in PODS | counts.keys()}
    ready = {track: frozenset(p for p in readings if p.startswith(track)) for track in ("stable", "baseline", "canary")}
    tracks = Tracks(*(Track(ready=ready[track]) for track in ("stable", "baseline", "canary")))
    return CategoryTracks(tracks, readings)


def closed(state: CategoryCounters, tracks: CategoryTracks) -> tuple[CategoryIncrements, CategoryCounters]:
    result, state = close_categories(state, tracks)
    assert isinstance(result, CategoryIncrements), result
    return result, state


def running() -> CategoryCounters:
    return closed(begun(), at(10, {}))[1]


def test_an_interval_is_the_difference_of_two_readings_by_class() -> None:
    increments, _ = closed(running(), at(20, {"canary-a": {"sun": 35, "rain": 60}}))
    assert increments == CategoryIncrements(
        stable=(40, 60, 0),
        baseline=(20, 30, 0),
        canary=(40, 5, 0),
        seconds=10,
        stable_halves=((20, 30, 0), (20, 30, 0)),
    )


def test_what_a_pod_predicted_before_the_comparison_is_not_part_of_it() -> None:
    assert closed(begun(), at(10, {"canary-a": {"sun": 9000}}))[0].canary == (0, 0, 0)


def test_a_new_pod_counts_from_its_first_prediction() -> None:
    increments, _ = closed(running(), at(20, {"canary-new": {"rain": 7}}))
    assert increments.canary == (27, 30, 0)


def test_a_class_that_fell_means_a_restart_and_all_counts_are_new() -> None:
    increments, _ = closed(running(), at(20, {"canary-a": {"sun": 1, "rain": 90}}))
    assert increments.canary == (90, 1, 0)


def test_classes_that_are_not_told_apart_are_added_up() -> None:
    increments, _ = closed(running(), at(20, {"canary-a": {"sun": 30, "rain": 20, "snow": 4, "fog": 3}}))
    assert increments.canary == (0, 0, 7)


def test_without_news_of_a_ready_pod_nothing_is_consumed() -> None:
    tracks = at(20, {})
    missing = CategoryTracks(tracks.pods, {pod: r for pod, r in tracks.readings.items() if pod != "canary-a"})
    before = running()
    assert close_categories(before, missing) == (Waiting(baseline=(), canary=("canary-a",)), before)
    assert closed(before, at(30, {}))[0].canary == (40, 60, 0)


def test_a_reading_that_is_no_count_is_a_missing_one() -> None:
    for count in (math.nan, math.inf, -1.0):
        result, _ = close_categories(running(), at(20, {"canary-a": {"sun": count}}))
        assert isinstance(result, Waiting)


def test_the_most_frequent_classes_of_the_stable_pods_are_told_apart() -> None:
    many = {f"class-{i:02}": float(100 - i) for i in range(40)}
    chosen = choose_classes([CategoryReading(BEGIN, many), CategoryReading(BEGIN, {"class-39": 1000.0, "never": 0.0})])
    assert chosen == ("class-39", *(f"class-{i:02}" for i in range(MOST_CLASSES - 2)))
    assert choose_classes([]) == ()


def test_a_restart_between_any_two_intervals_changes_nothing() -> None:
    kept = restored = begun()
    for seconds in (10, 20, 30, 40):
        tracks = at(seconds, {"canary-a": {"sun": 2.5 * seconds, "snow": seconds}})
        expected, kept = closed(kept, tracks)
        restored = CategoryCounters.from_json(json.loads(json.dumps(restored.to_json())))
        found, restored = closed(restored, tracks)
        assert (found, restored) == (expected, kept)


def test_pods_that_are_gone_are_forgotten() -> None:
    tracks = at(20, {})
    gone = CategoryTracks(
        Tracks(Track(ready=frozenset({"stable-a"})), tracks.pods.baseline, tracks.pods.canary),
        {pod: reading for pod, reading in tracks.readings.items() if pod != "stable-b"},
    )
    assert closed(running(), gone)[1].counts.keys() == PODS - {"stable-b"}
