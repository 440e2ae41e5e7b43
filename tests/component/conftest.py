"""Fixtures of the component rung, and the oracles that look over every test's shoulder."""

from collections.abc import AsyncIterator

import pytest
from serin_testkit.control_plane import (
    ControlPlane,
    control_plane,  # noqa: F401 (pytest finds the fixture by its name)
)
from serin_testkit.oracles import check_stays, find_outages
from serin_testkit.status_contract import find_breaches
from serin_testkit.world import World


@pytest.fixture
async def world(control_plane: ControlPlane) -> AsyncIterator[World]:  # noqa: F811 (the fixture)
    """A namespace of its own with the operator running."""
    async with World.begin(control_plane) as world:
        yield world
        await watch_over(world)


@pytest.fixture
async def another_world(control_plane: ControlPlane) -> AsyncIterator[World]:  # noqa: F811 (the fixture)
    """A second namespace, to compare a disturbed story with an undisturbed one."""
    async with World.begin(control_plane) as world:
        yield world
        await watch_over(world)


async def watch_over(world: World) -> None:
    """The oracles that hold at the end of every story."""
    if world.operator.is_running:
        await check_stays(world)
    seen = world.history.seen()
    breaches = find_breaches(seen)
    assert not breaches, "\n".join(["the status contract was broken:", *breaches])
    outages = [] if world.outage_excuse else find_outages(seen)
    assert not outages, "\n".join(["users were not served:", *outages])
