"""Strategy ABTest: a business metric decides between two versions whose users stay."""

import pytest
from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.cluster_user import Json
from serin_testkit.world import World

pytestmark = pytest.mark.component

AB_TEST: Json = {
    "metric": {"total": "offers_total", "success": 'offers_total{taken="yes"}'},
    "minimumEffect": 0.05,
}


def a_tested(version: str, **plan: object) -> Manifest:
    traffic = {"provider": "Router", "sticky": {"header": "x-user-id"}}
    return (
        a_model_deployment(version=version)
        .with_spec(traffic=traffic)
        .with_plan(strategy="ABTest", abTest=AB_TEST, **plan)
    )


async def decide(world: World, **plan: object) -> Json:
    await world.serve_first(a_tested("1", **plan))
    await world.begin_comparison(a_tested("2", **plan), "weather-2")
    return await world.let_traffic_decide("weather-2")


@pytest.mark.parametrize(
    ("share", "phase", "outcome"), [(0.3, "Promoted", "CanaryWins"), (0.02, "Rejected", "StableWins")]
)
async def test_who_serves_users_better_wins(world: World, share: float, phase: str, outcome: str) -> None:
    world.prometheus.succeeding = {"2": share}

    rollout = await decide(world)

    assert rollout["status"]["phase"] == phase
    (trial,) = [metric["trial"] for metric in rollout["status"]["metrics"] if metric["name"] == "business"]
    assert trial["outcome"] == outcome


async def test_no_difference_is_an_answer_and_the_plan_says_what_follows(world: World) -> None:
    rollout = await decide(world, onInconclusive="Reject")

    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Rejected", "NoDifference")
    assert "No difference of 5 pp or more" in rollout["status"]["message"]


async def test_half_of_the_users_stay_with_each(world: World) -> None:
    await world.serve_first(a_tested("1"))
    await world.begin_comparison(a_tested("2"), "weather-2")

    canary, stable = world.revision("2"), world.revision("1")
    assert world.routers.weights("weather") == {canary: 50.0, f"{stable}-baseline": 50.0}
