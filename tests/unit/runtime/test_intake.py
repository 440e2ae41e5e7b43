"""Which changes in the cluster wake a reconcile, and which are noise."""

from typing import Any

import pytest
from serin.core.facts import Key
from serin.runtime.cache import Cache
from serin.runtime.intake import Intake
from serin.runtime.workqueue import WorkQueue
from serin_testkit.clock import FakeClock

from .objects import make_live

WEATHER, OTHER = Key("ml", "weather"), Key("ml", "other")


class World:
    def __init__(self) -> None:
        clock = FakeClock()
        self.cache = Cache()
        self.queue = WorkQueue(clock, jitter=lambda: 0.0)
        self.intake = Intake(self.cache, self.queue, clock)

    def knows(self, live: dict[str, Any]) -> None:
        self.cache.store(live)

    async def sees(self, live: dict[str, Any], *, is_gone: bool = False) -> set[Key]:
        """The keys that an event of a watch wakes."""
        self.intake.take_in(live, is_gone=is_gone)
        woken = set()
        while self.queue.depth:
            key = await self.queue.take()
            self.queue.done(key)
            woken.add(key)
        return woken


@pytest.fixture
def world() -> World:
    return World()


def make_pod(version: int, *, ready: bool = False, waiting: str | None = None, **status: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    conditions = [{"type": "Ready", "status": str(ready), "lastProbeTime": str(version)}]
    container = {"name": "server", "ready": ready, "restartCount": 0, "state": state}
    return make_live(
        "Pod", version=version, status={"conditions": conditions, "containerStatuses": [container], **status}
    )


async def test_a_new_object_wakes_its_model_deployment(world: World) -> None:
    assert await world.sees(make_live("Deployment")) == {WEATHER}
    assert await world.sees(make_live("ModelDeployment")) == {WEATHER}
    assert await world.sees(make_live("Rollout", "hand", spec={"modelDeployment": "other"})) == {OTHER}


async def test_an_object_that_names_no_model_deployment_wakes_nobody(world: World) -> None:
    assert await world.sees(make_live("Pod", metadata={"labels": {}})) == set()


async def test_the_echo_of_our_own_write_wakes_nobody(world: World) -> None:
    world.knows(make_live("ModelDeployment", version=11, status={"phase": "Healthy"}))
    assert await world.sees(make_live("ModelDeployment", version=11, status={"phase": "Healthy"})) == set()


async def test_a_status_that_somebody_else_wrote_wakes(world: World) -> None:
    world.knows(make_live("ModelDeployment", version=10, status={"phase": "Healthy"}))
    assert await world.sees(make_live("ModelDeployment", version=11, status={"phase": "Nonsense"})) == {WEATHER}


@pytest.mark.parametrize("field", ["generation", "deletionTimestamp", "annotations", "labels"])
async def test_a_change_of_what_people_write_wakes(world: World, field: str) -> None:
    world.knows(make_live("Rollout", version=10, spec={"modelDeployment": "weather"}))
    changed = {field: {"a": "b"} if field in ("annotations", "labels") else "new"}
    after = make_live("Rollout", version=11, spec={"modelDeployment": "weather"}, metadata=changed)
    assert await world.sees(after) == {WEATHER}


@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "PodDisruptionBudget"])
async def test_what_an_autoscaler_or_a_budget_counts_wakes_nobody_and_a_change_of_it_does(
    world: World, kind: str
) -> None:
    world.knows(make_live(kind, version=10, spec={"maxReplicas": 3}, status={"currentReplicas": 1}))
    counted = make_live(kind, version=11, spec={"maxReplicas": 3}, status={"currentReplicas": 2})
    assert await world.sees(counted) == set()
    assert await world.sees(make_live(kind, version=12, spec={"maxReplicas": 9})) == {WEATHER}


async def test_what_kubectl_notes_for_itself_wakes_nobody(world: World) -> None:
    world.knows(make_live("ModelDeployment", version=10, metadata={"annotations": {"a": "b"}}))
    noted = {"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    after = make_live("ModelDeployment", version=11, metadata={"annotations": noted, "managedFields": [{}]})
    assert await world.sees(after) == set()


async def test_a_deployment_wakes_when_its_pods_get_ready_and_not_for_a_timestamp(world: World) -> None:
    def deployment(version: int, ready: int) -> dict[str, Any]:
        condition = {"type": "Available", "status": "True", "lastUpdateTime": str(version)}
        return make_live("Deployment", version=version, status={"readyReplicas": ready, "conditions": [condition]})

    world.knows(deployment(10, ready=1))
    assert await world.sees(deployment(11, ready=1)) == set()
    assert await world.sees(deployment(12, ready=2)) == {WEATHER}


async def test_a_pod_wakes_for_readiness_reason_and_deletion_only(world: World) -> None:
    world.knows(make_pod(10))
    assert await world.sees(make_pod(11, podIP="10.0.0.1", startTime="now")) == set()
    assert await world.sees(make_pod(12, waiting="ImagePullBackOff")) == {WEATHER}
    assert await world.sees(make_pod(13, ready=True)) == {WEATHER}
    leaving = make_pod(14, ready=True)
    leaving["metadata"]["deletionTimestamp"] = "now"
    assert await world.sees(leaving) == {WEATHER}


async def test_a_deletion_wakes_once(world: World) -> None:
    world.knows(make_live("Deployment", version=10))
    assert await world.sees(make_live("Deployment", version=11), is_gone=True) == {WEATHER}
    assert await world.sees(make_live("Deployment", version=11), is_gone=True) == set()


async def test_a_child_whose_label_is_changed_wakes_both_owners(world: World) -> None:
    world.knows(make_live("Deployment", version=10))
    moved = make_live("Deployment", version=11, metadata={"labels": {"serin.dev/model-deployment": "other"}})
    assert await world.sees(moved) == {WEATHER, OTHER}
