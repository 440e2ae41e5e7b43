"""What the provider GatewayAPI learns of Gateways and their classes, and what it says when they cannot do something."""

from datetime import UTC, datetime
from typing import Any

import pytest
from serin.adapters.traffic.gateway_api import OBSTACLE_SECONDS, TROUBLE_SECONDS, GatewayApiProvider
from serin.adapters.traffic.gateways import KNOWN_SECONDS, MIRROR, PARTIAL_MIRROR, find_url
from serin.adapters.traffic.http_route import make_http_route
from serin.api.v1alpha1.traffic import GatewayApiSettings, ParentRef, Traffic
from serin.core.facts import Key, TrafficFacts
from serin.core.plan import AnnotatePods, Apply
from serin.runtime.ports import Absent, Found, ObjectRef, TrafficView, Unknown
from unit.traffic.intents import CANARY, STABLE, a_split

SETTINGS = GatewayApiSettings(parent_refs=(ParentRef(name="public"),))
TRAFFIC = Traffic(provider="GatewayAPI", gateway_api=SETTINGS)
GATEWAY, CLASS = ObjectRef("Gateway", "ml", "public"), ObjectRef("GatewayClass", "", "good")
YES = {"status": "True", "observedGeneration": 1}


def a_class(status: Any, controller: str = "test/one") -> Found:
    return Found({"spec": {"controllerName": controller}, "status": status})


class PaperCluster:
    """Answers reads, and counts them."""

    def __init__(self) -> None:
        self.answers: dict[ObjectRef, Found | Absent | Unknown] = {}
        self.reads: list[ObjectRef] = []

    async def get(self, ref: ObjectRef) -> Found | Absent | Unknown:
        self.reads.append(ref)
        return self.answers.get(ref, Absent())


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
        self.cluster, self.clock = PaperCluster(), StandingClock()
        self.provider = GatewayApiProvider(self.cluster, self.clock)  # type: ignore[arg-type]
        self.route: Any = a_route()
        self.put_gateway()
        self.put_class([MIRROR, PARTIAL_MIRROR])

    def put_gateway(self) -> None:
        listener = {"name": "http", "protocol": "HTTP", "port": 80}
        self.cluster.answers[GATEWAY] = Found({"spec": {"gatewayClassName": "good", "listeners": [listener]}})

    def put_class(self, features: list[str]) -> None:
        self.cluster.answers[CLASS] = a_class({"supportedFeatures": [{"name": name} for name in features]})

    async def observe(self, after_seconds: float = 0) -> TrafficFacts:
        self.clock.seconds += after_seconds
        routes = [self.route] if self.route else []
        objects = {"HTTPRoute": routes, "Service": [], "Pod": []}
        return await self.provider.observe(TrafficView(Key("ml", "weather"), TRAFFIC, objects, ()))


def a_route() -> Any:
    intent = a_split(5)
    route: Any = make_http_route(
        type(intent)(service=intent.service, weights=intent.weights, settings=TRAFFIC, backends=intent.backends)
    )
    conditions = [{"type": kind, **YES} for kind in ("Accepted", "ResolvedRefs")]
    status = {"parents": [{"parentRef": {"name": "public"}, "conditions": conditions}]}
    return {**route, "metadata": {**route["metadata"], "generation": 1}, "status": status}


@pytest.fixture
def world() -> World:
    return World()


async def test_the_shares_are_those_of_a_route_that_its_gateways_have_taken_on(world: World) -> None:
    facts = await world.observe()
    assert facts.shares[CANARY] == 5.0
    assert facts.is_serving
    assert facts.splits_exactly
    assert (facts.trouble, facts.obstacle, facts.look_again_after_seconds) == (None, None, None)


async def test_a_gateway_that_lags_is_worth_a_word_only_when_it_lasts_and_takes_nothing_from_users(
    world: World,
) -> None:
    world.route["metadata"]["generation"] = 2
    facts = await world.observe()
    assert (facts.shares, facts.trouble, facts.is_serving) == ({}, None, True)
    assert facts.look_again_after_seconds == 0.2

    facts = await world.observe(after_seconds=TROUBLE_SECONDS)
    assert facts.trouble == "Gateway public has not got the present weights yet"

    facts = await world.observe(after_seconds=OBSTACLE_SECONDS)
    assert facts.obstacle is None, "it is only slow"


async def test_mirrors_are_allowed_where_the_class_says_that_it_can(world: World) -> None:
    facts = await world.observe()
    assert facts.why_no_mirror(100) is None
    assert facts.why_no_mirror(25) is None


