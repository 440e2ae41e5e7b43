"""The CPUs of a container are those of its quota."""

from __future__ import annotations

import pytest
from serin_server.cpu_limit import decide_cpus, decide_workers, observe_cpus, observe_workers


@pytest.mark.parametrize(
    ("quota", "expected"), [("max 100000\n", None), ("100000 100000", 1), ("250000 100000", 3), ("10000 100000", 1)]
)
def test_a_part_of_a_cpu_counts_as_one(quota: str, expected: int | None) -> None:
    assert decide_cpus(quota) == expected


@pytest.mark.parametrize(
    ("quota", "expected"), [("max 100000\n", 1), ("400000 100000", 4), ("250000 100000", 2), ("10000 100000", 1)]
)
def test_there_are_as_many_workers_as_whole_cpus_and_one_without_a_limit(quota: str, expected: int) -> None:
    assert decide_workers(quota) == expected
    assert observe_workers() >= 1


def test_there_is_always_a_cpu() -> None:
    assert observe_cpus() >= 1
