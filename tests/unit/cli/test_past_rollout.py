"""`kubectl serin judge --prometheus`: a past rollout is asked for and judged like a file of counts."""

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

BEGIN, END, STEP = 1795334400, 1795334700, 10
"""2026-11-22T08:00Z, five minutes."""

LONG_AGO = BEGIN - 100_000
"""When the pods began to count."""


class Prometheus:
    """Answers range queries with what the pods of a selector had counted; on loopback."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.failed_share = {"canary": 0.5, "baseline": 0.01, "stable": 0.01}
        self.warnings: list[str] = []
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
        role = next((role for role in self.failed_share if role in asked["query"]), None)
        result = []
        for pod in (f"{role}-1", f"{role}-2") if role else ():
            for code in ("200", "500"):
                share = self.failed_share[role or ""] if code == "500" else 1 - self.failed_share[role or ""]
                counted = [
                    [at, str(round(100 * share) * (at - BEGIN + 100_000) // STEP)] for at in range(begin, end + 1, STEP)
                ]
                result.append({"metric": {"pod": pod, "code": code}, "values": counted})
        return {"status": "success", "warnings": self.warnings, "data": {"resultType": "matrix", "result": result}}


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    prometheus = Prometheus()
    thread = threading.Thread(target=prometheus.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield prometheus
    prometheus.server.shutdown()
    prometheus.server.server_close()
    thread.join()


def judge(source: Prometheus, /, *options: str, **changes: str) -> Result:
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


def test_a_broken_version_of_the_past_would_have_been_rejected(prometheus: Prometheus) -> None:
    result = judge(prometheus, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)

    assert (told["verdict"], told["interval"]) == ("Reject", 2)
    assert len(told["intervals"]) == (END - BEGIN) / STEP
    assert prometheus.queries == ['serin_requests_total{pod=~"baseline-.*"}', 'serin_requests_total{pod=~"canary-.*"}']


def test_stable_pods_give_history_and_the_counts_can_be_kept_and_judged_again(
    prometheus: Prometheus, tmp_path: Path
) -> None:
    prometheus.failed_share["canary"] = 0.01
    kept = tmp_path / "counts.csv"
    first = judge(prometheus, "--json", "--write-counts", str(kept), stable='pod=~"stable-.*"')
    assert first.exit_code == 0, first.output
    again = CliRunner().invoke(main, ["judge", str(kept), "--json"])

    assert json.loads(first.stdout)["verdict"] == "Promote"
    assert again.stdout == first.stdout
    lines = kept.read_text().splitlines()
    assert lines.index("start") == 1 + 3600 / STEP


def test_own_counters_of_the_plan_are_asked_for(prometheus: Prometheus, tmp_path: Path) -> None:
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
    prometheus: Prometheus, changes: dict[str, str], expected: str
) -> None:
    result = judge(prometheus, **changes)
    assert result.exit_code == 2
    assert expected in " ".join(result.stderr.split())


def test_an_answer_that_is_not_whole_is_not_judged(prometheus: Prometheus) -> None:
    prometheus.warnings = ["store eu-2 is away"]
    result = judge(prometheus)
    assert result.exit_code == 2
    assert "store eu-2 is away" in result.stderr
