"""A good version: tried beside a baseline, promoted by the evidence, served by the pods that were judged."""

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.kubelet import Unschedulable
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def test_the_first_version_becomes_stable_directly(world: World) -> None:
    weather = await world.serve_first(a_model_deployment(version="1"))

    rollout = world.rollout("weather-1")
    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Promoted", "FirstRevision")
    assert weather["status"]["stable"]["version"] == "1"
    assert world.condition(weather, "Ready") == ("True", "Serving")
    assert world.condition(weather, "Available") == ("True", "Serving")
    assert len(world.serving_pods()) == 2


async def test_a_version_is_compared_with_a_baseline_of_its_own_size_beside_the_whole_of_stable(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1").with_replicas(4))

    rollout = await world.begin_comparison(
        a_model_deployment(version="2").with_replicas(4).with_plan(size="50%"), "weather-2"
    )

    assert [len(world.pods("1", "primary")), len(world.pods("1", "baseline")), len(world.pods("2"))] == [4, 2, 2]
    assert len(world.serving_pods()) == 8
    assert rollout["status"]["weights"]["nominal"] == {"stable": 50, "baseline": 25, "canary": 25}
    assert rollout["status"]["weights"]["effective"] == {"stable": 50, "baseline": 25, "canary": 25}
    assert world.condition(rollout, "TrafficConverged") == ("True", "Converged")


async def test_a_good_version_is_promoted_by_the_evidence_and_its_pods_are_not_restarted(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await world.begin_comparison(a_model_deployment(version="2"), "weather-2")
    judged = world.uids("2")

    rollout = await world.let_traffic_decide("weather-2")

    assert rollout["status"]["phase"] == "Promoted"
    assert rollout["status"]["decidedBy"] == {"how": "Evidence"}
    assert rollout["status"]["message"].startswith("Promoted: with 95 % confidence")
    assert judged < world.uids("2")
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == world.uids("2")


async def test_after_a_promotion_only_the_new_version_has_pods_and_the_old_one_can_be_returned_to(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await world.begin_comparison(a_model_deployment(version="2"), "weather-2")
    await world.let_traffic_decide("weather-2")

    weather = await world.until_told("weather", "Healthy")

    assert weather["status"]["stable"]["version"] == "2"
    assert weather["status"]["previous"]["version"] == "1"
    assert [world.replicas("1"), world.replicas("1", "baseline"), world.replicas("2")] == [0, None, 2]
    assert [service["metadata"]["name"] for service in world.history.all("Service")] == ["weather"]


async def test_a_version_that_cannot_grow_fails_and_the_old_one_keeps_serving(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1").with_replicas(3))
    await world.begin_comparison(a_model_deployment(version="2").with_replicas(3), "weather-2")
    world.kubelet.let(Unschedulable("0/3 nodes are available: 3 Insufficient memory."), version="2", only_new=True)
    while world.phase("weather-2") == "Analyzing":
        await world.pass_interval()
    assert world.phase("weather-2") == "Promoting"
    serving_before = world.uids("1")

    world.clock.jump(121)
    rollout = await world.until_phase("weather-2", "Failed")

    assert rollout["status"]["reason"] == "ProgressDeadlineExceeded"
    assert "3 Insufficient memory" in rollout["status"]["message"]
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == serving_before == world.uids("1")
    assert world.condition(world.model_deployment(), "Stalled") == ("True", "RolloutFailed")
    assert world.condition(world.model_deployment(), "Available") == ("True", "Serving")
    assert world.pods("2") == []
