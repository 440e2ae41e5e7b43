"""The streams of a comparison: which pairs of counters a plan's metrics are, and what is known of each.

A stream is all requests and those of them that count against a version. A Ratio is one stream, of failures, with the
metric's name. A Histogram is one for each of its bounds, of requests that took longer, named such as latency/0.25.
Categories are no stream, for a prediction has more than two outcomes: core/rollout/drifts.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from serin.api.v1alpha1.plan import Analysis, Metric
from serin.core.evidence.counters import CounterState
from serin.core.evidence.guard import Guard
from serin.core.evidence.verdict import EvidenceState
from serin.core.rollout.agreements import AgreementWatch
from serin.core.rollout.drifts import Drift
from serin.core.rollout.ramp import Position
from serin.core.rollout.trials import TrialWatch

# A minute of asking at the default interval; the warm-up is as long.
HISTORY_TRIES = 3


def stream_name(metric: str, bound: float) -> str:
    return f"{metric}/{bound:.12g}"


def metric_of_stream(stream: str) -> str:
    """The schema keeps slashes out of the names of metrics."""
    return stream.partition("/")[0]


def bound_of_stream(stream: str) -> float | None:
    """In seconds; None for failures."""
    _, is_latency, bound = stream.partition("/")
    return float(bound) if is_latency else None


def known_streams(metric: Metric) -> tuple[str, ...]:
    """As far as the plan itself says them: none of a Histogram whose bounds the stable pods decide."""
    if metric.type == "Ratio":
        return (metric.name,)
    return tuple(stream_name(metric.name, bound) for bound in metric.bounds)


@dataclass(frozen=True, slots=True)
class Stream:
    """What was read of a stream's counters last, the evidence from them, and whether its baseline can be believed."""

    counters: CounterState
    evidence: EvidenceState = field(default_factory=EvidenceState)
    guard: Guard = field(default_factory=Guard)
    warmup: EvidenceState | None = None  # of the warm-up alone, while it lasts

    def to_json(self) -> dict[str, Any]:
        return {
            "counters": self.counters.to_json(),
            "evidence": self.evidence.to_json(),
            "guard": self.guard.to_json(),
            **({"warmup": self.warmup.to_json()} if self.warmup else {}),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Stream":
        return Stream(
            counters=CounterState.from_json(data["counters"]),
            evidence=EvidenceState.from_json(data["evidence"]),
            guard=Guard.from_json(data["guard"]),
            warmup=EvidenceState.from_json(data["warmup"]) if data.get("warmup") else None,
        )


def position_from_json(engine: Mapping[str, Any]) -> Position:
    """The step in force of an engine as JSON, without reading all of its evidence."""
    # An operator before the steps wrote none.
    index, since_seconds, is_back = engine.get("step") or (0, 0.0, False)
    return Position(int(index), float(since_seconds), bool(is_back))


@dataclass(frozen=True, slots=True)
class Engine:
    """The running comparison. `since` is when both variants began to get requests; the warm-up counts from there.

    `history_tries_left` is how often the history of the stable pods may still be asked for, 0 when it is known.
    `position` is the step of the plan that decides how large a share they get.
    """

    since: datetime
    looked_at: datetime
    streams: Mapping[str, Stream]
    history_tries_left: int = HISTORY_TRIES
    drifts: Mapping[str, Drift] = field(default_factory=dict)  # by metric, once its classes are known
    position: Position = field(default_factory=Position)
    agreement: AgreementWatch | None = None  # of a shadow
    trial: TrialWatch | None = None  # of an A/B test

    @staticmethod
    def begin(now: datetime, places: frozenset[str], analysis: Analysis) -> "Engine":
        streams = (stream for metric in analysis.metrics for stream in known_streams(metric))
        return Engine(now, now, {}).following(streams, now, places)

    def following(self, streams: Iterable[str], now: datetime, places: frozenset[str]) -> "Engine":
        """With these streams, too: what they count from now on is judged."""
        counters = begin_counters(now, places)
        return replace(self, streams={**self.streams, **{name: Stream(counters) for name in streams}})

    def resume(self, now: datetime, places: frozenset[str]) -> "Engine":
        """After a pause: what was counted meanwhile is not judged, what was judged before stays."""
        counters = begin_counters(now, places)
        streams = {name: replace(stream, counters=counters) for name, stream in self.streams.items()}
        drifts = {name: drift.resume(counters) for name, drift in self.drifts.items()}
        agreement = self.agreement and self.agreement.resume()
        trial = self.trial and self.trial.resume(counters)
        return replace(self, looked_at=now, streams=streams, drifts=drifts, agreement=agreement, trial=trial)

    def begin_again(self, now: datetime, places: frozenset[str]) -> "Engine":
        """With a warm-up of its own, because pods are new or the shares changed at a stroke; the evidence stays."""
        return replace(self.resume(now, places), since=now)

    @property
    def data_seconds(self) -> float:
        """Time with data: of the metric that has the least; drift that only warns keeps nobody waiting."""
        followed = self.streams or self.drifts
        return min((metric.evidence.data_seconds for metric in followed.values()), default=0.0)

    def streams_of(self, metric: str) -> tuple[str, ...]:
        return tuple(name for name in self.streams if metric_of_stream(name) == metric)

    def fits(self, analysis: Analysis) -> bool:
        """Its streams are those of the plan's metrics."""
        metrics = {metric.name for metric in analysis.metrics}
        known = {stream for metric in analysis.metrics for stream in known_streams(metric)}
        followed = {metric_of_stream(stream) for stream in self.streams} | self.drifts.keys()
        return known <= self.streams.keys() and followed <= metrics

    def wants_history(self, analysis: Analysis) -> bool:
        """Once all streams are known; it cannot be taken in any more when all of them have been judged."""
        is_complete = all(self.streams_of(metric.name) for metric in analysis.metrics if metric.type != "Categories")
        has_new = any(stream.evidence.intervals == 0 for stream in self.streams.values())
        return self.history_tries_left > 0 and is_complete and has_new

    def to_json(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "lookedAt": self.looked_at.isoformat(),
            "streams": {name: stream.to_json() for name, stream in self.streams.items()},
            "historyTriesLeft": self.history_tries_left,
            "drifts": {name: drift.to_json() for name, drift in self.drifts.items()},
            "step": [self.position.index, self.position.since_seconds, self.position.is_back],
            **({"agreement": self.agreement.to_json()} if self.agreement else {}),
            **({"trial": self.trial.to_json()} if self.trial else {}),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Engine | None":
        """None before the comparison; also where somebody edited its numbers: the comparison then starts over."""
        try:
            return Engine(
                since=datetime.fromisoformat(data["since"]),
                looked_at=datetime.fromisoformat(data["lookedAt"]),
                streams={name: Stream.from_json(stream) for name, stream in data["streams"].items()},
                history_tries_left=int(data["historyTriesLeft"]),
                # An operator before this metric wrote none.
                drifts={name: Drift.from_json(drift) for name, drift in (data.get("drifts") or {}).items()},
                position=position_from_json(data),
                agreement=AgreementWatch.from_json(data["agreement"]) if data.get("agreement") else None,
                trial=TrialWatch.from_json(data["trial"]) if data.get("trial") else None,
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


def begin_counters(now: datetime, places: frozenset[str]) -> CounterState:
    return CounterState.begin(now.timestamp(), places)
