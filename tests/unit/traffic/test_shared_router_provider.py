"""What the provider Router learns of routers that several models share, and when a model has left them."""

import json
from typing import Any

import pytest
from serin.adapters.traffic.router import RouterProvider, RouterState
from serin.adapters.traffic.shared_router import SHARED_LABELS
from serin.api.v1alpha1.traffic import RouterSettings, Traffic
from serin.core.facts import Key, TrafficFacts
from serin.core.model_deployment.names import SHARED_ROUTER
from serin.core.plan import Apply, Delete
from serin.runtime.ports import SharedModel, SharedPlan, SharedView, TrafficView
from serin_testkit.shared_envoy import make_live_part
from unit.traffic.intents import STABLE, a_split, an_intent
from unit.traffic.test_router_provider import PaperRouters, StandingClock, a_pod, a_router

SHARED = RouterSettings(scope="Namespace")
PART = make_live_part(an_intent({STABLE: 100.0}, backends=(STABLE,), router=SHARED))
VERSION = PART["metadata"]["annotations"]["serin.dev/router-config"]


class World:
    def __init__(self) -> None:
        self.routers, self.clock = PaperRouters(), StandingClock()
        self.provider = RouterProvider("envoy:test", self.routers, self.clock)
        self.ports: dict[str, int | None] | None = {"weather": 10_001}
        self.selector: dict[str, str] = dict(SHARED_LABELS)
        self.pods: list[Any] = [a_router("r1"), a_router("r2")]
        self.objects: dict[str, list[Any]] = {}
        self.scope, self.part = "Namespace", PART

    @property
    def shared(self) -> dict[str, list[Any]]:
        ports = {"metadata": {"name": SHARED_ROUTER}, "data": {"ports.json": json.dumps(self.ports)}}
        kinds: dict[str, list[Any]] = {"Deployment": [], "PodDisruptionBudget": []}
        return {**kinds, "Pod": self.pods, "ConfigMap": [ports] if self.ports is not None else [], **self.objects}

    @property
    def service(self) -> Any:
        return {"metadata": {"name": "weather"}, "spec": {"selector": self.selector}}

    async def observe(self) -> TrafficFacts:
        own: dict[str, list[Any]] = {"Service": [self.service], "ConfigMap": [self.part], "Pod": []}
        view = TrafficView(Key("ml", "weather"), Traffic(router=SHARED), own, [a_pod(STABLE)], self.shared)
        return await self.provider.observe(view)

    def plan(self) -> SharedPlan:
        traffic = {"provider": "Router", "router": {"scope": self.scope}}
        owner = {"metadata": {"name": "weather"}, "spec": {"traffic": traffic}}
        return self.provider.plan_shared(SharedView("ml", [SharedModel(owner, self.part, self.service)], self.shared))


@pytest.fixture
def world() -> World:
    return World()


async def test_the_routers_are_asked_for_this_model_and_tell_its_weights(world: World) -> None:
    state = RouterState(VERSION, {STABLE.revision: 1})
    world.routers.states = {"r1/weather": state, "r2/weather": state}
    facts = await world.observe()

    assert facts.shares == {STABLE: 100.0}
    assert (facts.takes_users, facts.holds_users, facts.port) == (True, True, 10_001)
    assert [router.name for router in facts.routers or ()] == ["weather-router-r1", "weather-router-r2"]


async def test_one_of_them_that_lags_for_this_model_leaves_its_shares_unknown(world: World) -> None:
    state = RouterState(VERSION, {STABLE.revision: 1})
    world.routers.states = {"r1/weather": state, "r2/weather": RouterState("old weather-11111111=10000", {})}

    facts = await world.observe()

    assert (facts.shares, facts.takes_users, facts.look_again_after_seconds) == ({}, True, 0.2)


@pytest.mark.parametrize("ports", [None, {}, {"rain": 10_001}])
async def test_before_it_has_a_port_users_are_led_past_them_and_nobody_is_asked(world: World, ports: Any) -> None:
    world.ports = ports
    facts = await world.observe()

    assert (facts.takes_users, facts.port, facts.obstacle) == (False, None, None)
    assert world.routers.asked == []


