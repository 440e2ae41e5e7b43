"""`kubectl serin judge --prometheus --metric`: whether the predictions of a past rollout had drifted."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from serin.cli.main import main

BEGIN, STEP = 1795334400, 10
"""2026-11-22T08:00Z."""

PLAN = "metrics: [{}, {name: skies, type: Categories}]\nminDuration: 1m\n"


class Prometheus:
    """Answers range queries with what two pods of a selector had predicted, 100 in each step; on loopback."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.rain = {"canary": 0.3, "baseline": 0.3, "stable": 0.3}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                outer.queries.append(asked["query"])
                body = json.dumps(outer.answer(asked)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, asked: dict[str, str]) -> dict[str, Any]:
        begin, end = round(float(asked["start"])), round(float(asked["end"]))
        role = next((role for role in self.rain if role in asked["query"]), "")
        shares = {"rain": self.rain.get(role, 0), "sun": 1 - self.rain.get(role, 0)} if role in self.rain else {}
        result = [
            {
                "metric": {"pod": f"{role}-{number}", "class": name},
                "values": [
                    [at, str(round(100 * share) * (at - BEGIN + 1000) // STEP)] for at in range(begin, end + 1, STEP)
                ],
            }
            for number in (1, 2)
            for name, share in shares.items()
        ]
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    prometheus = Prometheus()
    thread = threading.Thread(target=prometheus.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield prometheus
    prometheus.server.shutdown()
    prometheus.server.server_close()
    thread.join()


@pytest.fixture
def judge(prometheus: Prometheus, tmp_path: Path) -> Any:
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


def test_predictions_that_stayed_as_they_were_would_have_passed(prometheus: Prometheus, judge: Any) -> None:
    told = judge()
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[0].split() == ["CLASS", "BASELINE", "CANARY"]
    assert "Promoted: with 95 % confidence at most 5.0 % of the predictions moved" in told.stdout
    assert len(prometheus.queries) == 3
    assert all("serin_prediction" in query for query in prometheus.queries)


def test_predictions_that_moved_would_have_been_called_drift_and_when(prometheus: Prometheus, judge: Any) -> None:
    prometheus.rain["canary"] = 0.5
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
