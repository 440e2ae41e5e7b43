"""Results to docs/benchmarks.md and its plot."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from servers import SERVERS, Server
from workloads import WORKLOADS, Workload

Results = Mapping[tuple[str, str], Mapping[str, float]]
"""(workload, server) -> what was measured."""

INTRODUCTION = """\
# What serving costs

`make bench-serving` runs Serin and five other servers from their packages, each in an environment of its own, one after
the other on one machine, with the same ONNX models, the same session settings (one worker, one thread) and the same
requests (Open Inference Protocol V2: JSON by HTTP, raw contents by gRPC). It takes about twelve minutes, shows its
progress, and goes on where it was stopped. `make bench-serving AGAIN=1` forgets what was measured.

CPU is that of the server's whole process tree, by /proc, under keep-alive connections that ask again at once (wrk, and
h2load for gRPC; 16 connections, 2 with the large models). CPU per request says how much traffic a pod can take and,
unlike requests per second, hardly depends on what else the machine does. Latency is measured at a fixed rate below what
every server can do, from the moment at which a request was due; with few requests the 99th percentile is the slowest
one. It is left out where the machine was busy with other things, because it would have told of those. Memory is the
proportional set size after the load; start is until the first right answer, longer on a busy machine. "No model, bare
HTTP" is the floor: uvloop and httptools with an answer that is always the same. Serin is compiled, as in its image.

![CPU per request](images/benchmark-serving.svg)
"""


def find_servers(workload: Workload) -> list[Server]:
    return [
        server
        for server in SERVERS
        if workload.protocol in server.protocols and (not server.workloads or workload.name in server.workloads)
    ]


COLUMNS = "| Server | CPU µs per request | × Serin | requests per CPU second | p50 ms | p99 ms | memory MB | start s |"


def render_page(results: Results, machine: str) -> str:
    parts = [INTRODUCTION, f"Measured on {machine}.\n"]
    for workload in WORKLOADS:
        parts.append(f"## {workload.title}\n\nLatency at {workload.requests_per_second} requests/s.\n")
        parts.append("\n".join([COLUMNS, "|---" + "|---:" * 7 + "|", *render_rows(results, workload)]) + "\n")
    return "\n".join(parts)


def render_rows(results: Results, workload: Workload) -> list[str]:
    ours = results[workload.name, "serin"]["cpu_seconds_per_request"]
    rows = []
    for server in find_servers(workload):
        got = results[workload.name, server.name]
        cpu = got["cpu_seconds_per_request"]
        p50, p99 = (f"{got[name] * 1e3:.1f}" if name in got else "–" for name in ("p50_seconds", "p99_seconds"))
        rows.append(
            f"| {server.title} | {cpu * 1e6:,.0f} | {cpu / ours:.1f} | {1 / cpu:,.0f} | {p50} "
            f"| {p99} | {got['memory_bytes'] / 1e6:.0f} | {got['start_seconds']:.1f} |"
        )
    return rows


def write_plot(results: Results, path: Path) -> None:
    """Bars of CPU per request as multiples of Serin's, a group for each model."""
    width, left, bar, group_gap = 760, 190, 16, 34
    scale = (width - left - 90) / max(make_ratio(results, *key) for key in results)
    y, parts = 10, []
    for workload in WORKLOADS:
        y += group_gap
        parts.append(f'<text class="title" x="0" y="{y - 8}">{escape(workload.title)}</text>')
        for server in find_servers(workload):
            ratio = make_ratio(results, workload.name, server.name)
            cpu = results[workload.name, server.name]["cpu_seconds_per_request"] * 1e6
            parts.append(
                f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(server.title)}</text>'
                f'<rect class="{"peer" if server.is_peer else "own"}" x="{left}" y="{y}" height="{bar - 3}" '
                f'width="{max(1.0, ratio * scale):.1f}"/>'
                f'<text x="{left + ratio * scale + 6:.1f}" y="{y + 11}">{ratio:.1f}× · {cpu:,.0f} µs</text>'
            )
            y += bar
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 10}" font-family="sans-serif" '
        'font-size="11"><title>CPU per request as a multiple of Serin\'s</title><style>'
        "text{fill:#444}.title{font-weight:bold}"
        ".own{fill:#2a7de1}.peer{fill:#b8bec8}@media(prefers-color-scheme:dark){text{fill:#ccc}.peer{fill:#666}}"
        f"</style>{''.join(parts)}</svg>\n"
    )


def make_ratio(results: Results, workload: str, server: str) -> float:
    cpu = results[workload, server]["cpu_seconds_per_request"]
    return cpu / results[workload, "serin"]["cpu_seconds_per_request"]


def describe_machine(facts: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return f"{facts['date']}: {facts['cpus']} × {facts['cpu']}, Python {facts['python']}; {versions}"
