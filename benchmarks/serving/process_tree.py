"""CPU time and memory of a process and all that it has started, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    cpu_seconds: float
    memory_bytes: int
    """Proportional set size: pages that processes share are counted once."""


def find_tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # It has ended meanwhile.
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    tree = [root]
    for process in tree:
        tree += children.get(process, [])
    return tree


def read_usage(root: int) -> Usage:
    cpu_ticks = memory_kib = 0
    for process in find_tree(root):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        cpu_ticks += int(fields[11]) + int(fields[12])
        memory_kib += next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return Usage(cpu_ticks / os.sysconf("SC_CLK_TCK"), memory_kib * 1024)
