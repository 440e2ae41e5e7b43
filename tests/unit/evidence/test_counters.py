"""From raw per-pod counters to increments, one rule a test."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from serin.core.evidence.counters import CounterState, Reading, Track, Tracks, Waiting, close_interval
from serin.core.evidence.counts import Counts, Increments, StableHalves

BEGIN = 1_000.0
EXISTING = frozenset({"stable-a", "baseline-a", "canary-a"})


def track(readings: Mapping[str, Reading], ready: set[str] | None = None, unready: set[str] | None = None) -> Track:
    """All pods with a reading are ready unless told otherwise."""
    return Track(readings, frozenset(readings if ready is None else ready), frozenset(unready or ()))


def at(
    seconds: float,
    stable: Track | None = None,
    baseline: Track | None = None,
    canary: Track | None = None,
) -> Tracks:
    """Every pod answered so many seconds after the begin; 10 requests and 1 failure a second, unless told otherwise."""
    quiet = Reading(BEGIN + seconds, 10 * seconds, seconds)
    return Tracks(
        stable=stable or track({"stable-a": quiet}),
        baseline=baseline or track({"baseline-a": quiet}),
        canary=canary or track({"canary-a": quiet}),
    )


def canary_reading(seconds: float, total: float, failed: float) -> Track:
    return track({"canary-a": Reading(BEGIN + seconds, total, failed)})


def closed(state: CounterState, tracks: Tracks) -> tuple[Increments, CounterState]:
    result, state = close_interval(state, tracks)
    assert isinstance(result, Increments), result
    return result, state


@pytest.fixture
def begun() -> CounterState:
    return CounterState.begin(BEGIN, EXISTING)


@pytest.fixture
def running(begun: CounterState) -> CounterState:
    """Ten seconds in, every pod has been read once."""
    return closed(begun, at(10))[1]


def test_an_interval_is_the_difference_of_two_readings(running: CounterState) -> None:
    increments, _ = closed(running, at(20))
    assert increments == Increments(Counts(100, 10), Counts(100, 10), Counts(100, 10), seconds=10)


def test_pods_of_one_track_are_added_up(running: CounterState) -> None:
    two = track({"canary-a": Reading(BEGIN + 20, 200, 20), "canary-b": Reading(BEGIN + 19, 30, 3)})
    assert closed(running, at(20, canary=two))[0].canary == Counts(130, 13)


def test_what_a_pod_counted_before_the_analysis_is_not_part_of_it(begun: CounterState) -> None:
    tracks = at(10, canary=canary_reading(10, total=5_000, failed=400))
    increments, state = closed(begun, tracks)
    assert increments.canary == Counts(0, 0)
    assert closed(state, at(20, canary=canary_reading(20, total=5_100, failed=401)))[0].canary == Counts(100, 1)


def test_a_pod_new_since_the_analysis_began_counts_from_its_first_request(running: CounterState) -> None:
    both = track({"canary-a": Reading(BEGIN + 20, 200, 20), "canary-new": Reading(BEGIN + 20, 40, 2)})
    assert closed(running, at(20, canary=both))[0].canary == Counts(140, 12)


def test_a_pod_that_existed_but_is_read_late_still_begins_at_zero(running: CounterState) -> None:
    state = replace(running, unseen=frozenset({"stable-late"}))
    both = track({"stable-a": Reading(BEGIN + 20, 200, 20), "stable-late": Reading(BEGIN + 20, 90_000, 900)})
    assert closed(state, at(20, stable=both))[0].stable == Counts(100, 10)


def test_readings_from_before_the_begin_are_no_news(begun: CounterState) -> None:
    result, state = close_interval(begun, at(-5))
    assert result == Waiting(baseline=("baseline-a",), canary=("canary-a",))
    assert state == begun


def test_a_counter_that_fell_was_restarted_and_counts_from_zero(running: CounterState) -> None:
    increments, state = closed(running, at(20, canary=canary_reading(20, total=7, failed=2)))
    assert increments.canary == Counts(7, 2)
    assert closed(state, at(30, canary=canary_reading(30, total=17, failed=3)))[0].canary == Counts(10, 1)


def test_the_total_decides_a_restart_for_the_failures_too(running: CounterState) -> None:
    # 10 failures before; 12 after the restart are 12 new ones, not 2.
    assert closed(running, at(20, canary=canary_reading(20, total=50, failed=12)))[0].canary == Counts(50, 12)


def test_failures_that_fall_without_a_restart_are_no_failures(running: CounterState) -> None:
    assert closed(running, at(20, canary=canary_reading(20, total=200, failed=5)))[0].canary == Counts(100, 0)


def test_there_are_never_more_failures_than_requests(running: CounterState) -> None:
    assert closed(running, at(20, canary=canary_reading(20, total=101, failed=90)))[0].canary == Counts(1, 1)


def test_a_sample_time_counts_once_however_often_it_is_read(running: CounterState) -> None:
    result, state = close_interval(running, at(10))
    assert result == Waiting(baseline=("baseline-a",), canary=("canary-a",))
    assert state == running


def test_a_reading_older_than_the_last_is_no_news(running: CounterState) -> None:
    result, _ = close_interval(running, at(20, canary=canary_reading(9, total=500, failed=50)))
    assert result == Waiting(baseline=(), canary=("canary-a",))


@pytest.mark.parametrize("lost", ["baseline", "canary"])
def test_a_missing_scrape_of_a_variant_stops_everything_and_names_the_pod(running: CounterState, lost: str) -> None:
    pod = f"{lost}-a"
    tracks = replace(at(20), **{lost: track({}, ready={pod})})
    result, state = close_interval(running, tracks)
    assert result == Waiting(**{"baseline": (), "canary": (), lost: (pod,)})
    assert state == running


def test_after_a_missing_scrape_the_next_interval_is_longer_and_nothing_is_lost(running: CounterState) -> None:
    _, state = close_interval(running, at(20, canary=track({}, ready={"canary-a"})))
    increments, _ = closed(state, at(30))
    assert increments == Increments(Counts(200, 20), Counts(200, 20), Counts(200, 20), seconds=20)


def test_a_ready_pod_that_was_never_scraped_is_waited_for(running: CounterState) -> None:
    tracks = at(20, canary=track({"canary-a": Reading(BEGIN + 20, 200, 20)}, ready={"canary-a", "canary-b"}))
    assert close_interval(running, tracks)[0] == Waiting(baseline=(), canary=("canary-b",))


def test_a_missing_stable_pod_never_blocks(running: CounterState) -> None:
    increments, state = closed(running, at(20, stable=track({}, ready={"stable-a"})))
    assert increments.stable == Counts(0, 0)
    assert closed(state, at(30))[0].stable == Counts(200, 20)


@pytest.mark.parametrize(
    "damaged",
    [
        Reading(BEGIN + 20, math.nan, 0),
        Reading(BEGIN + 20, 200, math.nan),
        Reading(BEGIN + 20, math.inf, 0),
        Reading(BEGIN + 20, -1, 0),
        Reading(BEGIN + 20, 200, -1),
        Reading(math.nan, 200, 20),
        Reading(math.inf, 200, 20),
    ],
)
def test_a_reading_that_is_no_counter_is_a_missing_scrape(running: CounterState, damaged: Reading) -> None:
    result, _ = close_interval(running, at(20, canary=track({"canary-a": damaged})))
    assert result == Waiting(baseline=(), canary=("canary-a",))


def test_an_unready_pod_is_not_waited_for_but_its_news_count(running: CounterState) -> None:
    last_words = track({"canary-a": Reading(BEGIN + 12, 120, 25)}, ready=set(), unready={"canary-a"})
    increments, state = closed(running, at(20, canary=last_words))
    assert increments.canary == Counts(20, 15)
    silent = track({}, ready=set(), unready={"canary-a"})
    assert closed(state, at(30, canary=silent))[0].canary == Counts(0, 0)


def test_an_unready_pod_that_comes_back_does_not_count_twice(running: CounterState) -> None:
    _, state = closed(running, at(20, canary=track({}, ready=set(), unready={"canary-a"})))
    assert closed(state, at(30))[0].canary == Counts(200, 20)


def test_a_vanished_pod_is_forgotten_after_its_last_reading_was_consumed(running: CounterState) -> None:
    last_reading = {"canary-a": Reading(BEGIN + 15, 150, 15)}
    replacement = {"canary-b": Reading(BEGIN + 20, 30, 3)}
    increments, state = closed(running, at(20, canary=track({**last_reading, **replacement}, ready={"canary-b"})))
    assert increments.canary == Counts(80, 8)
    _, state = closed(state, at(30, canary=track({"canary-b": Reading(BEGIN + 30, 60, 6)})))
    assert state.canary.keys() == {"canary-b"}


def test_a_forgotten_pod_that_prometheus_still_remembers_does_not_count_again(running: CounterState) -> None:
    replacement = track({"canary-b": Reading(BEGIN + 20, 30, 3)})
    _, state = closed(running, at(20, canary=replacement))
    echo = track({"canary-a": Reading(BEGIN + 15, 150, 15), "canary-b": Reading(BEGIN + 30, 60, 6)}, ready={"canary-b"})
    assert closed(state, at(30, canary=echo))[0].canary == Counts(30, 3)


def test_two_variants_without_pods_close_no_interval(running: CounterState) -> None:
    result, state = close_interval(running, at(20, baseline=track({}), canary=track({})))
    assert result == Waiting(baseline=(), canary=())
    assert state == running


def test_time_does_not_run_backwards_when_the_pod_with_the_newest_sample_is_gone(running: CounterState) -> None:
    ahead = at(20, canary=track({"canary-a": Reading(BEGIN + 28, 280, 28)}))
    _, state = closed(running, ahead)
    increments, _ = closed(state, at(25, canary=track({}, ready=set())))
    assert increments.seconds == 0
    assert increments.baseline == Counts(50, 5)


def stable_pods(seconds: float, *names: str) -> Track:
    """Pods that each answer 10 requests a second; the failures tell them apart: pod "x1" fails once a second."""
    return track({name: Reading(BEGIN + seconds, 10 * seconds, int(name[1:]) * seconds) for name in names})


def halves_of(state: CounterState, seconds: float, *names: str) -> tuple[tuple[float, float] | None, CounterState]:
    """Failures of the two halves in the 10 s before."""
    increments, state = closed(state, at(seconds, stable=stable_pods(seconds, *names)))
    halves = increments.stable_halves
    return (halves.first.failures, halves.second.failures) if halves else None, state


def test_the_stable_pods_are_told_apart_in_two_halves_that_add_up(begun: CounterState) -> None:
    _, state = closed(begun, at(10, stable=stable_pods(10, "x1", "x2", "x4")))
    increments, _ = closed(state, at(20, stable=stable_pods(20, "x1", "x2", "x4")))
    assert increments.stable_halves == StableHalves(Counts(200, 50), Counts(100, 20))
    assert increments.stable == Counts(300, 70)


def test_a_single_stable_pod_has_no_halves(running: CounterState) -> None:
    assert closed(running, at(20))[0].stable_halves is None


def test_a_half_without_a_scrape_cannot_be_compared(begun: CounterState) -> None:
    _, state = closed(begun, at(10, stable=stable_pods(10, "x1", "x2")))
    one_silent = track(stable_pods(20, "x1").readings, ready={"x1", "x2"})
    assert closed(state, at(20, stable=one_silent))[0].stable_halves is None


def test_a_stable_pod_stays_in_its_half_when_others_come_and_go(begun: CounterState) -> None:
    _, state = halves_of(begun, 10, "x1", "x2", "x4", "x8")
    all_four, state = halves_of(state, 20, "x1", "x2", "x4", "x8")
    one_gone, state = halves_of(state, 30, "x2", "x4", "x8")
    _, state = halves_of(state, 40, "x0", "x2", "x4", "x8")
    one_new, _ = halves_of(state, 50, "x0", "x2", "x4", "x8")
    assert (all_four, one_gone, one_new) == ((50, 100), (40, 100), (40, 100))


def test_a_half_that_lost_its_pods_gets_one_of_the_others(begun: CounterState) -> None:
    _, state = halves_of(begun, 10, "x1", "x2", "x4", "x8")
    halves, _ = halves_of(state, 20, "x2", "x8")
    assert halves == (80, 20)


@pytest.mark.parametrize("lost", ["baseline", "canary"])
def test_variants_with_different_numbers_of_pods_are_not_symmetric(running: CounterState, lost: str) -> None:
    assert closed(running, at(20))[0].is_symmetric
    without_pod = replace(at(20), **{lost: track({}, unready={f"{lost}-a"})})
    assert not closed(running, without_pod)[0].is_symmetric


def test_a_restart_of_the_operator_between_any_two_readings_changes_nothing(begun: CounterState) -> None:
    kept = restored = begun
    for seconds in (10, 10, 20.125, 30.3, 41.7):
        tracks = at(seconds, stable=stable_pods(seconds, "x1", "x2"))
        restored = CounterState.from_json(json.loads(json.dumps(restored.to_json())))
        result, kept = close_interval(kept, tracks)
        result_restored, restored = close_interval(restored, tracks)
        assert (result_restored, restored) == (result, kept)


def test_a_damaged_store_is_refused_with_its_content() -> None:
    with pytest.raises(ValueError, match="unseen"):
        CounterState.from_json({"coveredUntilSeconds": 1.0})
