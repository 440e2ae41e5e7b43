"""A person or a pipeline decides: at once, in every phase, over the evidence."""

import pytest
from serin_testkit.builders import a_model_deployment, a_rollout
from serin_testkit.cluster_user import RefusedError
from serin_testkit.held_phases import HELD_PHASES, ROLLOUT, hold, let_go
from serin_testkit.kubelet import Starting
from serin_testkit.world import World

pytestmark = pytest.mark.component


@pytest.mark.parametrize("phase", HELD_PHASES)
async def test_promote_is_followed_in_every_phase(world: World, phase: str) -> None:
    await hold(world, phase)

    await world.decide(ROLLOUT, "Promote")
    await world.settle()
    let_go(world)
    rollout = await world.until_phase(ROLLOUT, "Promoted")

    assert (await world.until_told("weather", "Healthy"))["status"]["stable"]["version"] == "2"
    decided_before = phase == "Promoting"
    assert rollout["status"]["decidedBy"] == {"how": "Evidence" if decided_before else "Person"}


@pytest.mark.parametrize("phase", HELD_PHASES)
async def test_reject_is_followed_in_every_phase(world: World, phase: str) -> None:
    await hold(world, phase)
    stable = world.uids("1")

    await world.decide(ROLLOUT, "Reject")
    rollout = await world.until_phase(ROLLOUT, "Rejected")

    assert (rollout["status"]["reason"], rollout["status"]["decidedBy"]) == ("RejectedByPerson", {"how": "Person"})
    assert world.condition(world.model_deployment(), "Stalled") == ("True", "CanaryRejected")
    assert {pod["metadata"]["uid"] for pod in world.pods()} == stable


@pytest.mark.parametrize("phase", HELD_PHASES)
async def test_abort_is_followed_in_every_phase_and_the_version_is_not_tried_again(world: World, phase: str) -> None:
    await hold(world, phase)
    stable = world.uids("1")

    await world.decide(ROLLOUT, "Abort")
    rollout = await world.until_phase(ROLLOUT, "Aborted")
    await world.resync()

    assert (rollout["status"]["reason"], rollout["status"]["decidedBy"]) == ("AbortedByPerson", {"how": "Person"})
    assert world.condition(world.model_deployment(), "Stalled") == ("True", "RolloutAborted")
    assert world.history.get("Rollout", "weather-3") is None
    assert {pod["metadata"]["uid"] for pod in world.pods()} == stable


async def test_a_version_that_a_person_promotes_untried_gets_no_request_before_it_is_full(world: World) -> None:
    await hold(world, "Preparing")
    stable = world.uids("1")

    await world.decide(ROLLOUT, "Promote")
    rollout = await world.until_phase(ROLLOUT, "Promoting")

    assert rollout["status"]["weights"]["nominal"] == {"stable": 100, "baseline": 0, "canary": 0}
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == stable


async def test_promote_goes_over_a_pause(world: World) -> None:
    await hold(world, "Analyzing")
    await world.pause("Rollout", ROLLOUT)
    await world.settle()

    await world.decide(ROLLOUT, "Promote")
    await world.until_phase(ROLLOUT, "Promoted")

    assert (await world.until_told("weather", "Healthy"))["status"]["stable"]["version"] == "2"


async def test_a_decision_that_was_made_with_the_rollout_counts(world: World) -> None:
    await hold(world, "Analyzing")
    await world.decide(ROLLOUT, "Reject")
    await world.until_phase(ROLLOUT, "Rejected")

    await world.user.create(a_rollout("at-once").with_spec(decision="Promote"))
    await world.until_phase("at-once", "Promoted")

    assert (await world.until_told("weather", "Healthy"))["status"]["stable"]["version"] == "2"


async def test_a_decision_is_taken_once_and_a_plan_cannot_be_changed(world: World) -> None:
    await hold(world, "Analyzing")
    await world.decide(ROLLOUT, "Reject")

    with pytest.raises(RefusedError, match="decision is taken once"):
        await world.decide(ROLLOUT, "Promote")
    with pytest.raises(RefusedError, match="plan cannot be changed in the middle of a comparison"):
        await world.user.patch("Rollout", ROLLOUT, {"spec": {"plan": {"onInconclusive": "Promote"}}})


async def test_the_first_version_can_be_rejected_before_it_ever_served(world: World) -> None:
    world.kubelet.let(Starting())
    await world.apply(a_model_deployment(version="1"))
    await world.until_phase("weather-1", "Preparing")

    await world.decide("weather-1", "Reject")
    await world.until_phase("weather-1", "Rejected")

    weather = world.model_deployment()
    assert world.condition(weather, "Stalled") == ("True", "CanaryRejected")
    assert world.condition(weather, "Available") == ("False", "NothingStable")
