"""The same two kinds of load by gRPC: as fast as the server answers (h2load), and at a fixed rate (grpcio)."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import grpc
from load import RATE_CONNECTIONS, Latency, LoadError, Saturation

PATH = "/inference.GRPCInferenceService/ModelInfer"


def ask(port: int, body: bytes) -> bytes:
    """One answer, or LoadError."""
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            return bytes(channel.unary_unary(PATH)(body, timeout=10))
    except grpc.RpcError as error:
        raise LoadError(f"{error.code().name}: {error.details()}") from error


def saturate(port: int, body: Path, connections: int, seconds: int) -> Saturation:
    """h2load: each connection calls again as soon as it has its answer.

    It looks at HTTP's status and not at gRPC's, so an answer is checked before and after.
    """
    h2load = shutil.which("h2load")
    if h2load is None:
        raise LoadError("h2load is missing: apt-get install nghttp2-client")
    message = body.read_bytes()
    ask(port, message)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0" + len(message).to_bytes(4, "big") + message)
        file.flush()
        ran = subprocess.run(
            [
                *(h2load, "--duration", str(seconds), "--clients", str(connections), "--max-concurrent-streams", "1"),
                *("--data", file.name, "--header", "content-type: application/grpc", "--header", "te: trailers"),
                f"http://127.0.0.1:{port}{PATH}",
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        )
    ask(port, message)
    counts = re.search(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", ran.stdout)
    if counts is None or counts[1] != counts[2] or int(counts[2]) == 0 or int(counts[4]) > 0:
        raise LoadError(f"h2load had errors:\n{ran.stdout}{ran.stderr}")
    return Saturation(int(counts[2]), int(counts[2]) / seconds)


def measure_latency(port: int, body: bytes, requests_per_second: int, seconds: int) -> Latency:
    latencies = sorted(asyncio.run(_send_at_rate(port, body, requests_per_second, seconds)))
    return Latency(latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100])


async def _send_at_rate(port: int, body: bytes, requests_per_second: int, seconds: int) -> list[float]:
    clock = asyncio.get_running_loop()
    began = clock.time() + 0.1
    latencies: list[float] = []

    async def run_channel(first: int) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) as channel:
            infer = channel.unary_unary(PATH)
            for number in range(first, requests_per_second * seconds, RATE_CONNECTIONS):
                due = began + number / requests_per_second
                await asyncio.sleep(max(0.0, due - clock.time()))
                await infer(body)
                latencies.append(clock.time() - due)

    async with asyncio.timeout(seconds * 4 + 30):
        await asyncio.gather(*[run_channel(first) for first in range(RATE_CONNECTIONS)])
    return latencies
