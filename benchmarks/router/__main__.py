"""What a router costs: CPU per request and added latency, beside direct access, in one run on this machine.

    python benchmarks/router            # about two minutes; needs wrk

One Envoy answers in the place of the pods, another one is the router with one thread. Rounds alternate between direct
and routed requests, so that what else the machine does meets both. CPU is the router's own, user and system.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "operator"), str(ROOT / "tests")]

from serin.api.v1alpha1.traffic import Sticky  # noqa: E402
from serin.core.plan import Mirror, TrafficIntent  # noqa: E402
from serin_testkit.local_envoy import ENVOY, LocalEnvoy, find_free_ports  # noqa: E402
from unit.traffic.intents import CANARY, STABLE, a_split, an_intent  # noqa: E402

CASES: dict[str, TrafficIntent | None] = {
    "direct": None,
    "one version": an_intent({STABLE: 100.0}),
    "three tracks, 5 %": a_split(5),
    "three tracks, sticky": a_split(5, sticky=Sticky(header="x-user-id")),
    "mirror 25 %": an_intent({STABLE: 100.0}, mirror=Mirror(CANARY, 25.0)),
}


def backend_config(port: int) -> str:
    routes = [{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "answer"}}}]
    kind = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}
    manager = {
        "@type": kind,
        "stat_prefix": "pods",
        "route_config": {"virtual_hosts": [{"name": "pods", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    listener = {"name": "pods", "address": address, "filter_chains": [{"filters": filters}]}
    return json.dumps({"static_resources": {"listeners": [listener]}})


def wrk(port: int, connections: int, seconds: int) -> tuple[int, float, float]:
    """Requests, and the latency's median and 99th percentile in microseconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", "x-user-id: someone"]
    said = subprocess.run([*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said

    def percentile(name: str) -> float:
        number, unit = re.search(rf"{name}%\s+([\d.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]
        return float(number) * {"us": 1, "ms": 1000, "s": 1e6}[unit]

    return int(re.search(r"(\d+) requests in", said)[1]), percentile("50"), percentile("99")  # type: ignore[index]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(rounds: int, seconds: int) -> dict[str, dict[str, float]]:
    (port,) = find_free_ports(1)
    quiet = ["--disable-hot-restart", "--log-level", "critical", "--concurrency", "1"]
    backend = await asyncio.create_subprocess_exec(str(ENVOY), "--config-yaml", backend_config(port), *quiet)
    samples: dict[str, dict[str, list[float]]] = {name: {"cpu_us": [], "p50_us": [], "p99_us": []} for name in CASES}
    try:
        async with LocalEnvoy.run(a_split(5)) as envoy:
            for pods in envoy.pods.values():
                await pods.stop()
                pods.port = port
            for _ in range(rounds):
                for name, intent in CASES.items():
                    if intent is not None:
                        await envoy.follow(intent)
                    users = port if intent is None else envoy.users_port
                    await asyncio.to_thread(wrk, users, 4, 1)
                    before = cpu_seconds(envoy.pid)
                    requests, _, _ = await asyncio.to_thread(wrk, users, 32, seconds)
                    used = cpu_seconds(envoy.pid) - before
                    _, p50, p99 = await asyncio.to_thread(wrk, users, 1, seconds)
                    samples[name]["cpu_us"].append(0.0 if intent is None else used / requests * 1e6)
                    samples[name]["p50_us"].append(p50)
                    samples[name]["p99_us"].append(p99)
            for pods in envoy.pods.values():
                await pods.stop()
    finally:
        backend.terminate()
        await backend.wait()
    return {name: {what: statistics.median(v) for what, v in found.items()} for name, found in samples.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.rounds, arguments.seconds))
    direct = found["direct"]
    print("| requests | CPU of the router per request | p50 | p99 | added p50 | added p99 |\n|---|---|---|---|---|---|")
    for name, numbers in found.items():
        cpu = f"{numbers['cpu_us']:.0f} µs" if name != "direct" else "–"
        added = [f"{numbers[what] - direct[what]:.0f} µs" if name != "direct" else "–" for what in ("p50_us", "p99_us")]
        print(f"| {name} | {cpu} | {numbers['p50_us']:.0f} µs | {numbers['p99_us']:.0f} µs | {added[0]} | {added[1]} |")


if __name__ == "__main__":
    main()
