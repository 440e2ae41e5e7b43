"""The oracles themselves: each notices what it is there for. A check that never fails would watch over nothing."""

from typing import Any

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.history import Seen
from serin_testkit.oracles import check_stays, find_differences, find_outages, take_end_state
from serin_testkit.status_contract import find_breaches
from serin_testkit.world import World

pytestmark = pytest.mark.component

NOW = "2026-01-01T00:00:00Z"


def a_rollout_with(phase: str, *marks: str, **status: Any) -> dict[str, Any]:
    """A Rollout whose status says this; `marks` are conditions that are True, with a "-" before them False."""
    conditions = [
        {
            "type": mark.removeprefix("-"),
            "status": "False" if mark.startswith("-") else "True",
            "observedGeneration": 1,
            "lastTransitionTime": NOW,
        }
        for mark in marks
    ]
    told = {"observedGeneration": 1, "phase": phase, "message": "…", "stages": [{"phase": phase}]}
    return {
        "kind": "Rollout",
        "metadata": {"name": "weather-1", "uid": "1", "generation": 1},
        "status": {**told, "conditions": conditions, **status},
    }


def read(*lives: dict[str, Any]) -> str:
    return "\n".join(find_breaches(Seen(version, "MODIFIED", live) for version, live in enumerate(lives, start=1)))


def test_a_status_that_obeys_the_contract_is_no_breach() -> None:
    preparing = a_rollout_with("Preparing", "-Ready", "Reconciling")
    assert read(preparing, a_rollout_with("Failed", "-Ready", "Stalled", finishedAt=NOW)) == ""


@pytest.mark.parametrize(
    ("live", "breach"),
    [
        (a_rollout_with("Preparing", "Reconciling"), "Ready is missing"),
        (a_rollout_with("Preparing", "-Ready", "Reconciling", "Stalled"), "both Reconciling and Stalled"),
        (a_rollout_with("Preparing", "Ready", "Reconciling"), "Ready and not at rest"),
        (a_rollout_with("Preparing", "-Ready"), "neither Reconciling nor Stalled says why"),
        (a_rollout_with("Preparing", "-Ready", "Reconciling", observedGeneration=2), "is ahead of generation 1"),
        (a_rollout_with("Preparing", "-Ready", "Reconciling", observedGeneration=0), "tells of generation 1, not of 0"),
        (a_rollout_with("Preparing", "-Ready", "-Reconciling"), "it is there only while it holds"),
        (a_rollout_with("Preparing", "-Ready", "Reconciling", message=""), "no message"),
        (a_rollout_with("Preparing", "-Ready", "Reconciling", finishedAt=NOW), "Preparing with finishedAt"),
        (a_rollout_with("Promoted", "-Ready", "Reconciling", finishedAt=NOW), "Promoted without Ready"),
        (a_rollout_with("Aborted", "-Ready", "Stalled", finishedAt=NOW), "Aborted is no progress and no fault"),
        (a_rollout_with("Analyzing", "-Ready", "Reconciling"), "no way leads from Pending to Analyzing"),
    ],
)
def test_a_status_that_breaks_the_contract_is_named(live: dict[str, Any], breach: str) -> None:
    assert breach in read(live)


def test_an_attempt_that_goes_on_after_its_end_is_named() -> None:
    failed = a_rollout_with("Failed", "-Ready", "Stalled", finishedAt=NOW)
    assert "it changed after it had ended as Failed" in read(failed, {**failed, "status": failed["status"] | {"x": 1}})


async def test_an_outage_is_noticed(world: World) -> None:
    world.users_may_be_hurt("that is what is looked for")
    await world.serve_first(a_model_deployment(version="1"))
    assert find_outages(world.history.seen()) == []

    await world.user.patch("Service", "weather", {"spec": {"selector": {"app": "something-else"}}})
    await world.until("the edit is seen", lambda: not world.serving_pods())

    assert "0 of 2 ready pods are behind the Service of weather" in find_outages(world.history.seen())[0]


async def test_a_write_after_everything_has_settled_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    resync = world.operator.resync

    def resync_and_write() -> None:
        resync()
        world.operator.writes.append(("apply", "Service", "weather"))

    monkeypatch.setattr(world.operator, "resync", resync_and_write)
    with pytest.raises(AssertionError, match="looking again wrote"):
        await check_stays(world)
    monkeypatch.undo()


async def test_another_end_is_noticed(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    before = take_end_state(world)
    assert find_differences(before, take_end_state(world)) == []

    await world.apply(a_model_deployment(version="1").with_replicas(3))
    await world.until_told("weather", "Healthy")

    differences = find_differences(before, take_end_state(world))
    assert any(line.startswith(".pods") for line in differences)
    assert any(".spec.replicas: 2 and 3" in line for line in differences)
