"""Metrics of type Categories in a rollout: by default told, deciding nothing. The numbers: tests/unit/evidence."""

from typing import Any

import pytest
from serin.api.conditions import PREDICTION_DRIFT
from serin.core.evidence.categories import CategoryReading
from serin.core.facts import MetricReadings
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster

USUAL, MOVED = {"sun": 0.6, "rain": 0.3, "snow": 0.1}, {"sun": 0.4, "rain": 0.5, "snow": 0.1}
PREDICTIONS = {"name": "predictions", "type": "Categories"}


class Weather(PaperCluster):
    """Version 2 predicts as `mix` says, everybody else as usual."""

    mix = USUAL
    is_counted = True
    silent: frozenset[str] = frozenset()
    """Versions that have no counter of predictions, because they have never made one."""

    def readings(self) -> MetricReadings:
        found = super().readings()
        if not self.is_counted:
            return found
        canary = self.route_of("2")
        by_pod = {
            pod.name: CategoryReading(
                self.now.timestamp(),
                {name: share * pod.requests for name, share in (self.mix if pod.route == canary else USUAL).items()},
            )
            for pod in self.pods.all
            if self.version_of(pod.route.revision) not in self.silent
        }
        return MetricReadings(found.by_stream, {"predictions": by_pod})


def analyzing(mix: dict[str, float] = USUAL, silent: frozenset[str] = frozenset(), **metric: Any) -> Weather:
    analysis = {"warmup": "0s", "minDuration": "1m", "maxDuration": "5m", "metrics": [{}, {**PREDICTIONS, **metric}]}
    cluster = Weather(analysis=analysis)
    cluster.silent = silent
    cluster.serving("1").wanting("2").until("Analyzing").settled()
    cluster.count_requests(100)
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings())
    cluster.mix = mix
    return cluster


def decided(cluster: Weather, intervals: int = 25) -> Weather:
    for _ in range(intervals):
        if cluster.attempt.phase == "Analyzing":
            cluster.compare(requests=1000)
    cluster.settled()
    return cluster


def condition(cluster: Weather) -> str | None:
    found = (c.message for c in cluster.attempt.conditions if c.type == PREDICTION_DRIFT)
    return next(found, None)


def events(cluster: Weather) -> list[str]:
    return [event.message for event in cluster.events if event.reason == "PredictionDrift"]


def test_a_canary_that_predicts_other_classes_is_promoted_and_the_drift_is_told() -> None:
    cluster = decided(analyzing(MOVED))

    assert cluster.attempt.phase == "Promoted"
    warning = (
        "Warning, predictions: more than 5.0 % of the predictions moved to another class (20.0 % did: "
        "sun 60.0 % to 40.0 %, rain 30.0 % to 50.0 %;"
    )
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.startswith("Promoted: with 95 % confidence the canary fails at most 0.5 pp more")
    assert warning in cluster.attempt.message
    assert (condition(cluster) or "").startswith(warning)
    assert len(events(cluster)) == 1


def test_a_canary_that_predicts_as_before_is_promoted_without_a_word() -> None:
    cluster = decided(analyzing())

    assert cluster.attempt.phase == "Promoted"
    assert (condition(cluster), events(cluster)) == (None, [])
    (_, metric) = cluster.attempt.metrics
    assert metric.name == "predictions"
    assert metric.drift is not None
    assert (metric.drift.total_variation, metric.drift.limit, metric.drift.action) == (0.0, 0.05, "Warn")
    assert [c.name for c in metric.drift.classes] == ["sun", "rain", "snow", "all others"]
    assert metric.baseline.requests > 0


def test_what_a_metric_that_only_warns_does_not_count_keeps_nobody_waiting() -> None:
    cluster = analyzing()
    cluster.is_counted = False

    assert decided(cluster).attempt.phase == "Promoted"


