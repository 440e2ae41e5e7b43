"""The CPUs of a container are those of its quota."""

from __future__ import annotations

import pytest
from serin_server.cpu_limit import decide_cpus, observe_cpus


@pytest.mark.parametrize(
    ("quota", "expected"), [("max 100000\n", None), ("100000 100000", 1), ("250000 100000", 3), ("10000 100000", 1)]
)
def test_a_part_of_a_cpu_counts_as_one(quota: str, expected: int | None) -> None:
    assert decide_cpus(quota) == expected


def test_there_is_always_a_cpu() -> None:
    assert observe_cpus() >= 1