async def test_a_class_that_mirrors_all_or_nothing_is_refused_a_share(world: World) -> None:
    world.put_class([MIRROR])
    facts = await world.observe()
    assert facts.why_no_mirror(100) is None
    why = facts.why_no_mirror(25)
    assert why is not None
    assert why.startswith("GatewayClass good cannot copy a share of the requests (HTTPRouteRequestPercentageMirror")
    assert "set spec.traffic.provider to Router" in why


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (a_class({"supportedFeatures": [{"name": "HTTPRoute"}]}), "GatewayClass good cannot copy requests"),
        (a_class({}), "GatewayClass good has no status.supportedFeatures"),
        (Unknown("forbidden"), "GatewayClass good cannot be read, forbidden"),
        (Absent(), "There is no GatewayClass good"),
    ],
)
async def test_no_mirror_without_a_class_that_says_that_it_can(world: World, answer: Any, words: str) -> None:
    world.cluster.answers[CLASS] = answer
    assert words in ((await world.observe()).why_no_mirror(100) or "")


async def test_envoy_gateway_tells_nothing_of_its_features_and_is_known_to_mirror(world: World) -> None:
    world.cluster.answers[CLASS] = a_class({}, controller="gateway.envoyproxy.io/gatewayclass-controller")
    assert (await world.observe()).why_no_mirror(25) is None


async def test_a_class_that_cannot_be_read_keeps_no_weight_from_anybody(world: World) -> None:
    world.cluster.answers[CLASS] = Unknown("forbidden")
    assert (await world.observe()).shares[STABLE] == 90.0


async def test_a_gateway_that_is_gone_serves_nobody_although_the_route_still_says_so(world: World) -> None:
    del world.cluster.answers[GATEWAY]
    facts = await world.observe()
    assert (facts.shares, facts.is_serving, facts.obstacle) == ({}, False, None)
    facts = await world.observe(after_seconds=OBSTACLE_SECONDS)
    assert facts.obstacle == (
        "There is no Gateway ml/public: create it, or correct spec.traffic.gatewayAPI.parentRefs."
    )


async def test_an_api_server_that_is_away_for_a_moment_changes_nothing(world: World) -> None:
    before = await world.observe()
    world.cluster.answers = {GATEWAY: Unknown("away"), CLASS: Unknown("away")}
    assert await world.observe(after_seconds=KNOWN_SECONDS) == before


async def test_gateways_are_read_once_for_many_looks(world: World) -> None:
    for _ in range(10):
        await world.observe(after_seconds=1)
    assert world.cluster.reads == [GATEWAY, CLASS]


async def test_without_the_gateway_api_no_route_is_asked_for_and_the_service_still_leads_to_pods(world: World) -> None:
    world.route = None
    world.cluster.answers[ObjectRef("HTTPRoute", "ml", "weather")] = Absent(is_kind_known=False)
    facts = await world.observe()
    assert not facts.takes_users
    assert "install the definitions" in (facts.why_no_mirror(100) or "")

    def kinds(*, takes_users: bool) -> list[str]:
        intent = a_split(5, takes_users=takes_users)
        rendered = world.provider.render(
            type(intent)(**{name: getattr(intent, name) for name in intent.__slots__} | {"settings": TRAFFIC})
        )
        assert not [action for action in rendered if isinstance(action, AnnotatePods)]
        return [action.manifest["kind"] for action in rendered if isinstance(action, Apply)]

    assert kinds(takes_users=False) == ["Service"] * 4
    assert kinds(takes_users=True) == [*["Service"] * 3, "HTTPRoute", "Service"], "the user Service comes last"


@pytest.mark.parametrize(
    ("hostnames", "listener", "expected"),
    [
        (("weather.example.com",), {}, "http://weather.example.com"),
        (("*.example.com", "weather.example.com"), {}, "http://weather.example.com"),
        ((), {"hostname": "models.example.com"}, "http://models.example.com"),
        ((), {"hostname": "*.example.com"}, "http://192.0.2.7"),
        ((), {"port": 8000}, "http://192.0.2.7:8000"),
        (("weather.example.com",), {"protocol": "HTTPS", "port": 443}, "https://weather.example.com"),
        (("weather.example.com",), {"protocol": "HTTPS", "port": 8443}, "https://weather.example.com:8443"),
    ],
)
def test_users_are_told_where_the_gateway_is(hostnames: Any, listener: Any, expected: str) -> None:
    settings = GatewayApiSettings(parent_refs=SETTINGS.parent_refs, hostnames=hostnames)
    gateway = {
        "spec": {"listeners": [{"name": "one", "protocol": "HTTP", "port": 80, **listener}]},
        "status": {"addresses": [{"type": "IPAddress", "value": "192.0.2.7"}]},
    }
    assert find_url(settings, settings.parent_refs[0], gateway) == expected


def test_without_a_name_or_an_address_users_are_told_the_service() -> None:
    assert find_url(SETTINGS, SETTINGS.parent_refs[0], None) is None
