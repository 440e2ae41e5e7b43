"""A broken version: rejected by the evidence, and remembered as such until it is wanted anew."""

import pytest
from serin_testkit.builders import a_model_deployment, a_rollout
from serin_testkit.kubelet import Crashing
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def reject_version_2(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    world.prometheus.failing = {"1": 0.01, "2": 0.5}
    await world.begin_comparison(a_model_deployment(version="2"), "weather-2")
    rollout = await world.let_traffic_decide("weather-2")
    assert rollout["status"]["phase"] == "Rejected"


async def test_a_broken_version_is_rejected_and_stable_is_not_touched(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    stable = world.uids("1")
    world.prometheus.failing = {"1": 0.01, "2": 0.5}
    await world.begin_comparison(a_model_deployment(version="2"), "weather-2")

    rollout = await world.let_traffic_decide("weather-2")

    assert (rollout["status"]["phase"], rollout["status"]["decidedBy"]) == ("Rejected", {"how": "Evidence"})
    assert rollout["status"]["message"].startswith("Rejected: the canary fails 50")
    assert {pod["metadata"]["uid"] for pod in world.pods()} == stable
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == stable
    assert [service["metadata"]["name"] for service in world.history.all("Service")] == ["weather"]


async def test_after_a_rejection_a_person_is_needed_and_users_are_served(world: World) -> None:
    await reject_version_2(world)

    weather = world.model_deployment()
    assert weather["status"]["phase"] == "Degraded"
    assert world.condition(weather, "Ready") == ("False", "CanaryRejected")
    assert world.condition(weather, "Stalled") == ("True", "CanaryRejected")
    assert world.condition(weather, "Available") == ("True", "Serving")
    assert weather["status"]["rejected"]["version"] == "2"
    assert weather["status"]["message"].endswith("Version 1 serves all traffic.")


async def test_a_rejected_version_is_remembered_when_it_is_applied_again(world: World) -> None:
    await reject_version_2(world)

    await world.apply(a_model_deployment(version="2").with_annotation("gitops.test/synced-at", "noon"))
    await world.resync()
    await world.restart_operator()
    await world.apply(a_model_deployment(version="2").with_annotation("gitops.test/synced-at", "one"))
    await world.resync()

    assert world.history.get("Rollout", "weather-3") is None
    assert world.model_deployment()["status"]["rejected"]["version"] == "2"


async def test_a_change_that_makes_no_other_revision_does_not_try_a_rejected_one_again(world: World) -> None:
    await reject_version_2(world)

    await world.apply(a_model_deployment(version="2").with_replicas(3))
    await world.settle()

    assert world.history.get("Rollout", "weather-3") is None
    assert (world.replicas("1"), world.condition(world.model_deployment(), "Stalled")) == (
        3,
        ("True", "CanaryRejected"),
    )


async def test_a_third_version_clears_the_rejection(world: World) -> None:
    await reject_version_2(world)

    await world.begin_comparison(a_model_deployment(version="3"), "weather-3")
    assert "rejected" not in world.model_deployment()["status"]
    await world.let_traffic_decide("weather-3")

    assert (await world.until_told("weather", "Healthy"))["status"]["stable"]["version"] == "3"


async def test_going_back_to_stable_heals_and_wanting_the_rejected_version_anew_tries_it_again(world: World) -> None:
    await reject_version_2(world)

    await world.apply(a_model_deployment(version="1"))
    healed = await world.until_told("weather", "Healthy")
    assert "rejected" not in healed["status"]
    assert world.history.get("Rollout", "weather-3") is None

    world.prometheus.failing = {}
    await world.begin_comparison(a_model_deployment(version="2"), "weather-3")
    await world.let_traffic_decide("weather-3")
    assert (await world.until_told("weather", "Healthy"))["status"]["stable"]["version"] == "2"


async def test_a_rollout_made_by_hand_tries_a_rejected_version_again(world: World) -> None:
    await reject_version_2(world)
    world.prometheus.failing = {}

    await world.user.create(a_rollout("second-try"))
    await world.until_compared("second-try")
    rollout = await world.let_traffic_decide("second-try")

    assert rollout["status"]["phase"] == "Promoted"
    assert rollout["metadata"]["ownerReferences"][0]["name"] == "weather"
    assert (await world.until_told("weather", "Healthy"))["status"]["stable"]["version"] == "2"


async def test_a_rollout_made_by_hand_of_what_is_stable_is_aborted(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))

    await world.user.create(a_rollout("for-nothing"))
    rollout = await world.until_phase("for-nothing", "Aborted")

    assert rollout["status"]["reason"] == "AlreadyStable"
    assert "already stable" in rollout["status"]["message"]
    assert world.condition(world.model_deployment(), "Ready") == ("True", "Serving")


async def test_a_version_that_answers_nothing_but_errors_is_rejected_and_is_not_taken_for_silence(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    world.prometheus.failing = {"2": 1.0}
    await world.begin_comparison(a_model_deployment(version="2"), "weather-2")

    rollout = await world.let_traffic_decide("weather-2", intervals=3)

    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Rejected", "EvidenceBad")


async def test_a_version_that_crashes_again_and_again_is_rejected_without_waiting_for_requests(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await world.begin_comparison(a_model_deployment(version="2"), "weather-2")

    world.kubelet.let(Crashing("Error", exit_code=1, restarts=3), version="2")
    rollout = await world.until_phase("weather-2", "Rejected")

    assert rollout["status"]["reason"] == "CanaryCrashed"
    assert "restarted 3 times: CrashLoopBackOff, Error (exit code 1)" in rollout["status"]["message"]


@pytest.mark.parametrize(
    ("crash", "told"),
    [
        (Crashing("OOMKilled", exit_code=137), "CrashLoopBackOff, OOMKilled"),
        (Crashing("Error", "out of threads"), "CrashLoopBackOff, Error (exit code 1): out of threads"),
    ],
    ids=["out of memory", "crash loop"],
)
async def test_a_version_that_crashes_once_it_gets_requests_is_rejected_at_its_first_crash(
    world: World, crash: Crashing, told: str
) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await world.begin_comparison(a_model_deployment(version="2"), "weather-2")

    world.kubelet.let(crash, version="2")
    rollout = await world.until_phase("weather-2", "Rejected")

    assert rollout["status"]["reason"] == "CanaryCrashed"
    assert f": {told}." in rollout["status"]["message"]
