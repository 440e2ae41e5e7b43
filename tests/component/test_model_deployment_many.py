"""Many at once: each gets there, and none waits for the others."""

import asyncio
from typing import Any

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.world import World

pytestmark = pytest.mark.component

NAMES = [f"model-{number}" for number in range(20)]


def read(world: World, name: str, field: str) -> Any:
    return (world.history.get("ModelDeployment", name) or {}).get("status", {}).get(field)


async def test_twenty_versions_changed_at_once_all_finish(world: World) -> None:
    await asyncio.gather(*(world.apply(a_model_deployment("1", name).with_replicas(1)) for name in NAMES))
    await world.until("all serve", lambda: {read(world, name, "phase") for name in NAMES} == {"Healthy"})

    await asyncio.gather(*(world.apply(a_model_deployment("2", name).with_replicas(1)) for name in NAMES))
    await world.until("all are compared", lambda: {world.phase(f"{name}-2") for name in NAMES} == {"Analyzing"})
    for _ in range(5):
        await world.pass_interval()

    assert {world.phase(f"{name}-2") for name in NAMES} == {"Promoted"}
    assert {read(world, name, "stable")["version"] for name in NAMES} == {"2"}
