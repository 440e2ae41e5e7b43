"""Simulates rollouts, lets Serin's engine and the methods of others judge them, and writes docs/verdict-measured.md.

It goes on where it was stopped; the main table comes first and is written as soon as it is there.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import multiprocessing
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from verdict.cells import CHUNK_RUNS, Cell, Group, fingerprint, simulate_to_files, summarize
from verdict.report import write_report
from verdict.scenarios import (
    AT_MARGIN,
    BROKEN,
    CANARIES,
    EQUAL,
    EXTRA,
    LIMITS,
    PLUS_1,
    PLUS_5,
    ROBUSTNESS,
    SCENARIOS,
    SEED,
    USUAL,
    Canary,
    Scenario,
)

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.json")
ENGINE = ("operator/serin/core/evidence", "operator/serin/core/rollout/ramp.py")
EXPECTED_CPU_SECONDS = {Group.PEERS: 0.1, Group.SERIN: 1.5, Group.RAMP: 1.5, Group.NO_HISTORY: 1.5}  # of a chunk
FIXED_SHARE = (Group.PEERS, Group.SERIN, Group.NO_HISTORY)
# Requests that are independent given the rates: what the ramp is simulated for.
RAMPED = tuple(SCENARIOS[name] for name in ("incident", "low", "high", "warmup"))


def _cells(scenarios: Iterable[Scenario], canaries: Iterable[Canary], groups: Iterable[Group]) -> list[Cell]:
    return [Cell(*of) for of in itertools.product(scenarios, canaries, groups)]


TABLES: dict[str, list[Cell]] = {
    "main": _cells(USUAL[:1], CANARIES, Group),
    "services": _cells(USUAL[1:], CANARIES, Group),
    "robustness": [
        *_cells(ROBUSTNESS, (EQUAL, AT_MARGIN), FIXED_SHARE[:2]),
        *_cells(ROBUSTNESS, (PLUS_5, BROKEN), FIXED_SHARE[1:2]),
        *_cells(ROBUSTNESS, (EQUAL, AT_MARGIN), FIXED_SHARE[2:]),
        *_cells(RAMPED, (EQUAL, AT_MARGIN), (Group.RAMP,)),
    ],
    "extra": [
        *_cells(EXTRA, (EQUAL, AT_MARGIN), FIXED_SHARE[:2]),
        *_cells(LIMITS, (PLUS_1,), FIXED_SHARE[1:]),
        *_cells(EXTRA, (EQUAL, AT_MARGIN), FIXED_SHARE[2:]),
    ],
}


Work = tuple[list[tuple[Cell, Path]], int]


def say(text: str) -> None:
    print(f"[bench] {text}", flush=True)


def read_results() -> dict[str, Any]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def write_results(results: dict[str, Any]) -> None:
    """A cell a line, so that a diff shows which changed."""
    lines = [f"{json.dumps(key)}: {json.dumps(results[key], sort_keys=True)}" for key in sorted(results)]
    RESULTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def measure(cells: list[Cell], runs: int, store: Path, processes: int) -> None:
    """Fills results.json; an interruption loses the chunks being worked at, no more."""
    results = read_results()
    files: dict[Cell, list[Path]] = {}
    for cell in cells:
        known, mark = results.get(cell.key, {}), fingerprint(cell)
        if known.get("fingerprint") != mark or known.get("runs", 0) < runs:
            name = f"{cell.key.replace('/', '-')}-{mark}"
            files[cell] = [store / f"{name}-{chunk}.npz" for chunk in range(-(-runs // CHUNK_RUNS))]
    missing = [(cell, chunk) for cell in files for chunk, file in enumerate(files[cell]) if not file.exists()]
    say(f"{len(cells) - len(files)} of {len(cells)} cells are known, {len(missing)} chunks of {CHUNK_RUNS} runs to do")
    for cell in files.keys() - {cell for cell, _ in missing}:
        finish(results, cell, files[cell])
    began, number = time.monotonic(), 0
    ahead, behind = sum(EXPECTED_CPU_SECONDS[cell.group] for cell, _ in missing), 0.0
    with multiprocessing.Pool(processes) as pool:
        for finished in pool.imap_unordered(_work, _plan_work(missing, files)):
            for cell, cpu_seconds in finished:
                number += 1
                behind += EXPECTED_CPU_SECONDS[cell.group]
                left = (time.monotonic() - began) * (ahead / behind - 1)
                say(f"{number}/{len(missing)} {cell.title}: {cpu_seconds:.1f} s of CPU; about {left / 60:.0f} min left")
                if all(file.exists() for file in files[cell]):
                    finish(results, cell, files[cell])


def _plan_work(missing: list[tuple[Cell, int]], files: dict[Cell, list[Path]]) -> list[Work]:
    """Cells of one scenario that share their history together, chunk by chunk."""
    plan: dict[tuple[str, Group, int], list[tuple[Cell, Path]]] = {}
    for cell, chunk in missing:
        plan.setdefault((cell.scenario.name, cell.group, chunk), []).append((cell, files[cell][chunk]))
    return [(work, chunk) for (_, _, chunk), work in plan.items()]


def _work(work: Work) -> list[tuple[Cell, float]]:
    return simulate_to_files(*work)


def finish(results: dict[str, Any], cell: Cell, files: list[Path]) -> None:
    results[cell.key] = {"fingerprint": fingerprint(cell), "runs": len(files) * CHUNK_RUNS, "methods": summarize(files)}
    results["measured"] = find_facts()
    write_results(results)


def find_facts() -> dict[str, object]:
    """When, where and of what; the newest cell's."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    # The last commit that could change a result, not the one in the working copy.
    log = ["git", "log", "-1", "--format=%h", "--abbrev=10", "--", *ENGINE]
    commit = subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit.stdout.strip() or "unknown",
        "cpus": os.cpu_count(),
        "cpu": model[1] if model else platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "seed": SEED,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="verdict")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES), help="(default: all)")
    parser.add_argument("--runs", type=int, default=2000, help="of each cell (default: 2000)")
    parser.add_argument("--processes", type=int, default=2, help="(default: 2)")
    parser.add_argument("--again", action="store_true", help="forget what was simulated before")
    arguments = parser.parse_args()
    store = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "serin/benchmarks/verdict"
    store.mkdir(parents=True, exist_ok=True)
    if arguments.again:
        for file in (*store.glob("*.npz"), RESULTS):
            file.unlink(missing_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("[bench] stopped; the next run goes on from here"))
    for table in arguments.tables:
        say(f"table {table}")
        measure(TABLES[table], arguments.runs, store, arguments.processes)
        write_report(read_results(), ROOT / "docs")


if __name__ == "__main__":
    main()
