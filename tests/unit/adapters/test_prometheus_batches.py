"""Many rollouts that look at the same moment share their queries, and nobody suffers from another's fault."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from serin.adapters.prometheus_batches import (
    LONGEST_WAIT_SECONDS,
    MOST_PASTS_AT_ONCE,
    MOST_PODS_AT_ONCE,
    Past,
    PrometheusBatches,
    Selection,
    Window,
)
from serin.adapters.prometheus_connection import RefusedError, UnavailableError
from serin.adapters.prometheus_query import PodName
from serin_testkit.clock import FakeClock, settle

REQUESTS = Selection("requests_total{}", Window(120))
FAILURES = Selection("failures_total{}", Window(120))
PAST = Selection("requests_total{}", Past(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), 10.0))


class Answers:
    """One series for each pod that is asked for; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Selection, Sequence[PodName]]] = []
        self.fail: Callable[[Selection, Sequence[PodName]], Exception | None] = lambda _selection, _pods: None

    async def __call__(self, selection: Selection, pods: Sequence[PodName]) -> Any:
        self.asked.append((selection, pods))
        await asyncio.sleep(0)
        error = self.fail(selection, pods)
        if error:
            raise error
        return [{"metric": {"namespace": pod.namespace, "pod": pod.name}, "values": []} for pod in pods]


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def batches(answers: Answers, clock: FakeClock) -> PrometheusBatches:
    return PrometheusBatches(answers, clock)


def pods_of(rollout: int, count: int = 4) -> list[PodName]:
    return [PodName(f"team-{rollout % 3}", f"model-{rollout}-{number}") for number in range(count)]


def names(series: list[Any]) -> list[tuple[str, str]]:
    return [(found["metric"]["namespace"], found["metric"]["pod"]) for found in series]


async def test_two_hundred_rollouts_cost_one_query_per_selector_and_each_gets_its_own_pods(
    batches: PrometheusBatches, answers: Answers, clock: FakeClock
) -> None:
    looks = [
        asyncio.create_task(batches.read(selection, pods_of(rollout)))
        for rollout in range(200)
        for selection in (REQUESTS, FAILURES)
    ]
    await clock.advance(1)

    assert [selection for selection, _ in answers.asked] == [REQUESTS, FAILURES]
    assert [names(look.result()) for look in looks[::2]] == [pods_of(rollout) for rollout in range(200)]


async def test_who_comes_while_others_still_come_joins_them_but_nobody_waits_longer_than_some_seconds(
    batches: PrometheusBatches, answers: Answers, clock: FakeClock
) -> None:
    looks = []
    for rollout in range(180):
        looks.append(asyncio.create_task(batches.read(REQUESTS, pods_of(rollout, 1))))
        await clock.advance(0.02)
    assert [len(pods) for _, pods in answers.asked] == [pytest.approx(LONGEST_WAIT_SECONDS / 0.02, abs=3)]

    await clock.advance(1)
    assert sum(len(pods) for _, pods in answers.asked) == 180
    assert len(answers.asked) == 2


async def test_a_pod_that_several_ask_for_is_asked_for_once(
    batches: PrometheusBatches, answers: Answers, clock: FakeClock
) -> None:
    looks = [asyncio.create_task(batches.read(REQUESTS, pods_of(1))) for _ in range(2)]
    await clock.advance(1)

    assert [pods for _, pods in answers.asked] == [pods_of(1)]
    assert names(looks[0].result()) == names(looks[1].result()) == pods_of(1)


@pytest.mark.parametrize(("selection", "most"), [(REQUESTS, MOST_PODS_AT_ONCE), (PAST, MOST_PASTS_AT_ONCE)])
async def test_too_many_pods_for_one_query_are_asked_for_in_several(
    batches: PrometheusBatches, answers: Answers, clock: FakeClock, selection: Selection, most: int
) -> None:
    large = asyncio.create_task(batches.read(selection, pods_of(1, 2 * most + 1)))
    small = asyncio.create_task(batches.read(selection, pods_of(2)))
    await clock.advance(1)

    assert [len(pods) for _, pods in answers.asked] == [most, most, 1 + len(pods_of(2))]
    assert names(large.result()) == pods_of(1, 2 * most + 1)
    assert names(small.result()) == pods_of(2)


async def test_a_refused_query_is_asked_in_halves_until_only_the_asker_at_fault_is_refused(
    batches: PrometheusBatches, answers: Answers, clock: FakeClock
) -> None:
    answers.fail = lambda _, pods: RefusedError("too many samples") if pods_of(3)[0] in pods else None
    looks = [asyncio.create_task(batches.read(REQUESTS, pods_of(rollout))) for rollout in range(8)]
    await clock.advance(1)

    failed = [rollout for rollout, look in enumerate(looks) if look.exception()]
    assert failed == [3]
    assert str(looks[3].exception()) == "too many samples"
    assert names(looks[2].result()) == pods_of(2)


async def test_a_selector_that_is_refused_fails_those_who_gave_it_and_nobody_else(
    batches: PrometheusBatches, answers: Answers, clock: FakeClock
) -> None:
    answers.fail = lambda selection, _: RefusedError("bad_data") if selection == FAILURES else None
    good, bad = (asyncio.create_task(batches.read(selection, pods_of(1))) for selection in (REQUESTS, FAILURES))
    await clock.advance(1)

    assert names(good.result()) == pods_of(1)
    assert isinstance(bad.exception(), RefusedError)


async def test_a_prometheus_that_is_away_is_asked_once_and_all_are_told(
    batches: PrometheusBatches, answers: Answers, clock: FakeClock
) -> None:
    answers.fail = lambda _, pods: UnavailableError("no answer in time")
    looks = [asyncio.create_task(batches.read(REQUESTS, pods_of(rollout))) for rollout in range(5)]
    await clock.advance(1)

    assert [str(look.exception()) for look in looks] == ["no answer in time"] * 5
    assert len(answers.asked) == 1


async def test_an_asker_that_is_gone_takes_the_answer_from_nobody(
    batches: PrometheusBatches, answers: Answers, clock: FakeClock
) -> None:
    gone, stays = (asyncio.create_task(batches.read(REQUESTS, pods_of(rollout))) for rollout in (1, 2))
    await settle()
    gone.cancel()
    await clock.advance(1)

    assert gone.cancelled()
    assert names(stays.result()) == pods_of(2)
