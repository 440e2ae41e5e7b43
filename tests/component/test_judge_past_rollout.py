"""`kubectl serin judge --prometheus` on a past rollout that a real Prometheus has scraped, second by second."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from serin.cli.main import main
from serin_testkit.real_prometheus import RealPrometheus

pytestmark = pytest.mark.component

SECONDS = 15
"""Of traffic: half of it would do for a verdict."""

PLAN = """
interval: 1s
minDuration: 0s
dispersion: {mode: Fixed, value: 1}
metrics: [{name: failures}, {name: latency, type: Histogram}]
"""


def make_page(second: int, *, failing: float = 0.0, slow: float = 0.1) -> str:
    """What a pod of MLServer shows after so many seconds of 2,000 requests each."""
    requests = 2000 * second
    failed, slower = int(requests * failing), int(requests * slow)
    lines = [
        f'model_infer_request_success_total{{model="m",version="1"}} {requests - failed}',
        f'model_infer_request_failure_total{{model="m",version="1"}} {failed}',
    ]
    for le, count in (("0.01", requests - slower), ("0.1", requests), ("+Inf", requests)):
        labels = f'path="/v2/models/{{model_name}}/infer",status_code="200",le="{le}"'
        lines.append(f"rest_server_request_duration_seconds_bucket{{{labels}}} {count}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    with RealPrometheus.run(tmp_path_factory.mktemp("prometheus")) as prometheus:
        yield prometheus


@pytest.fixture(scope="module")
def past(prometheus: RealPrometheus) -> tuple[str, str]:
    """When a rollout was: its canary `good` is as its baseline, `broken` fails, `slow` takes longer."""
    return asyncio.run(pass_seconds(prometheus))


async def pass_seconds(prometheus: RealPrometheus) -> tuple[str, str]:
    shown: dict[str, dict[str, Any]] = {
        "stable-a": {"failing": 0.01},
        "stable-b": {"failing": 0.01},
        "baseline": {"failing": 0.01},
        "good": {"failing": 0.01},
        "broken": {"failing": 0.3},
        "slow": {"slow": 0.5},
    }
    begin = datetime.now(UTC)
    for second in range(1, SECONDS + 1):
        for pod, behaviour in shown.items():
            prometheus.show("ml", pod, make_page(second, **behaviour))
        await prometheus.until_scraped("ml", *shown)
        begin = datetime.now(UTC) if second == 1 else begin
    await asyncio.sleep(1.0)  # a range query ends with a whole second
    return begin.isoformat(), datetime.now(UTC).isoformat()


def judge(prometheus: RealPrometheus, past: tuple[str, str], folder: Path, canary: str, *further: str) -> Any:
    plan = folder / "plan.yaml"
    plan.write_text(PLAN)
    pods = ["--baseline", 'pod="baseline"', "--canary", f'pod="{canary}"', "--stable", 'pod=~"stable-.*"']
    told = ["--prometheus", prometheus.url, "--plan", str(plan), "--preset", "MLServer", "--json", *pods]
    result = CliRunner().invoke(main, ["judge", *told, "--from", past[0], "--to", past[1], *further])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(("canary", "verdict"), [("good", "Promote"), ("broken", "Reject")])
async def test_failures_are_judged_by_the_counters_of_the_preset(
    prometheus: RealPrometheus, past: tuple[str, str], tmp_path: Path, canary: str, verdict: str
) -> None:
    told = await asyncio.to_thread(judge, prometheus, past, tmp_path, canary)
    assert told["verdict"] == verdict, told["sentence"]


@pytest.mark.parametrize(("canary", "verdict"), [("good", "Promote"), ("slow", "Reject")])
async def test_latencies_are_judged_by_bounds_that_the_stable_pods_choose(
    prometheus: RealPrometheus, past: tuple[str, str], tmp_path: Path, canary: str, verdict: str
) -> None:
    told = await asyncio.to_thread(judge, prometheus, past, tmp_path, canary, "--metric", "latency")
    assert told["verdict"] == verdict, told["sentence"]
    assert list(told["streams"]) == ["latency/0.01", "latency/0.1"]
    assert "0.01 s" in told["sentence"] or verdict == "Promote"
