"""What the provider Router learns of its routers, and when it lets users through them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from serin.adapters.traffic.router import RouterProvider, RouterState
from serin.adapters.traffic.router_reader import read_state
from serin.api.v1alpha1.traffic import Traffic
from serin.core.facts import Key, PodFacts, Route, RouterPod, TrafficFacts
from serin.core.model_deployment.names import pod_labels, router_labels
from serin.runtime.ports import TrafficView, Unknown
from unit.traffic.intents import CANARY, STABLE

VERSION = "abc weather-22222222=500 weather-11111111=9500"
ALONE = "abd weather-11111111=10000"
KNOWN = {"weather-11111111": 2, "weather-22222222": 1}


class PaperRouters:
    """Answers by address, and by model where several share it, and how often each was asked."""

    def __init__(self) -> None:
        self.states: dict[str, RouterState | Unknown] = {}
        self.asked: list[str] = []

    async def read(self, address: str, model: str | None) -> RouterState | Unknown:
        place = f"{address}/{model}" if model else address
        self.asked.append(place)
        return self.states.get(place, Unknown("nobody answers"))


READY = (RouterPod("weather-router-r1", ready=True), RouterPod("weather-router-r2", ready=True))


class StandingClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    def monotonic_seconds(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")


class World:
    def __init__(self) -> None:
        self.routers, self.clock = PaperRouters(), StandingClock()
        self.provider = RouterProvider("envoy:test", self.routers, self.clock)
        self.version: str | None = VERSION
        self.is_open = True
        self.pods = [a_router("r1"), a_router("r2")]

    def all_say(self, version: str, pods: Mapping[str, int] = KNOWN) -> None:
        self.routers.states = {"r1": RouterState(version, pods), "r2": RouterState(version, pods)}

    async def observe(self) -> TrafficFacts:
        selector = router_labels("weather") if self.is_open else pod_labels("weather", STABLE)
        service = {"metadata": {"name": "weather"}, "spec": {"selector": selector}}
        annotations = {"serin.dev/router-config": self.version}
        config_map = {"metadata": {"name": "weather-router", "annotations": annotations}}
        objects: dict[str, list[Any]] = {
            "Service": [service],
            "ConfigMap": [config_map] if self.version else [],
            "Pod": self.pods,
        }
        return await self.provider.observe(
            TrafficView(Key("ml", "weather"), Traffic(), objects, [a_pod(STABLE), a_pod(CANARY)])
        )


def a_router(name: str, *, ready: bool = True, leaving: bool = False) -> dict[str, Any]:
    metadata = {"name": f"weather-router-{name}", "uid": name, "labels": router_labels("weather")}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {**metadata, **({"deletionTimestamp": "now"} if leaving else {})},
        "status": {"podIP": name, "conditions": conditions},
    }


def a_pod(route: Route) -> PodFacts:
    return PodFacts("pod", "uid", route, True, False, created_at=datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
def world() -> World:
    return World()


async def test_when_every_router_says_the_present_version_its_weights_are_the_shares(world: World) -> None:
    world.all_say(VERSION)

    facts = await world.observe()

    assert facts == TrafficFacts({STABLE: 95.0, CANARY: 5.0}, splits_exactly=True, holds_users=True, routers=READY)


@pytest.mark.parametrize(
    ("of_one", "told"),
    [
        (RouterState("old weather-11111111=10000", KNOWN), "has not got the present weights yet"),
        (Unknown("connection refused"), "cannot be asked: connection refused"),
        (RouterState(VERSION, {"weather-11111111": 2, "weather-22222222": 0}), "knows no pod of weather-22222222 yet"),
    ],
)
async def test_one_router_that_lags_behind_leaves_the_shares_unknown(
    world: World, of_one: RouterState | Unknown, told: str
) -> None:
    world.all_say(VERSION)
    world.routers.states["r2"] = of_one

    facts = await world.observe()

    assert facts.shares == {}
    assert facts.takes_users, "users stay with the routers that they are at"
    assert facts.look_again_after_seconds == 0.2
    assert facts.trouble is None, "a moment is no trouble"
    world.clock.seconds = 2.0
    assert f"router weather-router-r2 {told}" in str((await world.observe()).trouble)


async def test_a_router_that_lags_is_asked_ever_less_often_and_nudged_again(world: World) -> None:
    await world.observe()
    world.clock.seconds = 5.0
    facts = await world.observe()
    assert (facts.look_again_after_seconds, facts.nudges) == (1.25, 2)
    world.clock.seconds = 500.0
    assert (await world.observe()).look_again_after_seconds == 10.0
    world.all_say(VERSION)
    assert (await world.observe()).nudges == 0


async def test_users_are_let_in_when_every_ready_router_knows_the_weights(world: World) -> None:
    world.is_open = False
    assert not (await world.observe()).takes_users
    world.all_say(VERSION)

    facts = await world.observe()

    assert facts.takes_users
    assert not facts.holds_users
    assert facts.shares == {STABLE: 100.0}, "they are still at the pods"


@pytest.mark.parametrize("pods", [[], [a_router("r1", ready=False)], [a_router("r1", leaving=True)]])
async def test_without_a_router_that_is_ready_users_are_led_past_them(world: World, pods: list[Any]) -> None:
    world.pods = pods

    assert not (await world.observe()).takes_users


async def test_all_routers_are_told_whether_they_are_ready_or_not(world: World) -> None:
    world.pods = [a_router("r1"), a_router("r2", leaving=True), a_router("r3", ready=False)]
    world.all_say(VERSION)
    told = (("weather-router-r1", True), ("weather-router-r2", False), ("weather-router-r3", False))

    assert (await world.observe()).routers == tuple(RouterPod(name, ready) for name, ready in told)


async def test_without_a_config_map_nothing_is_asked(world: World) -> None:
    world.version = None

    assert not (await world.observe()).takes_users
    assert world.routers.asked == []


async def test_while_one_version_serves_alone_a_router_is_asked_once(world: World) -> None:
    world.version = ALONE
    world.all_say(ALONE)
    for _ in range(3):
        assert (await world.observe()).shares == {STABLE: 100.0}
    assert world.routers.asked == ["r1", "r2"]

    world.version = VERSION
    assert (await world.observe()).shares == {}


def test_the_state_is_read_from_envoys_stats() -> None:
    stats = [
        {"name": "http.users.rds.users.version_text", "value": VERSION},
        {"name": "cluster.weather-11111111.membership_total", "value": 2},
    ]

    assert read_state({"stats": stats}) == RouterState(VERSION, {"weather-11111111": 2})
    assert read_state({"stats": stats[1:]}) == Unknown("it has no routes yet")
    assert read_state({}) == Unknown("it has no routes yet")
