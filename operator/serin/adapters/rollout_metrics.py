"""What the operator tells Prometheus about rollouts: each number of a comparison next to its threshold.

Read from the statuses in the cache when somebody asks, so the numbers are those that `kubectl` shows, and a Rollout
that has ended or is gone leaves no series behind. Names of metrics are those of the plan.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from serin.api.v1alpha1.rollout import Phase
from serin.core.rollout.phases import is_terminal

_PLACE: Final = ("namespace", "model_deployment", "rollout")

_OF_METRIC: Final = (
    ("evidence_good", "evidenceGood", "Evidence against: the canary is worse by the margin."),
    ("promotes_at", "promotesAt", "Evidence at which the canary is good enough."),
    ("evidence_bad", "evidenceBad", "Evidence against: the canary is as good as the baseline."),
    ("rejects_at", "rejectsAt", "Evidence, as a mean over the metrics, at which the canary is rejected."),
    ("proven_worse_at_most", "provenWorseAtMost", "So much worse, as a share of requests, is excluded by now."),
    ("margin", "margin", "So much worse still counts as good; proven_worse_at_most must come down to it."),
)
_OF_DRIFT: Final = (
    ("total_variation", "totalVariation", "Share of the predictions that moved to another class, by the counts."),
    ("drift_limit", "limit", "So large a share of the predictions may move."),
)
_ENDS: Final = frozenset(phase for phase in get_args(Phase) if is_terminal(phase))
_VARIANTS: Final = ("stable", "baseline", "canary")


class RolloutMetrics(Collector):
    """`rollouts` gives the live objects at the moment of a scrape."""

    def __init__(self, rollouts: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        self._rollouts = rollouts

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return self._make_families().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families = self._make_families()
        phases = dict.fromkeys(get_args(Phase), 0)
        for live in self._rollouts():
            status = live.get("status") or {}
            phase = status.get("phase") or "Pending"
            phases[phase] = phases.get(phase, 0) + 1
            if phase not in _ENDS:
                _add(families, live, status)
        for phase, count in phases.items():
            families["serin_rollouts"].add_metric((phase,), count)
        yield from families.values()

    @staticmethod
    def _make_families() -> dict[str, GaugeMetricFamily]:
        """Promised by name before the first Rollout, for the registry to notice a clash."""
        made = [
            GaugeMetricFamily("serin_rollouts", "Rollouts by phase, those kept as history included.", labels=["phase"]),
            GaugeMetricFamily(
                "serin_rollout_weight_percent", "Share of the requests by variant.", labels=(*_PLACE, "variant")
            ),
        ]
        for name, _, meaning in _OF_METRIC:
            made.append(GaugeMetricFamily(f"serin_rollout_{name}", meaning, labels=(*_PLACE, "metric")))
        for name, _, meaning in _OF_DRIFT:
            made.append(GaugeMetricFamily(f"serin_rollout_{name}", meaning, labels=(*_PLACE, "metric")))
        for name, meaning in (("requests", "Requests judged so far."), ("failures", "Of these, counted against it.")):
            made.append(GaugeMetricFamily(f"serin_rollout_{name}", meaning, labels=(*_PLACE, "metric", "variant")))
        return {family.name: family for family in made}


def _add(families: Mapping[str, GaugeMetricFamily], live: Mapping[str, Any], status: Mapping[str, Any]) -> None:
    metadata = live["metadata"]
    place = (metadata["namespace"], (live.get("spec") or {}).get("modelDeployment", ""), metadata["name"])
    effective = (status.get("weights") or {}).get("effective") or {}
    for variant in _VARIANTS if effective else ():
        families["serin_rollout_weight_percent"].add_metric((*place, variant), effective.get(variant, 0))
    for metric in status.get("metrics") or ():
        for name, field, _ in _OF_METRIC:
            if metric.get(field) is not None:
                families[f"serin_rollout_{name}"].add_metric((*place, metric["name"]), metric[field])
        for name, field, _ in _OF_DRIFT if metric.get("drift") else ():
            families[f"serin_rollout_{name}"].add_metric((*place, metric["name"]), metric["drift"].get(field, 0))
        for variant in ("baseline", "canary"):
            counts = metric.get(variant) or {}
            for name in ("requests", "failures"):
                labels = (*place, metric["name"], variant)
                families[f"serin_rollout_{name}"].add_metric(labels, counts.get(name, 0))