def test_an_enforced_drift_rejects_in_words_of_the_predictions() -> None:
    cluster = decided(analyzing(MOVED, action="Reject"))

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Rejected", "EvidenceBad")
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.startswith(
        "Rejected: more than 5.0 % of the canary's predictions moved to another class (20.0 % did: "
    )
    assert cluster.attempt.message.endswith("(predictions, one of 2 metrics)")
    assert condition(cluster) is None


def test_an_enforced_metric_must_be_good_enough_for_a_promotion() -> None:
    slightly = {"sun": 0.56, "rain": 0.34, "snow": 0.1}
    open_still = decided(analyzing(slightly, action="Reject"), intervals=5)
    assert open_still.attempt.phase == "Analyzing"
    assert open_still.attempt.message is not None
    assert "may move to another class" in open_still.attempt.message

    assert decided(analyzing(action="Reject")).attempt.phase == "Promoted"
    assert decided(analyzing(slightly, limit=0.2, action="Reject")).attempt.phase == "Promoted"


def test_an_enforced_metric_that_nobody_counts_waits_and_says_so() -> None:
    cluster = analyzing(action="Reject")
    cluster.is_counted = False
    for _ in range(4):
        cluster.compare(requests=1000)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "MetricsUnavailable")


def test_a_canary_that_answers_nothing_but_errors_is_rejected_although_it_never_counts_a_prediction() -> None:
    cluster = analyzing(silent=frozenset({"2"}), action="Reject")
    cluster.compare(requests=500, canary_failures=500)
    cluster.settled()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Rejected", "EvidenceBad")
    assert cluster.attempt.message is not None
    assert cluster.attempt.message.startswith("Rejected: the canary fails 100 %")


def test_without_any_prediction_an_enforced_metric_has_no_data() -> None:
    cluster = decided(analyzing(silent=frozenset({"1", "2"}), action="Reject"), intervals=12)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Analyzing", "NoData")
    assert (cluster.attempt.message or "").startswith("No data yet: baseline and canary have not counted predictions")


def test_counters_that_are_missing_once_are_waited_for_and_not_taken_for_a_restart() -> None:
    cluster = analyzing(action="Reject")
    cluster.compare(requests=100)
    cluster.silent = frozenset({"2"})
    cluster.compare(requests=100)
    cluster.silent = frozenset()
    cluster.compare(requests=100)

    (_, metric) = cluster.attempt.metrics
    assert (metric.baseline.requests, metric.canary.requests) == (200, 200)


def test_a_metric_whose_counters_come_late_is_judged_from_then_on() -> None:
    cluster = analyzing(MOVED, action="Reject")
    cluster.is_counted = False
    for _ in range(2):
        cluster.compare(requests=1000)
    cluster.is_counted = True

    assert decided(cluster).attempt.phase == "Rejected"


def test_what_is_counted_in_a_pause_is_not_judged() -> None:
    cluster = analyzing(action="Reject")
    cluster.compare(requests=100)
    cluster.pausing().settled()
    cluster.mix = MOVED
    cluster.count_requests(100_000)
    cluster.passing(600).look()
    cluster.mix = USUAL
    cluster.pausing(False).settled()
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings())

    assert decided(cluster).attempt.phase == "Promoted"


def test_predictions_of_the_warm_up_are_not_judged() -> None:
    analysis = {"warmup": "60s", "minDuration": "0s", "maxDuration": "5m", "metrics": [{}, PREDICTIONS]}
    cluster = Weather(analysis=analysis)
    cluster.serving("1").wanting("2").until("Analyzing").settled()
    cluster.mix = MOVED
    for _ in range(6):
        cluster.compare(requests=1000)
    assert cluster.attempt.engine["drifts"]["predictions"]["evidence"]["canary"] == [0.0] * 4


@pytest.mark.parametrize("action", ["Warn", "Reject"])
def test_an_operator_that_starts_again_at_every_look_says_the_same(action: str) -> None:
    # The paper cluster keeps nothing but what is written into statuses, so each look is that of a new operator.
    first, second = (decided(analyzing(MOVED, action=action)) for _ in range(2))
    assert first.attempt.engine == second.attempt.engine
    assert first.attempt.message == second.attempt.message