async def test_a_model_without_room_is_told_so(world: World) -> None:
    world.ports = {"weather": None}
    facts = await world.observe()

    assert "no room for another model" in str(facts.obstacle)
    assert facts.trouble == facts.obstacle


async def test_why_they_cannot_be_made_is_told_to_who_is_not_in_until_they_can_be(world: World) -> None:
    world.provider.tell_refusal("ml", "ConfigMap serin-routers exists.")
    world.clock.seconds = 10.0
    facts = await world.observe()
    assert (facts.obstacle, facts.trouble) == (None, None), "a moment's lag of one that is served by them"
    world.clock.seconds = 20.0
    assert (await world.observe()).trouble == "ConfigMap serin-routers exists."
    world.ports = None
    assert (await world.observe()).obstacle == "ConfigMap serin-routers exists."
    world.provider.tell_refusal("ml", None)
    assert (await world.observe()).obstacle is None


def kinds(plan: SharedPlan) -> list[str]:
    applied = [action.manifest["kind"] for action in plan.actions if isinstance(action, Apply)]
    return [*applied, *(f"no {action.kind}" for action in plan.actions if isinstance(action, Delete))]


MADE = ["ConfigMap", "Deployment", "PodDisruptionBudget"]


def test_who_goes_elsewhere_keeps_its_listener_until_the_service_has_led_elsewhere_for_a_while(world: World) -> None:
    world.scope = "Model"
    world.clock.seconds = 100.0
    assert (kinds(world.plan()), world.plan().look_again_after_seconds) == (MADE, None)

    world.selector = {"serin.dev/revision": STABLE.revision}
    assert (kinds(world.plan()), world.plan().look_again_after_seconds) == (MADE, 20.0)
    world.clock.seconds = 115.0
    assert (kinds(world.plan()), world.plan().look_again_after_seconds) == (MADE, 5.0)
    world.clock.seconds = 121.0
    assert kinds(world.plan()) == ["no ConfigMap"]


def test_who_comes_back_meanwhile_stays(world: World) -> None:
    world.scope, world.selector = "Model", {}
    world.plan()
    world.scope, world.clock.seconds = "Namespace", 19.0
    world.plan()
    world.scope, world.clock.seconds = "Model", 21.0

    assert (kinds(world.plan()), world.plan().look_again_after_seconds) == (MADE, 20.0)


def test_what_the_last_pods_live_on_goes_after_them(world: World) -> None:
    world.objects = {kind: [{"metadata": {"name": SHARED_ROUTER}}] for kind in ("Deployment", "PodDisruptionBudget")}
    world.scope, world.selector = "Model", {}
    world.plan()
    world.clock.seconds = 21.0
    assert kinds(world.plan()) == ["no ConfigMap", "no Deployment"]

    view = SharedView("ml", [], {**world.shared, "Deployment": []})
    assert kinds(world.provider.plan_shared(view)) == []
    gone = SharedView("ml", [], {**world.shared, "Deployment": [], "Pod": []})
    assert kinds(world.provider.plan_shared(gone)) == ["no PodDisruptionBudget", "no ConfigMap"]


def test_an_edited_part_counts_as_it_was_until_it_is_put_right(world: World) -> None:
    before = world.plan().actions[0]
    edited = {**PART, "data": {"routes.json": "{}"}, "metadata": {**PART["metadata"], "resourceVersion": "2"}}
    world.part = edited
    assert world.plan().actions[0] == before

    world.provider = RouterProvider("envoy:test", world.routers, world.clock)
    assert world.plan().actions == (), "nothing is known of it: nothing is taken away"


def test_only_news_of_a_model_wakes_it(world: World) -> None:
    before = world.plan().news
    assert world.plan().news == before

    world.part = make_live_part(a_split(5, router=SHARED))
    world.part["metadata"]["resourceVersion"] = "2"
    assert world.plan().news != before
    now = world.plan().news
    world.pods = world.pods[:1]
    assert world.plan().news != now
