"""Two kinds of load on one server: as fast as it answers (wrk), and at a fixed rate (asyncio).

The second measures from the moment at which a request was due, not at which it was sent: a server that stops for a
second is charged for all who would have come in that second.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

RATE_CONNECTIONS = 16
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class LoadError(Exception):
    """The load could not be made, or answers were not right; the text says what to do."""


@dataclass(frozen=True)
class Saturation:
    requests: int
    requests_per_second: float


@dataclass(frozen=True)
class Latency:
    p50_seconds: float
    p99_seconds: float


def saturate(port: int, body: Path, connections: int, seconds: int) -> Saturation:
    """wrk with keep-alive connections, each asking again as soon as it has its answer."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise LoadError("wrk is missing: apt-get install wrk")
    script = body.with_suffix(".lua")
    script.write_text(
        f'local file = io.open("{body}", "rb")\n'
        'wrk.method, wrk.body = "POST", file:read("*a")\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
    )
    ran = subprocess.run(
        [
            *(wrk, "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"),
            *("--timeout", "10s", "--script", script, f"http://127.0.0.1:{port}/v2/models/m/infer"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    requests = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s)", ran.stdout)
    if requests is None or "Non-2xx" in ran.stdout or "Socket errors" in ran.stdout:
        raise LoadError(f"wrk had errors:\n{ran.stdout}")
    count, elapsed = int(requests[1]), float(requests[2]) * _SECONDS[requests[3]]
    return Saturation(count, count / elapsed)


def measure_latency(port: int, body: bytes, requests_per_second: int, seconds: int) -> Latency:
    latencies = sorted(asyncio.run(_send_at_rate(port, body, requests_per_second, seconds)))
    return Latency(latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100])


async def _send_at_rate(port: int, body: bytes, requests_per_second: int, seconds: int) -> list[float]:
    request = (
        b"POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % len(body)
    ) + body
    clock = asyncio.get_running_loop()
    began = clock.time() + 0.1
    latencies: list[float] = []

    async def run_connection(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(first, requests_per_second * seconds, RATE_CONNECTIONS):
            due = began + number / requests_per_second
            await asyncio.sleep(max(0.0, due - clock.time()))
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not head.startswith(b"http/1.1 200"):
                raise LoadError(f"an answer was {head[:40]!r}")
            await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
            latencies.append(clock.time() - due)
        writer.close()

    async with asyncio.timeout(seconds * 4 + 30):
        await asyncio.gather(*[run_connection(first) for first in range(RATE_CONNECTIONS)])
    return latencies
