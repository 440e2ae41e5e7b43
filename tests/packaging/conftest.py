"""Fixtures of the packaging rung: what is checked here needs programs from the package index, and no cluster."""

from pathlib import Path

import pytest
from serin_testkit.helm import CASES, MAJORS, Helm


@pytest.fixture(params=MAJORS, ids=lambda major: f"helm {major}")
def helm(request: pytest.FixtureRequest) -> Helm:
    return Helm(request.param)


@pytest.fixture(scope="session")
def newest_helm() -> Helm:
    return Helm(MAJORS[-1])


@pytest.fixture(params=CASES, ids=lambda path: path.name.removesuffix("-values.yaml"))
def case(request: pytest.FixtureRequest) -> Path:
    """A file of values of charts/serin/ci."""
    path: Path = request.param
    return path
