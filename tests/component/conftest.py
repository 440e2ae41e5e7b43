"""Fixtures of the component rung, and the oracles that look over every test's shoulder."""

from collections.abc import AsyncIterator

import pytest
from serin_testkit.control_plane import (
    ControlPlane,
    control_plane,  # noqa: F401 (pytest finds the fixture by its name)
)
from serin_testkit.world import World


@pytest.fixture
async def world(control_plane: ControlPlane) -> AsyncIterator[World]:  # noqa: F811 (the fixture)
    """A namespace of its own with the operator running."""
    async with World.begin(control_plane) as world:
        yield world
