"""What holds whichever provider splits the requests. What only one of them can do is in a file of its name."""

from itertools import permutations

import pytest
from component.traffic_providers import SETTINGS, Provider
from serin_testkit.oracles import check_stays
from serin_testkit.world import World

pytestmark = pytest.mark.component


@pytest.fixture(params=SETTINGS)
def provider(request: pytest.FixtureRequest, world: World) -> Provider:
    return Provider(world, request.param)


async def test_the_weights_that_are_asked_for_are_those_that_are_given_and_told(
    world: World, provider: Provider
) -> None:
    await provider.serve("1")
    rollout = await world.begin_comparison(provider.manifest("2"), "weather-2")

    told = rollout["status"]["weights"]
    new, old = world.revision("2"), world.revision("1")
    given = provider.shares()
    assert told["effective"] == {
        "canary": pytest.approx(given[new], abs=0.1),
        "baseline": pytest.approx(given[f"{old}-baseline"], abs=0.1),
        "stable": pytest.approx(given[old], abs=0.1),
    }
    assert told["nominal"] == told["effective"], "no share is asked for that cannot be had"
    assert told["converged"]


async def test_a_good_version_gets_all_requests_before_the_old_pods_go(world: World, provider: Provider) -> None:
    await provider.serve("1")
    old = world.revision("1")
    await world.begin_comparison(provider.manifest("2"), "weather-2")

    rollout = await world.let_traffic_decide("weather-2")
    await world.settle()

    assert rollout["status"]["phase"] == "Promoted"
    assert provider.shares() == {world.revision("2"): 100.0}
    switched = min(seen.version for seen in world.history.seen() if _leads_to(seen.object, provider, world))
    shrunk = min(
        seen.version
        for seen in world.history.seen()
        if seen.place == ("Deployment", old) and seen.object["spec"]["replicas"] == 0
    )
    assert switched < shrunk
    await check_stays(world)


def _leads_to(found: dict[str, object], provider: Provider, world: World) -> bool:
    """Whether this object gives all requests to version 2."""
    new = world.revision("2")
    spec, kind = found.get("spec") or {}, found["kind"]
    assert isinstance(spec, dict)
    if provider.name == "GatewayAPI":
        backends = spec["rules"][0]["backendRefs"] if kind == "HTTPRoute" else ()
        return any(backend["name"] == new and backend["weight"] == 10_000 for backend in backends)
    if provider.kind == "Router":
        annotations = found["metadata"].get("annotations") or {}  # type: ignore[attr-defined]
        return kind == "ConfigMap" and f"{new}=10000" in annotations.get("serin.dev/router-config", "")
    is_users = found["metadata"]["name"] == "weather"  # type: ignore[index]
    return kind == "Service" and is_users and spec.get("selector", {}).get("serin.dev/revision") == new


async def test_a_bad_version_loses_its_requests_and_stable_is_not_touched(world: World, provider: Provider) -> None:
    await provider.serve("1")
    stable = world.uids("1")
    world.prometheus.failing = {"1": 0.01, "2": 0.5}
    await world.begin_comparison(provider.manifest("2"), "weather-2")

    rollout = await world.let_traffic_decide("weather-2")
    await world.settle()

    assert rollout["status"]["phase"] == "Rejected"
    assert provider.shares() == {world.revision("1"): 100.0}
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == stable


@pytest.mark.parametrize("provider", ["Router", "Router of the namespace", "GatewayAPI"], indirect=True)
async def test_nothing_is_compared_before_the_data_plane_follows_and_the_status_says_who_lags(
    world: World, provider: Provider
) -> None:
    await provider.serve("1")
    provider.hold_back(held=True)
    await world.apply(provider.manifest("2"))
    rollout = await world.until_phase("weather-2", "Analyzing")
    assert world.condition(rollout, "TrafficConverged") == ("False", "Waiting")
    assert not rollout["status"].get("engine")
    world.clock.jump(10)
    await world.until(
        "the status says who lags",
        lambda: "has not got the present weights yet" in world.rollout("weather-2")["status"]["message"],
    )

    provider.hold_back(held=False)
    world.clock.jump(10)
    await world.until_compared("weather-2")


@pytest.mark.parametrize(("before", "after"), list(permutations(SETTINGS, 2)))
async def test_another_provider_is_gone_over_to_in_place(world: World, before: str, after: str) -> None:
    old, new = Provider(world, before), Provider(world, after)
    await old.serve("1")
    pods = world.uids("1")
    await new.prepare()

    await world.apply(new.manifest("1"))
    await new.until_in_use()

    assert world.phase("weather-2") is None, "traffic is no part of a revision"
    assert world.uids("1") == pods
    assert new.shares() == {world.revision("1"): 100.0}
    await check_stays(world)
