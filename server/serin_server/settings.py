"""What the process is told: flags, and for each flag an environment variable `SERIN_...` as its default."""

from __future__ import annotations

import argparse
import enum
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from serin_server.access import BearerToken
from serin_server.inference.batching import Batching
from serin_server.input_ranges import InputRange, OutOfRange, parse_input_ranges
from serin_server.long_runs import RunLimits
from serin_server.request_log import RequestLog
from serin_server.telemetry import LATENCY_BUCKETS_SECONDS

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_LOG_FORMATS: Final = ("auto", "json", "plain")
_SERVICE_LINK: Final = re.compile(r"(tcp|udp|sctp)://")


class SettingsError(Exception):
    """A flag or variable has a value that cannot be used; the text is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Settings:
    model_uri: str
    model_name: str
    model_version: str
    model_digest: str | None
    host: str
    http_port: int
    grpc_port: int
    grpc_connection_seconds: float
    threads: int
    workers: int
    batching: Batching
    drain_seconds: float
    finish_seconds: float
    max_body_bytes: int
    bearer_token: BearerToken | None
    max_concurrency: int
    queue_wait_seconds: float
    timeout_seconds: float
    max_delay_seconds: float
    latency_buckets: tuple[float, ...]
    input_ranges: tuple[InputRange, ...]
    out_of_range: OutOfRange
    log_requests: float
    """The share of requests with a line in the log."""
    log_payloads: bool
    download_directory: Path | None
    log_format: str
    termination_log: Path

    @property
    def run_limits(self) -> RunLimits:
        return RunLimits(self.max_concurrency, self.queue_wait_seconds, self.timeout_seconds)

    @property
    def refused_outside(self) -> tuple[InputRange, ...]:
        return self.input_ranges if self.out_of_range is OutOfRange.REJECT else ()

    @property
    def request_log(self) -> RequestLog | None:
        return RequestLog(self.log_requests, with_payloads=self.log_payloads) if self.log_requests else None


@dataclass(frozen=True, slots=True)
class _Option:
    flag: str
    parse: Callable[[str], Any]
    default: str | None
    meaning: str
    field: str = ""
    """Of the settings; empty: as the flag."""

    @property
    def name(self) -> str:
        return self.field or self.flag.replace("-", "_")

    @property
    def variable(self) -> str:
        return "SERIN_" + self.flag.replace("-", "_").upper()


def parse_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    parser = _Parser(
        prog="python -m serin_server",
        description="Serves one ONNX model over HTTP and gRPC. Each flag has the variable in brackets as its default.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in _OPTIONS:
        default = "" if option.default in (None, "") else f" (default: {option.default})"
        meaning = f"{option.meaning}{default} [{option.variable}]".replace("%", "%%")
        parser.add_argument(f"--{option.flag}", dest=option.name, metavar="VALUE", help=meaning)
    given = vars(parser.parse_args(arguments))
    return Settings(**{option.name: _choose(option, given[option.name], environment) for option in _OPTIONS})


def _choose(option: _Option, given: str | None, environment: Mapping[str, str]) -> Any:
    text, source = given, f"--{option.flag}"
    if text is None:
        text, source = environment.get(option.variable), option.variable
        # Kubernetes sets SERIN_HTTP_PORT=tcp://10.0.0.1:80 by itself in a namespace with a Service "serin-http".
        if text is not None and _SERVICE_LINK.match(text):
            text = None
    if text is None:
        text = option.default
    if text is None:
        raise SettingsError(f"--{option.flag} ({option.variable}) is missing: {option.meaning}")
    try:
        return option.parse(text)
    except ValueError as error:
        raise SettingsError(f"{source}: expected {error}, got {text!r}") from error


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; --help lists the flags")


def _parse_name(text: str) -> str:
    if not re.fullmatch(r"[^/\s]{1,253}", text):
        raise ValueError("a name without slashes and spaces")
    return text


def _parse_digest(text: str) -> str | None:
    if not text:
        return None
    if not _DIGEST.fullmatch(text):
        raise ValueError("sha256: and 64 hexadecimal digits")
    return text


def _parse_directory(text: str) -> Path | None:
    return Path(text) if text else None


def _parse_token_file(text: str) -> BearerToken | None:
    if not text:
        return None
    try:
        token = Path(text).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError("a readable file with a token in it") from error
    if not token:
        raise ValueError("a file with a token in it")
    return BearerToken(token)


def _parse_log_format(text: str) -> str:
    if text not in _LOG_FORMATS:
        raise ValueError(f"one of {', '.join(_LOG_FORMATS)}")
    return text


def _one_of(kinds: type[enum.Enum]) -> Callable[[str], Any]:
    def parse(text: str) -> enum.Enum:
        try:
            return kinds(text)
        except ValueError:
            raise ValueError(f"one of {', '.join(kind.value for kind in kinds)}") from None

    return parse


def _parse_workers(text: str) -> int:
    """0: auto."""
    number = 0 if text == "auto" else int(text) if re.fullmatch(r"[0-9]{1,3}", text) else -1
    if number < 0 or (number == 0 and text != "auto"):
        raise ValueError("auto or a whole number from 1 to 999")
    return number


def _parse_share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("a share from 0 to 1")
    return share


def _parse_switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


def _parse_buckets(text: str) -> tuple[float, ...]:
    try:
        bounds = [float(part) for part in text.split(",")]
    except ValueError:
        bounds = []
    if not bounds or not all(0 < bound <= 86_400 for bound in bounds) or bounds != sorted(set(bounds)):
        raise ValueError("growing numbers of seconds, separated by commas")
    return tuple(bounds)


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise ValueError("seconds from 0 to 86400")
    return seconds


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,18}", text) else -1
        if not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return number

    return parse


_OPTIONS: Final = (
    _Option(
        "model-uri",
        str,
        None,
        "where the model is: file:///path, a plain path, https://… (http:// only inside the cluster or with a digest), "
        "s3://bucket/key, gs://bucket/key, az://container/key or hf://organisation/repository/file@revision; "
        "a directory means its model.onnx",
    ),
    _Option("model-name", _parse_name, "model", "the name in paths, answers and metrics"),
    _Option("model-version", _parse_name, "1", "the version in paths, answers and metrics"),
    _Option("model-digest", _parse_digest, "", "sha256:… of the model file; another file is not loaded"),
    _Option("host", str, "", "the address to listen on, empty: every address, IPv4 and IPv6"),
    _Option("http-port", _whole_number(0, 65_535), "8080", "the port to listen on, 0: any free one"),
    _Option("grpc-port", _whole_number(0, 65_535), "0", "the port to listen on for gRPC, 0: none"),
    _Option(
        "grpc-connection-seconds",
        _parse_seconds,
        "60",
        "after about so long a gRPC client is sent to a new connection, without loss, so that new pods get their "
        "share; 0: never",
    ),
    _Option(
        "workers",
        _parse_workers,
        "auto",
        "processes that share the ports, each with the model; auto: as many as whole CPUs of the limit, one without "
        "a limit",
    ),
    _Option("threads", _whole_number(1, 1024), "1", "threads that one run of the model may use"),
    _Option(
        "batching",
        _one_of(Batching),
        "auto",
        "requests of the same moment share a run if that leaves their answers the same: auto, up to rounding; "
        "exact, to the last bit; off, never",
    ),
    _Option("drain-seconds", _parse_seconds, "5", "how long after SIGTERM new requests are still answered"),
    _Option("finish-seconds", _parse_seconds, "20", "how long after that requests in flight may take to finish"),
    _Option("max-body-bytes", _whole_number(1, 2**31), str(16 * 1024 * 1024), "the largest request body"),
    _Option(
        "bearer-token-file",
        _parse_token_file,
        "",
        "a file with the token that every request but health and metrics must bring; empty: none",
        field="bearer_token",
    ),
    _Option("max-concurrency", _whole_number(1, 100_000), "64", "long runs at once; further requests wait"),
    _Option("queue-wait-seconds", _parse_seconds, "1", "how long they wait before they are answered with 429"),
    _Option("timeout-seconds", _parse_seconds, "0", "how long a long run may take before it is a 504, 0: any time"),
    _Option(
        "max-delay-seconds", _parse_seconds, "0", "how long a short request waits for others to share its run with"
    ),
    _Option(
        "latency-buckets",
        _parse_buckets,
        ",".join(f"{bound:g}" for bound in LATENCY_BUCKETS_SECONDS),
        "upper bounds of the latency histogram in seconds",
    ),
    _Option(
        "input-ranges",
        parse_input_ranges,
        "",
        "numbers expected in inputs, such as temperature=-40:60,x[3]=0:1, or @file with one a line",
    ),
    _Option("out-of-range", _one_of(OutOfRange), "count", "what is done about others: count, or reject them with 400"),
    _Option("log-requests", _parse_share, "0", "the share of inference requests with a line in the log, 0 to 1"),
    _Option("log-payloads", _parse_switch, "false", "whether these lines hold the bodies, which may be personal data"),
    _Option("download-directory", _parse_directory, "", "where a download is put, empty: the temporary directory"),
    _Option("log-format", _parse_log_format, "auto", "json, plain, or auto: plain on a terminal"),
    _Option(
        "termination-log",
        Path,
        "/dev/termination-log",
        "the file, if there is one, that gets the sentence on why the server could not start",
    ),
)
