"""Replicas change in place: by a person, by `kubectl scale`, by an autoscaler, also while a rollout runs."""

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.held_phases import ROLLOUT, hold, let_go
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def test_more_replicas_start_no_rollout(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))

    await world.apply(a_model_deployment(version="1").with_replicas(3))
    await world.until_told("weather", "Healthy")

    assert len(world.serving_pods()) == 3
    assert world.history.get("Rollout", ROLLOUT) is None


async def test_kubectl_scale_and_an_autoscaler_read_and_write_the_scale_subresource(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))

    code, output = await world.user.kubectl("scale", "modeldeployment/weather", "--replicas=1")
    assert code == 0, output
    await world.until("there is one pod", lambda: len(world.serving_pods()) == 1)
    await world.settle()

    scale = await world.user.get("ModelDeployment", "weather/scale")
    assert scale is not None
    assert scale["status"]["replicas"] == 1
    assert f"serin.dev/revision={world.revision('1')}" in scale["status"]["selector"]


async def test_stable_scales_while_a_version_is_compared_and_the_promotion_follows(world: World) -> None:
    await hold(world, "Analyzing")

    await world.user.patch("ModelDeployment", "weather", {"spec": {"replicas": 4}})
    await world.settle()
    assert [world.replicas("1"), world.replicas("1", "baseline"), world.replicas("2")] == [4, 1, 1]

    rollout = await world.let_traffic_decide(ROLLOUT)
    assert rollout["status"]["phase"] == "Promoted"
    assert len(world.serving_pods()) == 4
    assert world.replicas("2") == 4


async def test_a_promotion_grows_to_replicas_that_were_raised_meanwhile(world: World) -> None:
    await hold(world, "Promoting", replicas=2)

    await world.user.patch("ModelDeployment", "weather", {"spec": {"replicas": 3}})
    await world.settle()
    let_go(world)
    await world.until_phase(ROLLOUT, "Promoted")

    assert len(world.uids("2")) == len(world.serving_pods()) == 3


async def test_a_model_without_replicas_is_healthy_and_has_no_pods(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))

    await world.apply(a_model_deployment(version="1").with_replicas(0))
    await world.until_told("weather", "Healthy")

    assert world.pods() == []
