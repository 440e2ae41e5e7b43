"""The agreement of answers in the comparison of a shadow: what the comparer has counted, and what that says.

A comparer counts for its attempt alone. What it counts while the variants warm up, or during a pause, is not judged.
It keeps nobody waiting: without news of it the agreement stays what it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from serin.api.v1alpha1.plan import Analysis
from serin.core.evidence.agreement import Agreement, AgreementSettings, Answer, judge_agreement
from serin.core.evidence.combination import JudgedAgreement
from serin.core.evidence.counters import Reading, increment_between
from serin.core.facts import MetricQuestion, MetricReadings
from serin.core.metric_presets import FailedSeries

AGREEMENT: Final = "agreement"
_COUNTER: Final = 'serin_comparer_answers_total{result!="not_comparable"}'
KINDS: Final = ("status", "type", "value")


def stream_of(kind: str = "") -> str:
    """Streams of a plan's metrics begin with the metric's name, which is never empty."""
    return f"/{AGREEMENT}/{kind}"


def make_agreement_questions(pods: tuple[str, ...]) -> tuple[MetricQuestion, ...]:
    """All disagreements, and those of each kind: one selector, so one query."""
    patterns = {stream_of(): "(?!agree$).*", **{stream_of(kind): kind for kind in KINDS}}
    return tuple(
        MetricQuestion(stream, pods, requests=_COUNTER, failed=FailedSeries(((("result", pattern),),)))
        for stream, pattern in patterns.items()
    )


@dataclass(frozen=True, slots=True)
class AgreementWatch:
    """`readings` are the last ones, by stream and pod. `is_behind`: what the next ones add is not judged."""

    minimum: float
    counted: Agreement = field(default_factory=Agreement)
    differences: Mapping[str, float] = field(default_factory=dict)  # by kind
    readings: Mapping[str, Mapping[str, Reading]] = field(default_factory=dict)
    is_behind: bool = True
    has_passed: bool = False  # a crossing counts for good, as for every other metric

    def resume(self) -> "AgreementWatch":
        return replace(self, is_behind=True)

    def take(self, news: MetricReadings, analysis: Analysis, *, is_judged: bool) -> "AgreementWatch":
        """After one more look."""
        kept, added = dict(self.readings), {}
        for stream in (stream_of(), *map(stream_of, KINDS)):
            before, now = self.readings.get(stream, {}), news.by_stream.get(stream, {})
            fresh = {
                pod: reading
                for pod, reading in now.items()
                if reading.is_usable and (pod not in before or reading.at_seconds > before[pod].at_seconds)
            }
            added[stream] = [increment_between(before.get(pod, Reading(0, 0, 0)), fresh[pod]) for pod in sorted(fresh)]
            kept[stream] = {**before, **fresh}
        after = replace(self, readings=kept, is_behind=self.is_behind and not any(added.values()))
        if not is_judged or self.is_behind:
            return after
        failed = {stream: sum(counts.failures for counts in of_stream) for stream, of_stream in added.items()}
        requests = sum(counts.requests for counts in added[stream_of()])
        after = replace(
            after,
            counted=self.counted.add(requests, requests - failed[stream_of()]),
            differences={kind: self.differences.get(kind, 0.0) + failed[stream_of(kind)] for kind in KINDS},
        )
        is_enough = judge_agreement(after.counted, after.settings(analysis)).answer is Answer.PASS
        return replace(after, has_passed=self.has_passed or is_enough)

    def settings(self, analysis: Analysis) -> AgreementSettings:
        return AgreementSettings(self.minimum, analysis.false_reject, analysis.false_promote)

    def judge(self, analysis: Analysis) -> JudgedAgreement:
        settings = self.settings(analysis)
        return JudgedAgreement(judge_agreement(self.counted, settings), settings, self.differences, self.has_passed)

    def to_json(self) -> dict[str, Any]:
        return {
            "minimum": self.minimum,
            "counted": self.counted.to_json(),
            "differences": dict(self.differences),
            "readings": {
                stream: {pod: [reading.at_seconds, reading.total, reading.failed] for pod, reading in found.items()}
                for stream, found in self.readings.items()
            },
            "isBehind": self.is_behind,
            "hasPassed": self.has_passed,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "AgreementWatch":
        """What `to_json` wrote. AttributeError, KeyError, TypeError or ValueError when it did not."""
        return AgreementWatch(
            minimum=float(data["minimum"]),
            counted=Agreement.from_json(data["counted"]),
            differences={str(kind): float(count) for kind, count in data["differences"].items()},
            readings={
                stream: {pod: Reading(*map(float, numbers)) for pod, numbers in found.items()}
                for stream, found in data["readings"].items()
            },
            is_behind=bool(data["isBehind"]),
            has_passed=bool(data["hasPassed"]),
        )
