"""What `/metrics` shows. Every series is there from the start: a first disagreement must not be a new series."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from serin_comparer.comparison import Result

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

DROPPED: Final = ("full", "too_large", "not_inference")


class Telemetry:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        compared = Counter(
            "serin_comparer_answers",
            "Copies of requests that both versions were sent, by what their answers said.",
            ["result"],
            registry=self._registry,
        )
        dropped = Counter(
            "serin_comparer_dropped",
            "Copies that nobody was sent: no room, too long, or not a request for an inference.",
            ["reason"],
            registry=self._registry,
        )
        self._compared = {result: compared.labels(result.value) for result in Result}
        self._dropped = {reason: dropped.labels(reason) for reason in DROPPED}
        self.waiting = Gauge("serin_comparer_waiting", "Copies that wait or are compared.", registry=self._registry)

    def count_compared(self, result: Result) -> None:
        self._compared[result].inc()

    def count_dropped(self, reason: str) -> None:
        self._dropped[reason].inc()

    def render(self) -> bytes:
        return generate_latest(self._registry)
