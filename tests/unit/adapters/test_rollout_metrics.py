"""What the operator tells Prometheus about rollouts."""

from typing import Any

from prometheus_client import CollectorRegistry
from serin.adapters.rollout_metrics import RolloutMetrics

PLACE = {"namespace": "ml", "model_deployment": "weather", "rollout": "weather-2"}


def rollout(phase: str, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "ml", "name": "weather-2"},
        "spec": {"modelDeployment": "weather"},
        "status": {"phase": phase, **status},
    }


METRIC = {
    "name": "latency/0.1",
    "baseline": {"requests": 5210, "failures": 51},
    "canary": {"requests": 5188, "failures": 55},
    "evidenceGood": 6.1,
    "promotesAt": 20,
    "evidenceBad": 0.4,
    "rejectsAt": 100,
    "margin": 0.005,
}


def registry_of(*rollouts: dict[str, Any]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(RolloutMetrics(lambda: rollouts))
    return registry


def test_drift_of_predictions_stands_next_to_its_limit() -> None:
    drift = {**METRIC, "name": "predictions", "drift": {"totalVariation": 0.03, "limit": 0.05, "action": "Warn"}}
    registry = registry_of(rollout("Analyzing", metrics=[METRIC, drift]))
    for metric, moved, limit in (("predictions", 0.03, 0.05), ("latency/0.1", None, None)):
        labels = {**PLACE, "metric": metric}
        assert registry.get_sample_value("serin_rollout_total_variation", labels) == moved
        assert registry.get_sample_value("serin_rollout_drift_limit", labels) == limit


def test_every_number_of_a_comparison_stands_next_to_its_threshold() -> None:
    registry = registry_of(rollout("Analyzing", metrics=[METRIC]))
    numbers = {
        name: registry.get_sample_value(f"serin_rollout_{name}", {**PLACE, "metric": "latency/0.1"})
        for name in ("evidence_good", "promotes_at", "evidence_bad", "rejects_at", "margin", "proven_worse_at_most")
    }
    assert numbers == {
        "evidence_good": 6.1,
        "promotes_at": 20,
        "evidence_bad": 0.4,
        "rejects_at": 100,
        "margin": 0.005,
        "proven_worse_at_most": None,
    }


def test_requests_failures_and_shares_are_told_per_variant() -> None:
    weights = {"effective": {"stable": 80, "baseline": 10, "canary": 10}}
    registry = registry_of(rollout("Analyzing", metrics=[METRIC], weights=weights))
    canary = {**PLACE, "variant": "canary"}

    assert registry.get_sample_value("serin_rollout_failures", {**canary, "metric": "latency/0.1"}) == 55
    assert registry.get_sample_value("serin_rollout_requests", {**canary, "metric": "latency/0.1"}) == 5188
    assert registry.get_sample_value("serin_rollout_weight_percent", canary) == 10


def test_a_rollout_that_has_ended_leaves_nothing_but_its_count() -> None:
    registry = registry_of(rollout("Rejected", metrics=[METRIC]))

    assert registry.get_sample_value("serin_rollout_evidence_bad", {**PLACE, "metric": "latency/0.1"}) is None
    assert registry.get_sample_value("serin_rollouts", {"phase": "Rejected"}) == 1
    assert registry.get_sample_value("serin_rollouts", {"phase": "Analyzing"}) == 0


def test_a_rollout_that_nobody_has_looked_at_is_pending() -> None:
    registry = registry_of({"metadata": {"namespace": "ml", "name": "weather-2"}})
    assert registry.get_sample_value("serin_rollouts", {"phase": "Pending"}) == 1
