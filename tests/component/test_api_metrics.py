"""Which presets of `server.metrics` the API server takes, and how it says what is missing."""

from typing import Any

import pytest
from component.test_api_validation import (
    Kubectl,
    kubectl,  # noqa: F401 (pytest finds the fixture by its name)
    model_deployment,
    refusal,
)

pytestmark = pytest.mark.component

CUSTOM = {"preset": "Custom", "total": "hits_total", "failed": 'hits_total{code=~"5.."}'}
LATENCY = {"name": "latency", "type": "Histogram"}


@pytest.mark.parametrize(
    ("metrics", "plan", "words"),
    [
        pytest.param({"preset": "Custom"}, [{}], "preset Custom needs total and failed", id="Custom without counters"),
        pytest.param({"preset": "Triton", "total": "x"}, [{}], "go only there", id="counters beside another preset"),
        pytest.param({"preset": "Seldon"}, [{}], "Unsupported value", id="an unknown preset"),
        pytest.param({"preset": "Triton"}, [{}, LATENCY], "no histogram of latencies", id="Triton's latencies"),
        pytest.param(CUSTOM, [{}, LATENCY], "no histogram of latencies", id="latencies of nobody"),
        pytest.param({}, [{"failedWhenAbsent": "Zero"}], "failedWhenAbsent goes with total", id="absence of nothing"),
        pytest.param({}, [{"total": "rate(x[5m])", "failed": "y"}], "should match", id="an expression"),
    ],
)
def test_metrics_that_cannot_be_read_are_refused_with_a_reason(
    kubectl: Kubectl,  # noqa: F811 (the fixture)
    metrics: dict[str, Any],
    plan: list[dict[str, Any]],
    words: str,
) -> None:
    body = model_deployment(server__metrics=metrics, rollout__analysis__metrics=plan)
    assert words in refusal(kubectl, "apply", body=body)


@pytest.mark.parametrize(
    ("metrics", "plan"),
    [
        pytest.param({"preset": "Triton"}, [{}, {**LATENCY, "buckets": "ttft_ms_bucket"}], id="Triton"),
        pytest.param({"preset": "MLServer", "port": 9082}, [{}, LATENCY], id="MLServer"),
        pytest.param({"preset": "Istio"}, [{}, LATENCY], id="Istio"),
        pytest.param({**CUSTOM, "latencyBuckets": "hit_seconds_bucket"}, [{}, LATENCY], id="Custom"),
        pytest.param({}, [{"total": '{__name__=~"ok|bad"}', "failed": "bad"}], id="two counters by one selector"),
    ],
)
def test_every_preset_is_taken(
    kubectl: Kubectl,  # noqa: F811 (the fixture)
    metrics: dict[str, Any],
    plan: list[dict[str, Any]],
) -> None:
    body = model_deployment("preset", server__metrics=metrics, rollout__analysis__metrics=plan)
    assert "preset" in kubectl("apply", body=body)
