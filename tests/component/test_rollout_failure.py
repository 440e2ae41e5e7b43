"""A version whose pods never get ready: it fails at the deadline, and the message says what the pods themselves say."""

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.kubelet import Crashing, PodState, Ready, Starting, Unschedulable, Waiting
from serin_testkit.world import World

pytestmark = pytest.mark.component

TROUBLES: dict[str, tuple[PodState, str]] = {
    "the image is missing": (
        Waiting("ErrImagePull", 'failed to pull "serin/server:9": not found'),
        'ErrImagePull: failed to pull "serin/server:9": not found',
    ),
    "the memory is too small": (Crashing("OOMKilled", exit_code=137), "CrashLoopBackOff, OOMKilled"),
    "the model is not what was promised": (
        Crashing("Error", "model.onnx has digest sha256:aa, expected sha256:bb"),
        "CrashLoopBackOff, Error (exit code 1): model.onnx has digest sha256:aa, expected sha256:bb",
    ),
    "no node has room": (
        Unschedulable("0/3 nodes are available: 3 Insufficient cpu."),
        "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu",
    ),
    "nobody knows why": (Starting(), "0 of 1 pods of the new version are ready and Kubernetes gives no reason"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_version_that_is_not_ready_in_time_fails_with_the_pods_own_reason(world: World, trouble: str) -> None:
    state, sentence = TROUBLES[trouble]
    await _fail(world, state)

    rollout, weather = world.rollout("weather-2"), world.model_deployment()
    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Failed", "ProgressDeadlineExceeded")
    assert rollout["status"]["message"].startswith("Not ready within 2m: ")
    assert sentence in rollout["status"]["message"]
    assert sentence in weather["status"]["message"]
    assert world.condition(weather, "Stalled") == ("True", "RolloutFailed")


async def test_a_failed_version_leaves_stable_alone_and_its_own_pods_go(world: World) -> None:
    stable = await _fail(world, Starting())

    assert {pod["metadata"]["uid"] for pod in world.pods()} == stable
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == stable
    assert world.condition(world.model_deployment(), "Available") == ("True", "Serving")


async def test_the_reason_is_told_before_the_deadline_too(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    world.kubelet.let(Waiting("ErrImagePull", "not found"), version="2")

    await world.apply(a_model_deployment(version="2"))
    rollout = await world.until_phase("weather-2", "Preparing")

    assert "ErrImagePull: not found" in rollout["status"]["message"]
    assert "ErrImagePull: not found" in world.model_deployment()["status"]["message"]


async def test_a_version_that_gets_ready_late_but_in_time_is_tried(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    world.kubelet.let(Starting(), version="2")
    await world.apply(a_model_deployment(version="2"))
    await world.until_phase("weather-2", "Preparing")

    world.clock.jump(119)
    await world.settle()
    world.kubelet.let(Ready(), version="2")

    await world.until_compared("weather-2")


async def test_a_first_version_that_is_late_fails_and_becomes_stable_once_it_is_ready(world: World) -> None:
    world.kubelet.let(Starting())
    await world.apply(a_model_deployment(version="1"))
    await world.until_phase("weather-1", "Preparing")
    world.clock.jump(121)
    await world.until_phase("weather-1", "Failed")
    assert world.condition(world.model_deployment(), "Stalled") == ("True", "RolloutFailed")

    world.kubelet.let(Ready())

    weather = await world.until_told("weather", "Healthy")
    assert weather["status"]["stable"]["version"] == "1"


async def _fail(world: World, state: PodState) -> set[str]:
    """Version 2 fails in this state; returns the pods that serve all the while."""
    await world.serve_first(a_model_deployment(version="1"))
    stable = world.uids("1")
    world.kubelet.let(state, version="2")
    await world.apply(a_model_deployment(version="2"))
    await world.until_phase("weather-2", "Preparing")
    world.clock.jump(121)
    await world.until_phase("weather-2", "Failed")
    return stable
