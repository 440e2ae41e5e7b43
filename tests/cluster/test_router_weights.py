"""Provider Router with real kubelets, DNS and pods: the weights that are meant are the shares that users get.

The ModelDeployment stands paused in the middle of a comparison, and the test writes the weights.
"""

import asyncio
from collections.abc import Iterator

import pytest
from cluster.crowd_pod import Crowd
from cluster.installation import Operator
from cluster.kubectl import Json
from cluster.namespace import open_namespace
from cluster.waiting import wait_until
from cluster.weather import Weather
from cluster.weights_by_hand import CANARY_VERSION, STABLE_VERSION, Weights, WeightsByHand, hold_trial

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

CHANGES, CHANGES_SECONDS = 200, 60.0


@pytest.fixture(scope="module")
def _on_trial(operator: Operator) -> Iterator[tuple[Weather, Crowd]]:
    with open_namespace("weights") as namespace:
        weather, crowd = Weather(namespace), Crowd(namespace.kubectl, "http://weather")
        weather.add_models()
        crowd.start()
        hold_trial(weather)
        # No oracles at the end: the operator they judge has been told to hold still.
        yield weather, crowd


@pytest.fixture
def weather(_on_trial: tuple[Weather, Crowd]) -> Weather:
    return _on_trial[0]


@pytest.fixture
def crowd(_on_trial: tuple[Weather, Crowd]) -> Crowd:
    return _on_trial[1]


async def follow(hand: WeightsByHand, weights: Weights) -> None:
    version = await hand.put(weights)
    await asyncio.to_thread(wait_until, "every router has the weights", lambda: hand.are_followed(version))


def share(told: Json, version: str) -> float:
    assert told["failed"] == {}
    return float(told["versions"].get(version, 0) / sum(told["versions"].values()))


async def test_five_percent_of_20_000_are_five_percent_and_a_quarter_is_mirrored(
    weather: Weather, crowd: Crowd
) -> None:
    async with WeightsByHand.open(weather) as hand:
        await follow(hand, Weights(canary=5, mirrored=25))
        before = hand.count_requests(hand.canary_labels)
        told = await asyncio.to_thread(crowd.count, 20_000)
        answered = told["versions"][CANARY_VERSION]
        reached = hand.count_requests(hand.canary_labels) - before

    assert 0.045 <= share(told, CANARY_VERSION) <= 0.055
    assert abs((reached - answered) / 20_000 - 0.25) <= 0.01


async def test_nothing_and_everything_are_exact(weather: Weather, crowd: Crowd) -> None:
    async with WeightsByHand.open(weather) as hand:
        for percent, version in ((0.0, STABLE_VERSION), (100.0, CANARY_VERSION)):
            await follow(hand, Weights(canary=percent))
            told = await asyncio.to_thread(crowd.count, 2000)
            assert told["versions"] == {version: 2000}


async def test_of_4000_users_nobody_leaves_the_canary_while_its_weight_rises(weather: Weather, crowd: Crowd) -> None:
    before: list[str] = []
    async with WeightsByHand.open(weather) as hand:
        for percent in (1, 10, 45):
            await follow(hand, Weights(canary=percent, baseline=percent, sticky_header="x-user-id"))
            told = await asyncio.to_thread(crowd.count, 4000, is_named=True)
            assert abs(share(told, CANARY_VERSION) - percent / 100) < 0.03
            now = told["by_user"]
            assert [new for old, new in zip(before, now, strict=False) if old == CANARY_VERSION != new] == []
            before = now


async def test_200_changes_in_a_minute_cost_no_request(weather: Weather, crowd: Crowd) -> None:
    async with WeightsByHand.open(weather) as hand:
        watching = asyncio.create_task(asyncio.to_thread(crowd.watch, CHANGES_SECONDS + 3))
        began = asyncio.get_running_loop().time()
        for number in range(CHANGES):
            await asyncio.sleep(began + number * CHANGES_SECONDS / CHANGES - asyncio.get_running_loop().time())
            await hand.put(Weights(canary=number % 46, baseline=number % 46, mirrored=number % 3))
        told = await watching

    assert told["failed"] == {}
    assert told["requests"] > 1000
    assert {version for _, _, version in told["turns"]} == {STABLE_VERSION, CANARY_VERSION}
