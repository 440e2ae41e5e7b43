"""What the process is told, by flags alone: the operator writes them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Settings:
    baseline: tuple[str, int]
    canary: tuple[str, int]
    versions: tuple[str, str]
    tolerance: float
    ignored: frozenset[str]
    host: str
    port: int
    timeout_seconds: float
    drain_seconds: float
    max_body_bytes: int
    max_answer_bytes: int
    max_waiting: int
    max_waiting_bytes: int
    concurrency: int


def parse_settings(arguments: Sequence[str]) -> Settings:
    """Ends the process with a sentence for a flag that cannot be used."""
    parser = argparse.ArgumentParser(prog="serin_comparer", allow_abbrev=False)
    parser.add_argument("--baseline", type=_address, required=True, help="host:port of the baseline's pods")
    parser.add_argument("--canary", type=_address, required=True, help="host:port of the canary's pods")
    parser.add_argument("--baseline-version", default="", help="a text in an answer that is no difference")
    parser.add_argument("--canary-version", default="", help="the same of the canary")
    parser.add_argument("--tolerance", type=_share, default=1e-3, help="of numbers, absolute and relative at once")
    parser.add_argument("--ignore", action="append", default=[], help="name of a field that is not compared")
    parser.add_argument("--host", default="")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--timeout-seconds", type=_positive, default=10.0, help="for one answer")
    parser.add_argument("--drain-seconds", type=_positive, default=15.0, help="for copies taken before SIGTERM")
    parser.add_argument("--max-body-bytes", type=_whole, default=4 * 1024 * 1024)
    parser.add_argument("--max-answer-bytes", type=_whole, default=4 * 1024 * 1024)
    parser.add_argument("--max-waiting", type=_whole, default=256)
    parser.add_argument("--max-waiting-bytes", type=_whole, default=32 * 1024 * 1024)
    parser.add_argument("--concurrency", type=_whole, default=8)
    given: dict[str, Any] = vars(parser.parse_args(arguments))
    versions = (given.pop("baseline_version"), given.pop("canary_version"))
    return Settings(versions=versions, ignored=frozenset(given.pop("ignore")), **given)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}, expected host:port")
    return host, int(port)


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text}, expected a number from 0 to below 1")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}, expected a number above 0")
    return value


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}, expected a whole number above 0")
    return value
