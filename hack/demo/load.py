"""Open-loop load for one served weather model: a request is sent when it is due, however slow the answers are.

Runs alone, with Python 3.11 and aiohttp, in a pod or on a laptop. Every request opens its own connection, because a
Service chooses an endpoint per connection; `--keep-alive` turns that off. Nothing is sent twice.

Prints one JSON line per second and a last one with `"final": true`, all counts cumulative:

    {"run": "3fa1c2", "seconds": 12.0, "requests": 1200, "failed": 3, "codes": {"200": 1197, "400": 3}, "errors": {},
     "timeouts": 0, "versions": {"1": 1197}, "in_flight": 1, "p50_ms": 1.9, "p99_ms": 6.4, "final": false}

`run` is another one after a restart, when the counts begin at 0 again.

Counting begins with the first success: a Service refuses connections for a second or two until the node has programmed
it, and that says nothing about a model. Until then the lines read `{"waiting": true, …}`.
"""

import argparse
import asyncio
import contextlib
import json
import random
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

# Lowest and highest value of the seven features, in the model's order; the last is a yes or no.
RANGES = ((-22.0, 38.0), (0.15, 1.0), (0.0, 64.0), (0.0, 359.0), (0.1, 16.1), (985.0, 1046.0), (0, 1))
DIFFERENT_ROWS = 1_000  # encoded before the first request: the generator must not slow down what it measures
RETRY_FIRST_SECONDS = 0.2


@dataclass(frozen=True)
class Answer:
    """What became of one request. `code` is 0 when no answer came; then `error` says why, or it timed out."""

    latency_seconds: float
    code: int = 0
    version: str = ""
    error: str = ""
    timed_out: bool = False

    @property
    def is_success(self) -> bool:
        return 200 <= self.code < 300


@dataclass
class Tally:
    """Cumulative counts of one run. Latencies are kept as counts per 0.1 ms: exact enough, bounded by the timeout."""

    run: str
    requests: int = 0
    failed: int = 0
    timeouts: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    _latency_tenths: Counter[int] = field(default_factory=Counter)

    def add(self, answer: Answer) -> None:
        self.requests += 1
        self.failed += not answer.is_success
        self.timeouts += answer.timed_out
        if answer.code:
            self.codes[str(answer.code)] += 1
            self._latency_tenths[round(answer.latency_seconds * 10_000)] += 1
        elif answer.error:
            self.errors[answer.error] += 1
        if answer.version:
            self.versions[answer.version] += 1

    def latency_ms(self, quantile: float) -> float | None:
        """The latency that this share of the answered requests did not exceed; None before the first answer."""
        rank = quantile * self._latency_tenths.total()
        seen = 0
        for tenths in sorted(self._latency_tenths):
            seen += self._latency_tenths[tenths]
            if seen >= rank:
                return tenths / 10
        return None

    def render_line(self, seconds: float, in_flight: int, final: bool) -> str:
        line = {
            "run": self.run,
            "seconds": round(seconds, 1),
            "requests": self.requests,
            "failed": self.failed,
            "codes": dict(sorted(self.codes.items())),
            "errors": dict(sorted(self.errors.items())),
            "timeouts": self.timeouts,
            "versions": dict(sorted(self.versions.items())),
            "in_flight": in_flight,
            "p50_ms": self.latency_ms(0.5),
            "p99_ms": self.latency_ms(0.99),
            "final": final,
        }
        return json.dumps(line)


@dataclass(frozen=True)
class Target:
    """Where requests go and in which dialect, with the bodies ready to send."""

    url: str
    bodies: tuple[bytes, ...]
    timeout_seconds: float


def make_rows(count: int, seed: int) -> list[list[float]]:
    chance = random.Random(seed)
    return [
        [*(round(chance.uniform(*bounds), 3) for bounds in RANGES[:-1]), chance.randint(0, 1)] for _ in range(count)
    ]


def make_target(arguments: argparse.Namespace) -> Target:
    base = arguments.url.rstrip("/")
    rows = make_rows(DIFFERENT_ROWS, arguments.seed)
    payloads: list[Any]
    if arguments.dialect == "predict":
        url, payloads = f"{base}/predict", [[row] for row in rows]
    else:
        url, payloads = f"{base}/v2/models/{arguments.model}/infer", [make_infer_request(row) for row in rows]
    return Target(url, tuple(json.dumps(payload).encode() for payload in payloads), arguments.timeout_seconds)


def make_infer_request(row: Sequence[float]) -> dict[str, Any]:
    return {"inputs": [{"name": "features", "datatype": "FP32", "shape": [1, len(row)], "data": row}]}


