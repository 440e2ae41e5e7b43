"""The operator's settings, read once from the environment. docs/operator.md tells them to people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]

DEFAULT_PROMETHEUS_URL = "http://prometheus.monitoring:9090"
DEFAULT_SERVER_IMAGE = "serin/server:0.1.0"
DEFAULT_ROUTER_IMAGE = "envoyproxy/envoy:distroless-v1.40.0"


class SettingsError(ValueError):
    """Names the variable, its value, and what was expected."""


@dataclass(frozen=True, slots=True)
class Settings:
    prometheus_url: str = DEFAULT_PROMETHEUS_URL
    server_image: str = DEFAULT_SERVER_IMAGE
    router_image: str = DEFAULT_ROUTER_IMAGE
    namespaces: tuple[str, ...] = ()
    """Empty: all of them."""
    workers: int = 16
    metrics_port: int = 8080
    """0: no endpoint."""
    liveness_port: int = 8081
    """0: no endpoint."""
    log_format: LogFormat = "auto"
    log_level: LogLevel = "info"
    kubeconfig: str | None = None
    prometheus_token_file: Path | None = None
    prometheus_ca_file: Path | None = None
    prometheus_tenant: str | None = None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsError for a value that cannot be meant. An empty variable is one that is not set."""
    read = _Reader(environment)
    return Settings(
        prometheus_url=read("SERIN_PROMETHEUS_URL", DEFAULT_PROMETHEUS_URL, _parse_url),
        server_image=read("SERIN_SERVER_IMAGE", DEFAULT_SERVER_IMAGE, str),
        router_image=read("SERIN_ROUTER_IMAGE", DEFAULT_ROUTER_IMAGE, str),
        namespaces=read("SERIN_NAMESPACES", "", _parse_names),
        workers=read("SERIN_WORKERS", "16", _whole_number(1, 256)),
        metrics_port=read("SERIN_METRICS_PORT", "8080", _whole_number(0, 65535)),
        liveness_port=read("SERIN_LIVENESS_PORT", "8081", _whole_number(0, 65535)),
        log_format=cast("LogFormat", read("SERIN_LOG_FORMAT", "auto", _one_of("auto", "json", "console"))),
        log_level=cast("LogLevel", read("SERIN_LOG_LEVEL", "info", _one_of("debug", "info", "warning", "error"))),
        kubeconfig=environment.get("KUBECONFIG") or None,
        prometheus_token_file=read("SERIN_PROMETHEUS_TOKEN_FILE", "", _parse_file),
        prometheus_ca_file=read("SERIN_PROMETHEUS_CA_FILE", "", _parse_file),
        prometheus_tenant=read("SERIN_PROMETHEUS_TENANT", "", _parse_tenant),
    )


_Value = TypeVar("_Value")


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __call__(self, name: str, default: str, parse: Callable[[str], _Value]) -> _Value:
        text = self._environment.get(name, "").strip() or default
        try:
            return parse(text)
        except ValueError as error:
            raise SettingsError(f"{name}={text!r}: expected {error}") from None


def _parse_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"an address such as {DEFAULT_PROMETHEUS_URL}")
    return text.rstrip("/")


def _parse_file(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text)
    if not path.is_file():
        raise ValueError("a file that is there")
    return path


def _parse_tenant(text: str) -> str | None:
    if not text.isprintable() or not text.isascii():
        raise ValueError("the name of a tenant in printable ASCII")
    return text or None


def _parse_names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if not name.replace("-", "").isalnum() or name != name.lower():
            raise ValueError("names of namespaces separated by commas, or nothing for all of them")
    return names


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return text

    return parse
