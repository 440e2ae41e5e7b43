"""Measures every server with every model and writes docs/benchmarks.md with its plot; goes on where it was stopped."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import grpc_load
import load as http_load
from process_tree import read_usage
from report import Results, describe_machine, find_servers, render_page, write_plot
from servers import HERE, ROOT, Server, running
from workloads import WORKLOADS, Workload, make_workload

PEERS = ("fastapi", "mlserver", "kserve", "bentoml")


def say(text: str) -> None:
    print(f"[bench] {text}", flush=True)


def measure(server: Server, workload: Workload, models: Path, seconds: int) -> dict[str, float]:
    model, body = make_workload(workload, models)
    load = grpc_load if workload.is_grpc else http_load
    with (
        tempfile.TemporaryDirectory() as folder,
        running(server, model, workload.protocol, body.read_bytes(), Path(folder)) as started,
    ):
        port, process = started.port, started.process_id
        load.saturate(port, body, workload.connections, 1)  # Caches, lazy imports, the first collections.
        before = read_usage(process)
        saturation = load.saturate(port, body, workload.connections, seconds)
        after = read_usage(process)
        # While others want the CPUs too, the time of an answer tells of them and not of the server.
        is_busy = os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
        rate = workload.requests_per_second
        latency = None if is_busy else load.measure_latency(port, body.read_bytes(), rate, seconds)
    return {
        "cpu_seconds_per_request": (after.cpu_seconds - before.cpu_seconds) / saturation.requests,
        "requests_per_second": saturation.requests_per_second,
        "memory_bytes": after.memory_bytes,
        "start_seconds": started.start_seconds,
        **(asdict(latency) if latency is not None else {}),
    }


def measure_all(store: Path, seconds: int) -> Results:
    """One file for each result, so that a run that was stopped loses only the one it was at."""
    results: dict[tuple[str, str], dict[str, float]] = {}
    pairs = [(workload, server) for workload in WORKLOADS for server in find_servers(workload)]
    for number, (workload, server) in enumerate(pairs, 1):
        file = store / f"{workload.name}-{server.name}.json"
        if not file.exists():
            say(f"{number}/{len(pairs)} {workload.title}: {server.title}")
            file.write_text(json.dumps(measure(server, workload, store, seconds)))
        results[workload.name, server.name] = json.loads(file.read_text())
        cpu = results[workload.name, server.name]["cpu_seconds_per_request"]
        say(f"{number}/{len(pairs)} {workload.title}: {server.title}: {cpu * 1e6:,.0f} µs of CPU per request")
    return results


def find_machine_facts() -> dict[str, object]:
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    versions = {}
    for name in PEERS:
        found = re.search(rf"^{name}==([^ \\]+)", (HERE / f"peers/{name}.lock").read_text(), re.MULTILINE)
        versions[name] = found[1] if found else "?"
    versions["grpcio"] = importlib.metadata.version("grpcio")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "cpu": model[1] if model else platform.machine(),
        "python": platform.python_version(),
        "versions": versions,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (default: 5)")
    parser.add_argument("--again", action="store_true", help="forget what was measured before")
    arguments = parser.parse_args()
    # An ordinary exit, so that the server that is being measured is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    store = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "serin/benchmarks/serving"
    store.mkdir(parents=True, exist_ok=True)
    if arguments.again:
        for file in store.glob("*.json"):
            file.unlink()
    results = measure_all(store, arguments.seconds)
    (ROOT / "docs/benchmarks.md").write_text(render_page(results, describe_machine(find_machine_facts())))
    write_plot(results, ROOT / "docs/images/benchmark-serving.svg")
    say("written: docs/benchmarks.md, docs/images/benchmark-serving.svg")


if __name__ == "__main__":
    main()
