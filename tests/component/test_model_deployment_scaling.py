"""The autoscaler and the budget of disruptions that a model has, on a real API server with their real controllers.

There are no metrics here: the autoscaler holds to its bounds by itself, the rest of its part is played by the tests.
"""

from typing import Any

import pytest
from serin_testkit.builders import NAME, Manifest, a_model_deployment
from serin_testkit.cluster_user import Json
from serin_testkit.held_phases import ROLLOUT
from serin_testkit.world import World

pytestmark = pytest.mark.component


def autoscaled(version: str = "1", **bounds: Any) -> Manifest:
    autoscaling = {"minReplicas": 1, "maxReplicas": 6, **bounds}
    return a_model_deployment(version=version).with_spec(replicas=None, autoscaling=autoscaling)


async def scale(world: World, replicas: int) -> None:
    """As an autoscaler does."""
    await world.user.patch("ModelDeployment", NAME, {"spec": {"replicas": replicas}}, subresource="scale")
    await world.settle()


async def autoscaler(world: World) -> Json | None:
    return await world.user.get("HorizontalPodAutoscaler", NAME)


def budget(world: World) -> Json | None:
    return world.history.get("PodDisruptionBudget", NAME)


async def until_budget(world: World, what: str, **wanted: Any) -> None:
    def look() -> bool:
        found = budget(world)
        return found is not None and wanted.items() <= found["status"].items()

    await world.until(what, look)


async def until_refused(world: World, reason: str) -> str:
    def look() -> bool:
        found = world.history.get("ModelDeployment", NAME) or {}
        return world.condition(found, "Stalled") == ("True", reason)

    await world.until(f"it is stalled by {reason}", look)
    message: str = world.model_deployment()["status"]["message"]
    return message


async def test_the_autoscaler_is_one_that_kubernetes_takes_and_it_scales_the_model(world: World) -> None:
    await world.serve_first(autoscaled())
    found = await autoscaler(world)
    assert found is not None
    assert found["metadata"]["ownerReferences"][0]["kind"] == "ModelDeployment"

    await world.apply(autoscaled(minReplicas=3))

    await world.until("the real autoscaler has written", lambda: world.model_deployment()["spec"]["replicas"] == 3)
    await world.until_told(NAME, "Healthy")
    assert len(world.serving_pods()) == 3


async def test_a_sync_from_git_leaves_alone_what_the_autoscaler_wrote(world: World) -> None:
    await world.serve_first(autoscaled())
    await scale(world, 4)
    await world.until_told(NAME, "Healthy")
    pods = world.uids("1")

    await world.apply(autoscaled())
    await world.settle()

    assert world.model_deployment()["spec"]["replicas"] == 4
    assert world.uids("1") == pods


async def test_removing_the_autoscaler_keeps_the_pods_that_there_are(world: World) -> None:
    await world.serve_first(autoscaled())
    await scale(world, 3)
    pods = world.uids("1")

    await world.apply(autoscaled().with_spec(autoscaling=None))
    await world.settle()

    assert await autoscaler(world) is None
    assert world.uids("1") == pods
    assert world.history.get("Rollout", ROLLOUT) is None


async def test_an_autoscaler_that_somebody_deletes_is_made_again(world: World) -> None:
    await world.serve_first(autoscaled())
    before = await autoscaler(world)
    await world.user.delete("HorizontalPodAutoscaler", NAME)
    await world.resync(1)

    after = await autoscaler(world)
    assert before is not None
    assert after is not None
    assert before["metadata"]["uid"] != after["metadata"]["uid"]


async def test_a_metric_that_kubernetes_refuses_is_told_and_costs_no_pod(world: World) -> None:
    await world.serve_first(autoscaled())
    pods = world.uids("1")

    await world.apply(autoscaled(metrics=[{"type": "Weather"}]))

    assert "HorizontalPodAutoscaler" in await until_refused(world, "InvalidSpec")
    assert world.uids("1") == pods
    await world.apply(autoscaled())
    await world.until_told(NAME, "Healthy")


async def test_a_version_is_promoted_while_its_model_scales(world: World) -> None:
    await world.serve_first(autoscaled())
    await scale(world, 2)
    await world.begin_comparison(autoscaled("2").with_plan(size="50%", bake="10m"), ROLLOUT)
    assert [world.replicas("1"), world.replicas("1", "baseline"), world.replicas("2")] == [2, 1, 1]
    await scale(world, 4)
    assert [world.replicas("1"), world.replicas("1", "baseline"), world.replicas("2")] == [4, 1, 1]
    read = await world.user.get("ModelDeployment", f"{NAME}/scale")
    assert read is not None
    code, told = await world.user.kubectl("get", "pods", "--selector", read["status"]["selector"], "--output=name")
    assert (code, len(told.split())) == (0, 6), told

    while world.phase(ROLLOUT) == "Analyzing":
        await world.pass_interval()
    await world.until_phase(ROLLOUT, "Baking")
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == world.uids("2")
    await scale(world, 5)
    assert [world.replicas("1"), world.replicas("2")] == [5, 5]
    world.clock.jump(601)
    await world.until_phase(ROLLOUT, "Promoted")

    assert [world.replicas("1"), world.replicas("2")] == [0, 5]


async def test_nodes_are_drained_one_pod_at_a_time_and_a_pod_alone_keeps_none_of_them(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await until_budget(world, "one of two may go", expectedPods=2, disruptionsAllowed=1)

    await scale(world, 1)
    await world.until("the budget is gone", lambda: budget(world) is None)


async def test_the_budget_goes_over_to_the_new_version(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await world.begin_comparison(a_model_deployment(version="2"), ROLLOUT)
    await world.let_traffic_decide(ROLLOUT)

    await until_budget(world, "the new pods are guarded", expectedPods=2, currentHealthy=2)
    found = budget(world)
    assert found is not None
    assert found["spec"]["selector"]["matchLabels"]["serin.dev/revision"] == world.revision("2")


async def test_a_budget_of_somebody_else_is_left_alone_and_can_be_lived_with(world: World) -> None:
    theirs = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": NAME},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"serin.dev/model-deployment": NAME}}},
    }
    made = await world.user.create(theirs)

    await world.apply(a_model_deployment(version="1"))
    assert "PodDisruptionBudget weather exists" in await until_refused(world, "NameTaken")

    await world.apply(a_model_deployment(version="1").with_spec(disruptionBudget={"maxUnavailable": "100%"}))
    await world.until_told(NAME, "Healthy")
    found = budget(world)
    assert found is not None
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
