"""`kubectl serin judge --prometheus --metric`: whether the predictions of a past rollout had drifted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from serin.cli.main import main
from unit.cli.past_prometheus import PastPrometheus

PLAN = "metrics: [{}, {name: skies, type: Categories}]\nminDuration: 1m\n"


@pytest.fixture
def prometheus() -> Iterator[PastPrometheus]:
    """100 predictions a step and pod, of which `share` are rain."""
    with PastPrometheus("class", ("rain", "sun"), {"canary": 0.3, "baseline": 0.3, "stable": 0.3}).running() as found:
        yield found


@pytest.fixture
def judge(prometheus: PastPrometheus, tmp_path: Path) -> Any:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)

    def run(*options: str, **changes: str) -> Result:
        asked = {
            "prometheus": prometheus.url,
            "plan": str(plan),
            "metric": "skies",
            "baseline": 'pod=~"baseline-.*"',
            "canary": 'pod=~"canary-.*"',
            "stable": 'pod=~"stable-.*"',
            "from": "2026-11-22T08:00:00Z",
            "to": "2026-11-22T08:30:00Z",
            **changes,
        }
        told = [part for name, value in asked.items() if value for part in (f"--{name}", value)]
        return CliRunner().invoke(main, ["judge", *told, *options])

    return run


def test_predictions_that_stayed_as_they_were_would_have_passed(prometheus: PastPrometheus, judge: Any) -> None:
    told = judge()
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[0].split() == ["CLASS", "BASELINE", "CANARY"]
    assert "Promoted: with 95 % confidence at most 5.0 % of the predictions moved" in told.stdout
    assert len(prometheus.queries) == 3
    assert all("serin_prediction" in query for query in prometheus.queries)


def test_predictions_that_moved_would_have_been_called_drift_and_when(prometheus: PastPrometheus, judge: Any) -> None:
    prometheus.share["canary"] = 0.5
    result = judge("--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)

    assert (told["verdict"], told["classes"], told["limit"]) == ("Reject", ["sun", "rain", "all others"], 0.05)
    decided = told["intervals"][told["interval"] - 1]
    assert decided["total_variation"] == pytest.approx(0.2)
    assert decided["canary"] == [200 * 0.5 * told["interval"]] * 2 + [0]
    assert told["intervals"][told["interval"] - 2]["verdict"] == "Analyzing"
    assert "more than 5.0 % of the canary's predictions moved" in told["sentence"]


def test_what_was_predicted_before_is_no_part_of_it(judge: Any) -> None:
    told = json.loads(judge("--json", to="2026-11-22T08:00:10Z").stdout)
    assert [sum(step["canary"]) for step in told["intervals"]] == [200]
    assert told["verdict"] == "Inconclusive"


@pytest.mark.parametrize(
    ("options", "changes", "expected"),
    [
        ((), {"canary": 'pod=~"nobody-.*"'}, "such pods have counted no predictions in that time"),
        ((), {"preset": "Istio"}, "--preset Istio counts no predictions: name a counter in 'skies'"),
        ((), {"metric": "clouds"}, "--metric clouds, expected a metric of the plan: success-rate, skies"),
        (("--plot", "out.svg"), {}, "neither kept nor drawn"),
    ],
)
def test_what_cannot_be_judged_is_said(
    judge: Any, options: tuple[str, ...], changes: dict[str, str], expected: str
) -> None:
    result = judge(*options, **changes)
    assert result.exit_code == 2
    assert expected in " ".join(result.output.replace("│", "").split())
