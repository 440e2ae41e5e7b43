"""Requests that are counted by routers: one counter per pod and router, judged as requests of the pod."""

from collections.abc import Mapping

from serin.core.evidence.counters import CounterState, Reading, Track, Tracks, Waiting, close_interval
from serin.core.evidence.counts import Counts, Increments, StableHalves
from serin.core.evidence.history import make_history
from serin.core.evidence.places import describe_place, place_at_router, pod_of_place

BEGIN = 1_000.0
STABLE = ("stable-a", "stable-b")
PODS = (*STABLE, "baseline-a", "canary-a")


class Routers:
    """Each router counts ten requests a second of each pod, every tenth of the canary's as failed."""

    def __init__(self, *ready: str, began: Mapping[str, float] | None = None) -> None:
        self.ready = ready
        self.gone: tuple[str, ...] = ()
        """Still shown by Prometheus, with their last scrape."""
        self.silent: tuple[str, ...] = ()
        """Not ready, and never scraped yet."""
        self.began = dict(began or {})
        """Seconds after the begin at which a router was started; others count for a long time."""

    def at(self, seconds: float, last_seconds: float = 0.0) -> Tracks:
        return Tracks(
            stable=self._track(STABLE, seconds, last_seconds),
            baseline=self._track(("baseline-a",), seconds, last_seconds),
            canary=self._track(("canary-a",), seconds, last_seconds),
        )

    def _track(self, pods: tuple[str, ...], seconds: float, last_seconds: float) -> Track:
        readings = {
            place_at_router(pod, router): self._read(pod, router, last_seconds if router in self.gone else seconds)
            for pod in pods
            for router in (*self.ready, *self.gone)
        }
        ready = {place_at_router(pod, router) for pod in pods for router in self.ready}
        others = {place_at_router(pod, router) for pod in pods for router in (*self.gone, *self.silent)}
        return Track(readings, frozenset(ready), frozenset(others))

    def _read(self, pod: str, router: str, seconds: float) -> Reading:
        total = 10 * (seconds - self.began.get(router, -500.0))
        return Reading(BEGIN + seconds, total, total / 10 if pod == "canary-a" else 0.0)


def begin(*routers: str) -> CounterState:
    return CounterState.begin(BEGIN, frozenset(place_at_router(pod, router) for pod in PODS for router in routers))


def closed(state: CounterState, tracks: Tracks) -> tuple[Increments, CounterState]:
    result, state = close_interval(state, tracks)
    assert isinstance(result, Increments), result
    return result, state


def running(*routers: str) -> CounterState:
    return closed(begin(*routers), Routers(*routers).at(10))[1]


def test_what_all_routers_counted_of_a_pod_is_added_up() -> None:
    increments, _ = closed(running("r1", "r2"), Routers("r1", "r2").at(20))
    assert (increments.baseline, increments.canary) == (Counts(200, 0), Counts(200, 20))


def test_what_was_counted_before_the_begin_is_no_part_of_it_whichever_router_is_read_first() -> None:
    routers = Routers("r1")
    routers.silent = ("r2",)
    first, state = closed(begin("r1", "r2"), routers.at(10))
    second, _ = closed(state, Routers("r1", "r2").at(20))

    assert first.canary == Counts(0, 0)
    assert second.canary == Counts(100, 10), "of r1 alone: r2 begins here"


def test_a_router_that_is_new_counts_from_its_first_request() -> None:
    increments, _ = closed(running("r1"), Routers("r1", "r2", began={"r2": 15}).at(20))
    assert increments.canary == Counts(150, 15)


def test_a_router_that_was_restarted_counts_from_zero_and_the_others_go_on() -> None:
    increments, _ = closed(running("r1", "r2"), Routers("r1", "r2", began={"r2": 18}).at(20))
    assert increments.canary == Counts(120, 12)


def test_a_router_that_is_ready_and_has_not_been_scraped_is_waited_for() -> None:
    state = running("r1", "r2")
    tracks = Routers("r1").at(20)
    unread = frozenset({"canary-a@r2"})
    canary = Track(tracks.canary.readings, tracks.canary.ready | unread)

    assert close_interval(state, Tracks(tracks.stable, tracks.baseline, canary))[0] == Waiting((), ("canary-a@r2",))


def test_a_router_that_goes_is_counted_until_its_last_scrape_and_not_waited_for() -> None:
    state = running("r1", "r2")
    routers = Routers("r1")
    routers.gone = ("r2",)
    increments, state = closed(state, routers.at(20, last_seconds=14))
    assert increments.canary == Counts(140, 14)

    increments, state = closed(state, routers.at(30, last_seconds=14))
    assert increments.canary == Counts(100, 10)
    _, state = closed(state, Routers("r1").at(40))
    assert set(state.canary) == {"canary-a@r1"}


def test_a_place_that_went_before_it_was_read_is_forgotten() -> None:
    _, state = closed(begin("r1", "r2"), Routers("r1").at(10))
    assert state.unseen == frozenset()


def test_a_stable_pod_is_in_one_half_at_all_routers() -> None:
    increments, state = closed(running("r1", "r2"), Routers("r1", "r2").at(20))
    assert increments.stable_halves == StableHalves(Counts(200, 0), Counts(200, 0))
    assert state.second_half == {"stable-b"}


def test_in_the_history_too() -> None:
    past = {
        place_at_router(pod, router): (Reading(0, 100, 0), Reading(10, 100 + 10 * number, 0))
        for number, pod in enumerate(("a", "b", "c"), start=1)
        for router in ("r1", "r2")
    }
    (interval,) = make_history(past)
    assert interval.halves == StableHalves(Counts(20 + 60, 0), Counts(40, 0))


def test_the_state_survives_being_written_down() -> None:
    state = running("r1", "r2")
    assert CounterState.from_json(state.to_json()) == state


def test_a_place_is_told_by_pod_and_router() -> None:
    assert pod_of_place(place_at_router("canary-a", "r1")) == pod_of_place("canary-a") == "canary-a"
    assert describe_place(place_at_router("canary-a", "r1")) == "canary-a by router r1"
    assert describe_place("canary-a") == "canary-a"
