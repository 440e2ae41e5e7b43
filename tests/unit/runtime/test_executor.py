"""What a plan does to the cluster, and what it leaves alone."""

from typing import Any

import pytest
from serin.core.facts import Key, Route, Track
from serin.core.plan import (
    Action,
    AnnotatePods,
    Apply,
    CreateRollout,
    Delete,
    Emit,
    Plan,
    SetTraffic,
    TrafficIntent,
    WriteStatus,
)
from serin.runtime.cache import Cache
from serin.runtime.executor import Executor
from serin.runtime.outcomes import Conflict, Invalid, NameTaken, Unreachable
from serin.runtime.ports import ObjectRef

from .cluster import HeardEvents, MemoryCluster, SelectorTraffic, Tally
from .objects import OWNER, make_live, make_manifest

KEY = Key("ml", "weather")
DEPLOYMENT = ObjectRef("Deployment", "ml", "weather-1")


class World:
    """An executor with everything around it in memory."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster()
        self.cache = Cache()
        self.events = HeardEvents()
        self.tally = Tally()
        self.executor = self.restart()

    def restart(self) -> Executor:
        self.traffic = SelectorTraffic()
        self.executor = Executor(self.cluster, self.cache, self.traffic, self.events, self.tally)
        return self.executor

    def has(self, live: dict[str, Any]) -> dict[str, Any]:
        """An object that is there and has been seen."""
        stored = self.cluster.put(live)
        self.cache.store(stored)
        return stored

    async def execute(self, *actions: Action) -> list[tuple[str, str, str]]:
        """The writes that these actions cost."""
        before = len(self.cluster.writes)
        await self.executor.execute(Plan(KEY, actions))
        return self.cluster.writes[before:]

    def edit(self, ref: ObjectRef, **parts: Any) -> None:
        """Another hand changes the object, and the watch tells."""
        self.has({**self.cluster.objects[ref], **parts})


@pytest.fixture
def world() -> World:
    return World()


async def test_a_child_that_is_missing_is_applied_and_the_cache_has_it_at_once(world: World) -> None:
    assert await world.execute(Apply(make_manifest())) == [("apply", "Deployment", "weather-1")]
    assert world.cache.get(DEPLOYMENT) is not None
    assert world.tally.writes == [("Deployment", "apply")]


async def test_what_is_already_so_is_not_written_again(world: World) -> None:
    await world.execute(Apply(make_manifest()))
    assert await world.execute(Apply(make_manifest())) == []


async def test_what_is_already_so_is_not_written_again_after_a_restart(world: World) -> None:
    await world.execute(Apply(make_manifest()))
    world.restart()
    assert await world.execute(Apply(make_manifest())) == []


async def test_a_changed_manifest_is_applied(world: World) -> None:
    await world.execute(Apply(make_manifest(replicas=2)))
    assert await world.execute(Apply(make_manifest(replicas=3))) != []


async def test_a_manifest_that_only_lost_a_field_is_applied(world: World) -> None:
    await world.execute(Apply(make_manifest(replicas=2, paused=True)))
    assert await world.execute(Apply(make_manifest(replicas=2))) != []


async def test_a_field_changed_by_another_hand_is_repaired_once(world: World) -> None:
    await world.execute(Apply(make_manifest(replicas=2)))
    world.edit(DEPLOYMENT, spec={"replicas": 7})
    assert await world.execute(Apply(make_manifest(replicas=2))) != []
    assert await world.execute(Apply(make_manifest(replicas=2))) == []
    assert world.cluster.objects[DEPLOYMENT]["spec"]["replicas"] == 2


async def test_a_field_that_the_manifest_does_not_name_belongs_to_others(world: World) -> None:
    await world.execute(Apply(make_manifest(replicas=2)))
    world.edit(DEPLOYMENT, spec={"replicas": 2, "progressDeadlineSeconds": 600})
    assert await world.execute(Apply(make_manifest(replicas=2))) == []


async def test_a_value_that_the_server_spells_its_own_way_is_applied_once_and_not_for_ever(world: World) -> None:
    world.cluster.spelling = {"Recreate": "recreate"}
    await world.execute(Apply(make_manifest(strategy="Recreate")))
    assert await world.execute(Apply(make_manifest(strategy="Recreate"))) == []

    world.restart()
    assert len(await world.execute(Apply(make_manifest(strategy="Recreate")))) == 1
    assert await world.execute(Apply(make_manifest(strategy="Recreate"))) == []


async def test_an_edit_beside_a_value_with_the_servers_spelling_is_still_repaired(world: World) -> None:
    world.cluster.spelling = {"Recreate": "recreate"}
    await world.execute(Apply(make_manifest(strategy="Recreate", replicas=2)))
    world.edit(DEPLOYMENT, spec={"strategy": "recreate", "replicas": 7})
    assert await world.execute(Apply(make_manifest(strategy="Recreate", replicas=2))) != []


async def test_an_object_of_somebody_else_is_never_taken_over(world: World) -> None:
    world.cluster.put(make_live("Deployment", "weather-1", metadata={"labels": {}}))
    with pytest.raises(NameTaken, match=r"not made by Serin.*serin\.dev/adopt=true") as taken:
        await world.execute(Apply(make_manifest()))
    assert (taken.value.kind, taken.value.name) == ("Deployment", "weather-1")
    assert world.cluster.writes == []


async def test_an_object_under_another_controller_tells_which(world: World) -> None:
    other = {"kind": "Application", "name": "shop", "uid": "7", "controller": True}
    world.has(make_live("Deployment", "weather-1", metadata={"ownerReferences": [other]}))
    with pytest.raises(NameTaken, match="controlled by Application shop"):
        await world.execute(Apply(make_manifest()))


async def test_an_object_that_asks_to_be_adopted_is_applied(world: World) -> None:
    adopt = {"annotations": {"serin.dev/adopt": "true"}}
    world.cluster.put(make_live("Deployment", "weather-1", metadata=adopt))
    assert await world.execute(Apply(make_manifest())) != []


async def test_what_a_deleted_model_deployment_of_that_name_left_is_waited_for(world: World) -> None:
    former = {**OWNER, "uid": "of-former"}
    world.has(make_live("Deployment", "weather-1", metadata={"ownerReferences": [former]}))
    with pytest.raises(Conflict, match="left of a deleted ModelDeployment"):
        await world.execute(Apply(make_manifest()))


async def test_an_object_that_is_being_deleted_is_waited_for(world: World) -> None:
    leaving = {"ownerReferences": [OWNER], "deletionTimestamp": "2026-01-01T00:00:00Z"}
    world.has(make_live("Deployment", "weather-1", metadata=leaving))
    with pytest.raises(Conflict, match="is being deleted"):
        await world.execute(Apply(make_manifest()))


async def test_a_rollout_made_by_hand_is_tied_to_its_model_deployment(world: World) -> None:
    world.has(make_live("Rollout", "retry", spec={"modelDeployment": "weather"}, metadata={"labels": {}}))
    tie = make_manifest("Rollout", "retry")
    del tie["spec"]
    assert await world.execute(Apply(tie)) == [("apply", "Rollout", "retry")]


async def test_could_not_look_is_never_taken_for_not_there(world: World) -> None:
    world.cluster.failures["get"] = Unreachable("timed out")
    with pytest.raises(Unreachable, match="timed out"):
        await world.execute(Apply(make_manifest()))
    assert world.cluster.writes == []


async def test_a_known_object_is_applied_with_its_uid_so_that_a_namesake_is_safe(world: World) -> None:
    await world.execute(Apply(make_manifest(replicas=2)))
    sent: list[Any] = []
    apply = world.cluster.apply

    async def spy(manifest: Any) -> Any:
        sent.append(manifest["metadata"].get("uid"))
        return await apply(manifest)

    world.cluster.apply = spy  # type: ignore[method-assign]
    await world.execute(Apply(make_manifest(replicas=3)))
    assert sent == ["uid-of-weather-1"]


async def test_a_refusal_names_the_object(world: World) -> None:
    world.cluster.failures["apply"] = Invalid("spec.replicas: must not be negative")
    with pytest.raises(Invalid, match="must not be negative") as refused:
        await world.execute(Apply(make_manifest()))
    assert (refused.value.kind, refused.value.name) == ("Deployment", "weather-1")


async def test_a_rollout_that_exists_already_is_a_conflict_and_is_seen_afterwards(world: World) -> None:
    rollout = make_live("Rollout", "weather-1", spec={"modelDeployment": "weather"})
    world.cluster.put(rollout)
    with pytest.raises(Conflict, match="already exists"):
        await world.execute(CreateRollout(make_manifest("Rollout", "weather-1")))
    assert world.cache.get(ObjectRef("Rollout", "ml", "weather-1")) is not None


async def test_delete_removes_the_object_that_was_seen_and_costs_nothing_when_it_is_gone(world: World) -> None:
    world.has(make_live("Deployment", "weather-1"))
    assert await world.execute(Delete("Deployment", "weather-1")) == [("delete", "Deployment", "weather-1")]
    assert await world.execute(Delete("Deployment", "weather-1")) == []


async def test_traffic_is_what_the_provider_renders(world: World) -> None:
    service = make_manifest("Service", "weather", ports=[{"port": 80}])
    intent = TrafficIntent(service, {Route("weather-1", Track.PRIMARY): 100.0})
    assert await world.execute(SetTraffic(intent)) == [("apply", "Service", "weather")]
    stored = world.cluster.objects[ObjectRef("Service", "ml", "weather")]
    assert stored["spec"]["selector"] == {"routes": "weather-1"}


def split() -> SetTraffic:
    service = make_manifest("Service", "weather", ports=[{"port": 80}])
    return SetTraffic(TrafficIntent(service, {Route("weather-1", Track.PRIMARY): 100.0}))


async def test_what_a_provider_no_longer_renders_is_removed_after_the_rest(world: World) -> None:
    of_traffic = {"serin.dev/component": "traffic"}
    kept = make_manifest("Service", "weather-1")
    kept["metadata"]["labels"] |= of_traffic
    world.traffic.more = [Apply(kept)]
    left = make_live("Deployment", "weather-router")
    left["metadata"] |= {"ownerReferences": [OWNER], "labels": {**left["metadata"]["labels"], **of_traffic}}
    world.has(left)
    world.has(make_live("Deployment", "weather-1"))

    assert await world.execute(split()) == [
        ("apply", "Service", "weather-1"),
        ("apply", "Service", "weather"),
        ("delete", "Deployment", "weather-router"),
    ]


async def test_what_a_removed_data_plane_lives_on_stays_until_its_last_pod_is_gone(world: World) -> None:
    for kind, name in (("Deployment", "weather-router"), ("ConfigMap", "weather-router"), ("Service", "weather-1")):
        left = make_live(kind, name)
        labels = {**left["metadata"]["labels"], "serin.dev/component": "traffic"}
        left["metadata"] |= {"ownerReferences": [OWNER], "labels": labels}
        world.has(left)
    router = make_live("Pod", "weather-router-x")
    router["metadata"]["labels"]["serin.dev/component"] = "router"
    router = world.has(router)

    await world.execute(split())
    deleted = [write for write in world.cluster.writes if write[0] == "delete"]
    assert deleted == [("delete", "Deployment", "weather-router")]
    world.cache.remove(router)
    assert await world.execute(split()) == [
        ("delete", "Service", "weather-1"),
        ("delete", "ConfigMap", "weather-router"),
    ]


async def test_pods_are_annotated_once_and_only_those_that_are_meant(world: World) -> None:
    router = make_live("Pod", "weather-router-x")
    router["metadata"]["labels"]["serin.dev/component"] = "router"
    world.has(router)
    world.has(make_live("Pod", "weather-1-x"))
    world.traffic.more = [AnnotatePods({"serin.dev/component": "router"}, {"serin.dev/router-config": "abc"})]

    assert ("annotate", "Pod", "weather-router-x") in await world.execute(split())
    assert await world.execute(split()) == []


async def test_a_pod_that_is_gone_is_not_missed(world: World) -> None:
    router = make_live("Pod", "weather-router-x")
    world.has(router)
    world.cluster.objects.clear()
    world.traffic.more = [AnnotatePods({}, {"serin.dev/router-config": "abc"})]

    assert ("apply", "Service", "weather") in await world.execute(split())


def write_status(version: str, **status: Any) -> WriteStatus:
    return WriteStatus("ModelDeployment", "weather", version, status)


async def test_status_is_written_when_it_differs_and_only_then(world: World) -> None:
    live = world.has(make_live("ModelDeployment", status={"phase": "Pending"}))
    version = live["metadata"]["resourceVersion"]
    assert await world.execute(write_status(version, phase="Pending", conditions=[], message=None)) == []
    assert await world.execute(write_status(version, phase="Healthy")) == [("status", "ModelDeployment", "weather")]


async def test_a_status_decided_on_an_older_object_is_a_conflict_and_the_cache_catches_up(world: World) -> None:
    decided_on = world.has(make_live("ModelDeployment", status={"phase": "Pending"}))["metadata"]["resourceVersion"]
    newer = world.cluster.put(make_live("ModelDeployment", status={"phase": "Paused"}))
    with pytest.raises(Conflict):
        await world.execute(write_status(decided_on, phase="Healthy"))
    assert world.cache.get(ObjectRef("ModelDeployment", "ml", "weather")) == newer


async def test_the_first_failure_ends_the_plan_so_nothing_is_told_that_did_not_happen(world: World) -> None:
    live = world.has(make_live("ModelDeployment"))
    world.cluster.failures["apply"] = Unreachable("gone")
    with pytest.raises(Unreachable):
        await world.execute(
            Apply(make_manifest()),
            write_status(live["metadata"]["resourceVersion"], phase="Healthy"),
            Emit("ModelDeployment", "weather", "Normal", "Promoted", "Done."),
        )
    assert [verb for verb, _, _ in world.cluster.writes] == ["apply"]
    assert world.events.heard == []


async def test_events_are_told_of_the_object_that_they_are_about(world: World) -> None:
    world.has(make_live("ModelDeployment"))
    await world.execute(Emit("ModelDeployment", "weather", "Normal", "Promoted", "Done."))
    assert world.events.heard == ["ModelDeployment/weather Promoted"]
