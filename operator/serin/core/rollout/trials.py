"""The business metric in the comparison of an A/B test: what the pods have counted, and what that says.

It closes its intervals by itself and keeps no other metric waiting: what it counts may come far more seldom.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from serin.api.v1alpha1.plan import AbTest, Analysis
from serin.core.evidence.ab_test import AbSettings, AbState, advance_ab, judge_ab
from serin.core.evidence.combination import JudgedTrial
from serin.core.evidence.counters import CounterState, Tracks, Waiting, close_interval
from serin.core.facts import MetricQuestion
from serin.core.metric_presets import make_failed_counter

BUSINESS: Final = "business"
BUSINESS_STREAM: Final = f"/{BUSINESS}"
"""Streams of a plan's metrics begin with the metric's name, which is never empty."""


def make_trial_question(ab_test: AbTest, pods: tuple[str, ...]) -> MetricQuestion:
    """All that was counted, and successes in the place of failures."""
    metric = ab_test.metric
    success = make_failed_counter(metric.total, metric.success, metric.success_when_absent)
    return MetricQuestion(BUSINESS_STREAM, pods, requests=metric.total, failed=success)


@dataclass(frozen=True, slots=True)
class TrialWatch:
    """What was read of the counters last, and the evidence from them."""

    minimum_effect: float
    counters: CounterState
    evidence: AbState = field(default_factory=AbState)

    def resume(self, counters: CounterState) -> "TrialWatch":
        """After a pause: what was counted meanwhile is not judged."""
        return replace(self, counters=counters)

    def take(self, pods: Tracks, analysis: Analysis, *, is_judged: bool) -> "TrialWatch":
        """After one more look."""
        closed, counters = close_interval(self.counters, pods)
        if isinstance(closed, Waiting):
            return self
        after = replace(self, counters=counters)
        if not is_judged:
            return after
        settings = self.settings(analysis)
        evidence = advance_ab(self.evidence, closed.baseline, closed.canary, closed.seconds, settings)
        return replace(after, evidence=evidence)

    def settings(self, analysis: Analysis) -> AbSettings:
        return AbSettings(self.minimum_effect, analysis.false_reject, analysis.false_promote)

    def judge(self, analysis: Analysis) -> JudgedTrial:
        return JudgedTrial(judge_ab(self.evidence), self.settings(analysis))

    def to_json(self) -> dict[str, Any]:
        return {
            "minimumEffect": self.minimum_effect,
            "counters": self.counters.to_json(),
            "evidence": self.evidence.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "TrialWatch":
        """What `to_json` wrote. KeyError, TypeError or ValueError when it did not."""
        return TrialWatch(
            minimum_effect=float(data["minimumEffect"]),
            counters=CounterState.from_json(data["counters"]),
            evidence=AbState.from_json(data["evidence"]),
        )
