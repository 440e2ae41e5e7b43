"""What several ModelDeployments share: who is woken for it, and what the executor takes for its own."""

from typing import Any

import pytest
from serin.core.facts import Key
from serin.core.plan import AnnotatePods, Apply, Plan
from serin.runtime.cache import Cache
from serin.runtime.executor import Executor
from serin.runtime.outcomes import Conflict
from serin.runtime.ports import ObjectRef, SharedPlan, SharedView
from serin.runtime.shared_data_plane import SharedReconciler

from .cluster import HeardEvents, MemoryCluster, SelectorTraffic, Tally
from .objects import OWNER, make_live

SHARED = Key("ml", "")
WEATHER, RAIN = Key("ml", "weather"), Key("ml", "rain")
LABELS = {"app.kubernetes.io/managed-by": "serin", "serin.dev/model-deployment": ""}


def a_shared(**data: str) -> dict[str, Any]:
    metadata = {"name": "serin-routers", "labels": LABELS, "ownerReferences": []}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


class PaperPlane:
    """Applies one object, whatever is there; `news` are a test's."""

    def __init__(self) -> None:
        self.views: list[SharedView] = []
        self.news: dict[str, object] = {}
        self.refusals: list[str | None] = []

    def plan_shared(self, view: SharedView) -> SharedPlan:
        self.views.append(view)
        return SharedPlan((Apply(a_shared(models=str(len(view.models)))),), 5.0, self.news)

    def tell_refusal(self, namespace: str, why: str | None) -> None:
        self.refusals.append(why)


class World:
    def __init__(self) -> None:
        self.cluster, self.cache, self.plane = MemoryCluster(), Cache(), PaperPlane()
        self.executor = Executor(self.cluster, self.cache, SelectorTraffic(), HeardEvents(), Tally())
        self.woken: list[Key] = []
        self.does: Any = None
        self.reconciler = SharedReconciler(self.cache, self.executor, self.plane, self._one, self.woken.append)

    async def _one(self, key: Key) -> float | None:
        if self.does:
            self.does()
        return None

    def has(self, kind: str, name: str, version: int = 10, **parts: Any) -> None:
        self.cache.store(self.cluster.put(make_live(kind, name, version, **parts)))

    def has_part(self, version: int = 10) -> None:
        labels = {**LABELS, "serin.dev/model-deployment": "weather", "serin.dev/component": "listener"}
        self.has("ConfigMap", "weather-listener", version, metadata={"labels": labels, "ownerReferences": [OWNER]})

    async def look(self, key: Key) -> list[Key]:
        """Who is woken by this reconcile."""
        self.woken.clear()
        await self.reconciler.reconcile(key)
        return list(self.woken)


@pytest.fixture
def world() -> World:
    world = World()
    world.has("ModelDeployment", "weather", spec={})
    return world


async def test_a_part_that_is_new_changed_or_gone_wakes_the_namespace_once(world: World) -> None:
    assert await world.look(WEATHER) == [], "it has no part"
    world.does = world.has_part
    assert await world.look(WEATHER) == [SHARED]
    world.does = None
    await world.look(SHARED)
    assert await world.look(WEATHER) == []

    world.has_part(version=20)
    assert await world.look(WEATHER) == [SHARED]
    await world.look(SHARED)
    world.cache.remove(make_live("ModelDeployment", "weather", 999))
    assert await world.look(WEATHER) == [SHARED]
    await world.look(SHARED)
    assert await world.look(WEATHER) == [], "its part waits for the garbage collector"
    assert [len(view.models) for view in world.plane.views] == [1, 1, 0]


async def test_a_reconcile_that_fails_after_its_part_was_written_wakes_the_namespace_all_the_same(
    world: World,
) -> None:
    def fail() -> None:
        world.has_part()
        raise Conflict("the cluster moved on")

    world.does = fail
    with pytest.raises(Conflict):
        await world.look(WEATHER)
    assert world.woken == [SHARED]


async def test_only_who_has_news_is_woken(world: World) -> None:
    world.plane.news = {"weather": 1, "rain": 1}
    assert await world.look(SHARED) == [RAIN, WEATHER]
    assert await world.look(SHARED) == []
    world.plane.news = {"weather": 2, "rain": 1}
    assert await world.look(SHARED) == [WEATHER]
    world.plane.news = {"weather": 2}
    assert await world.look(SHARED) == [RAIN], "it has left"


async def test_when_to_look_again_is_the_plans_to_say(world: World) -> None:
    assert await world.reconciler.reconcile(SHARED) == 5.0


async def test_a_refusal_is_kept_for_the_models_until_it_is_over_and_they_are_woken(world: World) -> None:
    world.has_part()
    foreign = {**a_shared(mine="1"), "metadata": {**a_shared()["metadata"], "namespace": "ml", "labels": {}}}
    world.cluster.put({**foreign, "metadata": {**foreign["metadata"], "uid": "u", "resourceVersion": "5"}})
    assert await world.look(SHARED) == [WEATHER]
    assert "ConfigMap serin-routers exists and is not made by Serin" in str(world.plane.refusals[-1])

    world.cluster.objects.pop(ObjectRef("ConfigMap", "ml", "serin-routers"))
    assert await world.look(SHARED) == [WEATHER]
    assert world.plane.refusals[-1] is None


async def test_what_several_share_is_applied_without_a_controller_and_again_only_when_it_changes(world: World) -> None:
    async def writes(manifest: dict[str, Any]) -> int:
        before = len(world.cluster.writes)
        await world.executor.execute(Plan(SHARED, (Apply(manifest),)))
        return len(world.cluster.writes) - before

    assert [await writes(a_shared(a="1")), await writes(a_shared(a="1")), await writes(a_shared(a="2"))] == [1, 0, 1]


async def test_shared_files_are_only_made_of_their_last_version(world: World) -> None:
    await world.executor.execute(Plan(SHARED, (Apply(a_shared(a="1")),)))
    ref = ObjectRef("ConfigMap", "ml", "serin-routers")
    live = world.cluster.objects[ref]
    world.cluster.put({**live, "data": {"a": "2"}})  # another operator, of which no watch has told yet
    with pytest.raises(Conflict):
        await world.executor.execute(Plan(SHARED, (Apply(a_shared(a="3")),)))
    assert (world.cache.get(ref) or {})["data"] == {"a": "2"}


async def test_a_model_may_remind_the_pods_that_it_shares(world: World) -> None:
    labels = {"serin.dev/model-deployment": "", "serin.dev/component": "router"}
    world.has("Pod", "serin-routers-1", metadata={"labels": labels})
    await world.executor.execute(Plan(WEATHER, (AnnotatePods(labels, {"serin.dev/router-nudge": "weather 1"}),)))

    assert world.cluster.writes[-1] == ("annotate", "Pod", "serin-routers-1")


def test_the_sweep_looks_at_what_is_shared_too(world: World) -> None:
    world.has("ConfigMap", "serin-routers", metadata={"labels": LABELS})

    assert list(world.cache.shared()) == [SHARED]
    assert list(world.cache.model_deployments()) == [WEATHER]
