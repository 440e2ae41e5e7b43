"""How many CPUs this process may use: a container's quota is not seen by `os.cpu_count()`."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def observe_cpus() -> int:
    cpus = len(os.sched_getaffinity(0))
    try:
        quota = _CGROUP_QUOTA.read_text()
    except OSError:
        return cpus
    return min(cpus, decide_cpus(quota) or cpus)


def observe_workers() -> int:
    """As many as whole CPUs are allowed; one without a limit, because each holds the model in memory."""
    try:
        quota = _CGROUP_QUOTA.read_text()
    except OSError:
        return 1
    return decide_workers(quota)


def decide_workers(quota: str) -> int:
    allowed, _, period = quota.strip().partition(" ")
    return 1 if allowed == "max" else max(1, int(allowed) // int(period))


def decide_cpus(quota: str) -> int | None:
    """From the kernel's `<quota> <period>` in microseconds; None for `max`."""
    allowed, _, period = quota.strip().partition(" ")
    return None if allowed == "max" else max(1, math.ceil(int(allowed) / int(period)))
