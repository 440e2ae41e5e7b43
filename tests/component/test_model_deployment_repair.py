"""What somebody edits or deletes by hand is put right again, without a rollout."""

from typing import Any

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.held_phases import ROLLOUT, hold
from serin_testkit.oracles import take_serving_state
from serin_testkit.world import World

pytestmark = pytest.mark.component

BECAUSE = "somebody takes their pods away by hand"


async def test_replicas_edited_by_hand_are_put_right(world: World) -> None:
    world.users_may_be_hurt(BECAUSE)
    await world.serve_first(a_model_deployment(version="1"))

    await world.user.patch("Deployment", world.revision("1"), {"spec": {"replicas": 0}})

    await world.until("the edit is seen", lambda: world.replicas("1") == 0)
    await world.until("stable has its pods again", lambda: len(world.serving_pods()) == 2)


async def test_a_selector_edited_by_hand_is_put_right(world: World) -> None:
    world.users_may_be_hurt(BECAUSE)
    await world.serve_first(a_model_deployment(version="1"))

    await world.user.patch("Service", "weather", {"spec": {"selector": {"app": "something-else"}}})

    await world.until("the edit is seen", lambda: not world.serving_pods())
    await world.until("users reach pods again", lambda: len(world.serving_pods()) == 2)
    assert "app" not in world.history.objects["Service", "weather"]["spec"]["selector"]


async def test_a_template_edited_by_hand_is_put_right(world: World) -> None:
    world.users_may_be_hurt(BECAUSE)
    await world.serve_first(a_model_deployment(version="1"))
    name = world.revision("1")
    template = world.history.objects["Deployment", name]["spec"]["template"]
    edited = {"spec": {"containers": [{**template["spec"]["containers"][0], "image": "somebody/else:1"}]}}

    await world.user.patch("Deployment", name, {"spec": {"template": edited}})
    await world.until(
        "the edit is undone",
        lambda: (
            world.history.objects["Deployment", name]["metadata"]["generation"] > 2
            and world.history.objects["Deployment", name]["spec"]["template"] == template
        ),
    )

    assert world.history.get("Rollout", ROLLOUT) is None


@pytest.mark.parametrize("kind", ["Deployment", "Service", "ControllerRevision"])
async def test_a_child_deleted_by_hand_is_made_again(world: World, kind: str) -> None:
    world.users_may_be_hurt(BECAUSE)
    await world.serve_first(a_model_deployment(version="1"))
    before = take_serving_state(world)
    name = "weather" if kind == "Service" else world.revision("1")
    uid = world.history.objects[kind, name]["metadata"]["uid"]

    await world.user.delete(kind, name, propagationPolicy="Background")

    def is_back() -> bool:
        found: Any = world.history.get(kind, name)
        return bool(found) and found["metadata"]["uid"] != uid and len(world.serving_pods()) == 2

    await world.until(f"the {kind} is back and serves", is_back)
    await world.settle()
    assert take_serving_state(world) == before
    assert world.history.get("Rollout", ROLLOUT) is None


async def test_what_is_deleted_in_the_middle_of_a_comparison_comes_back_and_the_verdict_is_found(world: World) -> None:
    await hold(world, "Analyzing")
    baseline = f"{world.revision('1')}-baseline"
    uid = world.history.objects["Deployment", baseline]["metadata"]["uid"]

    await world.user.delete("Deployment", baseline, propagationPolicy="Background")
    await world.until(
        "the baseline is back",
        lambda: (
            (world.history.get("Deployment", baseline) or {}).get("metadata", {}).get("uid") not in (None, uid)
            and len([pod for pod in world.serving_pods() if pod in world.pods("1", "baseline")]) == 1
        ),
    )

    assert (await world.let_traffic_decide(ROLLOUT))["status"]["phase"] == "Promoted"


async def test_a_rollout_deleted_by_hand_is_begun_again(world: World) -> None:
    await hold(world, "Analyzing")

    await world.user.delete("Rollout", ROLLOUT)
    await world.until_compared("weather-3")

    assert (await world.let_traffic_decide("weather-3"))["status"]["phase"] == "Promoted"


async def test_a_serving_pod_that_is_lost_is_told_and_replaced(world: World) -> None:
    world.users_may_be_hurt(BECAUSE)
    await world.serve_first(a_model_deployment(version="1"))
    lost = world.serving_pods()[0]["metadata"]

    await world.user.delete("Pod", lost["name"])
    await world.until("it is gone", lambda: world.history.get("Pod", lost["name"]) is None)

    weather = await world.until_told("weather", "Healthy")
    assert len(world.serving_pods()) == 2
    assert weather["status"]["stable"]["readyReplicas"] == 2
