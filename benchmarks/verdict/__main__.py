"""Simulates rollouts, lets Serin's engine and the methods of others judge them, and writes docs/verdict-measured.md.

It goes on where it was stopped; the main table comes first and is written as soon as it is there.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from verdict.cells import CHUNK_RUNS, Cell, Group, fingerprint, simulate_to_file, summarize
from verdict.report import write_report
from verdict.scenarios import AT_MARGIN, CANARIES, EQUAL, EXTRA, PLUS_1, PLUS_5, ROBUSTNESS, SEED, USUAL

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.json")
TABLES: dict[str, list[Cell]] = {
    "main": [Cell(USUAL[0], canary, group) for canary in CANARIES for group in Group],
    "services": [
        Cell(scenario, canary, group)
        for scenario in USUAL[1:]
        for canary in CANARIES
        if not (scenario.margin == PLUS_1.extra and canary is PLUS_1)  # The same as AT_MARGIN.
        for group in Group
    ],
    "robustness": [
        Cell(scenario, canary, group)
        for canary in (EQUAL, AT_MARGIN, PLUS_5)
        for scenario in ROBUSTNESS
        for group in Group
    ],
    "extra": [Cell(scenario, canary, group) for canary in (EQUAL, AT_MARGIN) for scenario in EXTRA for group in Group],
}


def say(text: str) -> None:
    print(f"[bench] {text}", flush=True)


def read_results() -> dict[str, Any]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def write_results(results: dict[str, Any]) -> None:
    """A cell a line, so that a diff shows which changed."""
    lines = [f"{json.dumps(key)}: {json.dumps(results[key], sort_keys=True)}" for key in sorted(results)]
    RESULTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def measure(cells: list[Cell], runs: int, store: Path, pool: ProcessPoolExecutor) -> None:
    """Fills results.json; an interruption loses the chunks being worked at, no more."""
    results = read_results()
    files: dict[Cell, list[Path]] = {}
    marks = {cell: fingerprint(cell) for cell in cells}
    for cell in cells:
        known = results.get(cell.key, {})
        if known.get("fingerprint") != marks[cell] or known.get("runs", 0) < runs:
            name = f"{cell.key.replace('/', '-')}-{marks[cell]}"
            files[cell] = [store / f"{name}-{chunk}.npz" for chunk in range(-(-runs // CHUNK_RUNS))]
    missing = [(cell, chunk) for cell in files for chunk, file in enumerate(files[cell]) if not file.exists()]
    waiting = {cell: sum(found is cell for found, _ in missing) for cell in files}
    futures = {pool.submit(simulate_to_file, cell, chunk, files[cell][chunk]): cell for cell, chunk in missing}
    say(f"{len(cells) - len(files)} of {len(cells)} cells known, {len(missing)} chunks of {CHUNK_RUNS} runs to do")
    for cell in [cell for cell in files if not waiting[cell]]:
        _finish(results, cell, files[cell], marks[cell])
    began = time.monotonic()
    for number, future in enumerate(as_completed(futures), 1):
        cell = futures[future]
        cpu_seconds = future.result()
        waiting[cell] -= 1
        left = (time.monotonic() - began) / number * (len(missing) - number)
        say(f"{number}/{len(missing)} {cell.title}: {cpu_seconds:.1f} s of CPU; about {left / 60:.0f} min left")
        if not waiting[cell]:
            _finish(results, cell, files[cell], marks[cell])


def _finish(results: dict[str, Any], cell: Cell, files: list[Path], mark: str) -> None:
    results[cell.key] = {"fingerprint": mark, "runs": len(files) * CHUNK_RUNS, "methods": summarize(files)}
    results["measured"] = find_facts()
    write_results(results)


def find_facts() -> dict[str, object]:
    """When, where and of what; the newest cell's."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True)
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
    with ProcessPoolExecutor(arguments.processes) as pool:
        for table in arguments.tables:
            say(f"table {table}")
            measure(TABLES[table], arguments.runs, store, pool)
            write_report(read_results(), ROOT / "docs")


if __name__ == "__main__":
    main()
