"""The spec moves on in the middle of an attempt: an attempt only ever rolls out what is wanted now."""

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.held_phases import HELD_PHASES, hold, let_go
from serin_testkit.history import Seen
from serin_testkit.world import World

pytestmark = pytest.mark.component


@pytest.mark.parametrize("phase", HELD_PHASES)
async def test_a_newer_version_supersedes_the_one_on_trial_in_every_phase(world: World, phase: str) -> None:
    await hold(world, phase)

    await world.apply(a_model_deployment(version="3"))
    let_go(world)
    await world.until_compared("weather-3")

    assert world.phase("weather-2") == "Superseded"
    assert world.rollout("weather-2")["status"]["reason"] == "SpecChanged"
    await world.let_traffic_decide("weather-3")
    assert (await world.until_told("weather", "Healthy"))["status"]["stable"]["version"] == "3"


async def test_the_comparison_of_a_newer_version_starts_from_nothing(world: World) -> None:
    await hold(world, "Analyzing")
    await world.pass_interval()  # what pods counted before is not part of it
    await world.pass_interval()
    assert world.rollout("weather-2")["status"]["metrics"][0]["canary"]["requests"] == 1000

    await world.apply(a_model_deployment(version="3"))
    rollout = await world.until_compared("weather-3")
    assert not rollout["status"].get("metrics")

    await world.pass_interval()
    await world.pass_interval()
    assert world.rollout("weather-3")["status"]["metrics"][0]["canary"]["requests"] == 1000


async def test_no_pod_of_a_superseded_version_gets_requests_of_the_next_comparison(world: World) -> None:
    await hold(world, "Analyzing")
    superseded = world.revision("2")

    await world.apply(a_model_deployment(version="3"))
    await world.until_compared("weather-3")

    began = next(
        seen.version
        for seen in world.history.seen()
        if seen.place == ("Rollout", "weather-3") and seen.object.get("status", {}).get("phase") == "Analyzing"
    )
    gone = [seen.version for seen in world.history.seen() if _takes_pod_of(superseded, seen)]
    assert gone
    assert max(gone) < began


def _takes_pod_of(revision: str, seen: Seen) -> bool:
    """From its deletionTimestamp on a pod gets no new requests."""
    metadata = seen.object["metadata"]
    if seen.place[0] != "Pod" or metadata["labels"]["serin.dev/revision"] != revision:
        return False
    return seen.change == "MODIFIED" and "deletionTimestamp" in metadata


@pytest.mark.parametrize("phase", HELD_PHASES)
async def test_going_back_to_stable_aborts_the_attempt_and_starts_nothing_else(world: World, phase: str) -> None:
    await hold(world, phase)
    stable = world.uids("1")

    await world.apply(a_model_deployment(version="1"))
    rollout = await world.until_phase("weather-2", "Aborted")

    assert rollout["status"]["reason"] == "SpecReverted"
    weather = await world.until_told("weather", "Healthy")
    assert weather["status"]["attempts"] == 2
    assert world.history.get("Rollout", "weather-3") is None
    assert {pod["metadata"]["uid"] for pod in world.pods()} == stable


async def test_a_version_that_is_wanted_again_after_another_reuses_its_deployment(world: World) -> None:
    await hold(world, "Analyzing")
    deployment = world.history.objects["Deployment", world.revision("2")]["metadata"]["uid"]
    await world.begin_comparison(a_model_deployment(version="3"), "weather-3")

    await world.begin_comparison(a_model_deployment(version="2"), "weather-4")
    await world.let_traffic_decide("weather-4")

    assert world.phase("weather-4") == "Promoted"
    assert world.history.objects["Deployment", world.revision("2")]["metadata"]["uid"] == deployment