def read_version(body: bytes) -> str:
    """The model's version where the answer tells it; an answer without one is no failure."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("model_version") or "") if isinstance(answer, dict) else ""


class Load:
    """Sends to one target. The answers go to `on_answer`; `stop` ends the sending, not the requests on their way."""

    def __init__(self, session: aiohttp.ClientSession, target: Target, on_answer: Callable[[Answer], None]) -> None:
        self._session = session
        self._target = target
        self._on_answer = on_answer
        self._in_flight: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def stop(self) -> None:
        self._stopping.set()

    async def wait_for_first_success(self, within_seconds: float) -> bool:
        """False when nothing succeeded in that time, or when it was stopped."""
        began = time.monotonic()
        said_at = began - 1
        while time.monotonic() - began < within_seconds:
            answer = await self._ask(self._target.bodies[0])
            if answer.is_success:
                return True
            if time.monotonic() - said_at >= 1:
                said_at = time.monotonic()
                print(json.dumps({"waiting": True, "last": answer.error or answer.code or "timeout"}), flush=True)
            if await self._is_stopped_within(RETRY_FIRST_SECONDS):
                break
        return False

    async def run(self, per_second: float, duration_seconds: float) -> None:
        """Request number n is due at n/rate; a late one is sent at once, and its lateness counts as latency."""
        began = time.monotonic()
        for number in range(int(per_second * duration_seconds)):
            due = began + number / per_second
            if await self._is_stopped_within(due - time.monotonic()):
                break
            task = asyncio.create_task(self._ask_and_report(number, due))
            # The loop keeps only a weak reference to a task.
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        await asyncio.gather(*self._in_flight)

    async def _is_stopped_within(self, seconds: float) -> bool:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()
        return self._stopping.is_set()

    async def _ask_and_report(self, number: int, due: float) -> None:
        bodies = self._target.bodies
        self._on_answer(await self._ask(bodies[number % len(bodies)], due))

    async def _ask(self, body: bytes, due: float | None = None) -> Answer:
        began = time.monotonic() if due is None else due
        try:
            async with asyncio.timeout(self._target.timeout_seconds):
                async with self._session.post(
                    self._target.url, data=body, headers={"Content-Type": "application/json"}
                ) as response:
                    content = await response.read()
                    return Answer(time.monotonic() - began, response.status, read_version(content))
        except TimeoutError:
            return Answer(time.monotonic() - began, timed_out=True)
        except (aiohttp.ClientError, OSError) as error:
            return Answer(time.monotonic() - began, error=type(error).__name__)


async def print_every_second(tally: Tally, load: Load, began: float) -> None:
    while True:
        await asyncio.sleep(1)
        print(tally.render_line(time.monotonic() - began, load.in_flight, final=False), flush=True)


async def generate(arguments: argparse.Namespace) -> int:
    tally = Tally(secrets.token_hex(3))
    connector = aiohttp.TCPConnector(limit=0, force_close=not arguments.keep_alive)
    # The deadline of a request is set in Load, over connecting, sending and reading together.
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        load = Load(session, make_target(arguments), tally.add)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, load.stop)
        if not await load.wait_for_first_success(arguments.first_success_within_seconds):
            print(f"no success from {arguments.url}: is the ModelDeployment ready?", file=sys.stderr)
            return 1
        began = time.monotonic()
        printing = asyncio.create_task(print_every_second(tally, load, began))
        await load.run(arguments.rate, arguments.duration_seconds)
        printing.cancel()
        print(tally.render_line(time.monotonic() - began, load.in_flight, final=True), flush=True)
    return 0


def positive(text: str) -> float:
    number = float(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text}: expected a number greater than 0")
    return number


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Open-loop load for one served weather model.")
    parser.add_argument("--url", default="http://weather", help="address of the Service (default: %(default)s)")
    parser.add_argument("--model", default="weather", help="served name, for the dialect infer (default: %(default)s)")
    parser.add_argument("--dialect", choices=("infer", "predict"), default="infer", help="Open Inference V2, or rows")
    parser.add_argument("--rate", type=positive, default=100.0, help="requests per second (default: %(default)s)")
    parser.add_argument("--duration-seconds", type=positive, default=3600.0, help="default: %(default)s")
    parser.add_argument("--timeout-seconds", type=positive, default=5.0, help="per request (default: %(default)s)")
    parser.add_argument("--first-success-within-seconds", type=positive, default=120.0, help="default: %(default)s")
    parser.add_argument("--keep-alive", action="store_true", help="reuse connections: a Service then pins them to pods")
    parser.add_argument("--seed", type=int, default=1, help="of the rows (default: %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(generate(parse_arguments())))
