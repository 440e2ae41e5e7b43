"""`kubectl serin judge --prometheus`: a past rollout is asked for and judged like a file of counts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from serin.cli.main import main
from unit.cli.past_prometheus import BEGIN, STEP, PastPrometheus

END = BEGIN + 300


@pytest.fixture
def prometheus() -> Iterator[PastPrometheus]:
    """100 requests a step and pod, of which `share` failed."""
    with PastPrometheus("code", ("500", "200"), {"canary": 0.5, "baseline": 0.01, "stable": 0.01}).running() as found:
        yield found


def judge(source: PastPrometheus, /, *options: str, **changes: str) -> Result:
    asked = {
        "prometheus": source.url,
        "baseline": 'pod=~"baseline-.*"',
        "canary": 'pod=~"canary-.*"',
        "from": "2026-11-22T08:00:00Z",
        "to": "2026-11-22T08:05:00Z",
        **changes,
    }
    told = [part for name, value in asked.items() if value for part in (f"--{name}", value)]
    return CliRunner().invoke(main, ["judge", *told, *options])


def test_a_broken_version_of_the_past_would_have_been_rejected(prometheus: PastPrometheus) -> None:
    result = judge(prometheus, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)

    assert (told["verdict"], told["interval"]) == ("Reject", 2)
    assert len(told["intervals"]) == (END - BEGIN) / STEP
    assert prometheus.queries == ['serin_requests_total{pod=~"baseline-.*"}', 'serin_requests_total{pod=~"canary-.*"}']


def test_stable_pods_give_history_and_the_counts_can_be_kept_and_judged_again(
    prometheus: PastPrometheus, tmp_path: Path
) -> None:
    prometheus.share["canary"] = 0.01
    kept = tmp_path / "counts.csv"
    first = judge(prometheus, "--json", "--write-counts", str(kept), stable='pod=~"stable-.*"')
    assert first.exit_code == 0, first.output
    again = CliRunner().invoke(main, ["judge", str(kept), "--json"])

    assert json.loads(first.stdout)["verdict"] == "Promote"
    assert again.stdout == first.stdout
    lines = kept.read_text().splitlines()
    assert lines.index("start") == 1 + 3600 / STEP


def test_own_counters_of_the_plan_are_asked_for(prometheus: PastPrometheus, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("metrics: [{total: 'asks{route=\"/\"}', failed: bad_asks}]")
    assert judge(prometheus, "--plan", str(plan)).exit_code == 0
    assert prometheus.queries[:2] == ['asks{route="/",pod=~"baseline-.*"}', 'bad_asks{pod=~"baseline-.*"}']


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"canary": ""}, "a past rollout is judged, which needs --canary"),
        ({"from": "2026-11-22T09:00:00Z"}, "expected a time before --to"),
        ({"from": "yesterday"}, "'yesterday', expected a time such as"),
        ({"from": "2026-11-22T08:00:00"}, "has no zone"),
        ({"canary": 'pod="nobody"'}, "--canary 'pod=\"nobody\"': Prometheus has no counters of such pods"),
        ({"prometheus": "http://127.0.0.1:9"}, "--prometheus http://127.0.0.1:9: expected an answer"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_option(
    prometheus: PastPrometheus, changes: dict[str, str], expected: str
) -> None:
    result = judge(prometheus, **changes)
    assert result.exit_code == 2
    assert expected in " ".join(result.stderr.split())


def test_an_answer_that_is_not_whole_is_not_judged(prometheus: PastPrometheus) -> None:
    prometheus.warnings = ["store eu-2 is away"]
    result = judge(prometheus)
    assert result.exit_code == 2
    assert "store eu-2 is away" in result.stderr
