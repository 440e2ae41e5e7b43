"""How Prometheus is asked, and what happens when it does not answer."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from serin.adapters.prometheus import PrometheusMetrics
from serin.adapters.prometheus_connection import BREAKER_SECONDS
from serin.adapters.prometheus_session import make_session
from serin.core.evidence.categories import CategoryReading
from serin.core.evidence.counters import Reading
from serin.core.facts import (
    CounterRequest,
    HistoryRequest,
    Key,
    MetricHistory,
    MetricQuestion,
    MetricReadings,
    MetricsUnavailable,
)
from serin.core.metric_presets import SERIN, FailedCounter
from serin_testkit.clock import FakeClock


def ask(name: str, *pods: str) -> MetricQuestion:
    return MetricQuestion(name, pods or ("a",), requests=SERIN.requests or "", failed=SERIN.failed)


def ask_pair(name: str, total: str, failed: str, *pods: str) -> MetricQuestion:
    return MetricQuestion(name, pods or ("a",), requests=total, failed=FailedCounter(failed, is_lazy=True))


def request(*questions: MetricQuestion) -> CounterRequest:
    return CounterRequest(Key("ml", "weather"), questions or (ask("answers"),), 30.0)


def history_request(*questions: MetricQuestion) -> HistoryRequest:
    end = datetime(2026, 11, 22, 12, tzinfo=UTC)
    return HistoryRequest(Key("ml", "weather"), questions, end - timedelta(hours=1), end, 10.0)


class PromptClock(FakeClock):
    """Sleeps take no time of the test's and all of the clock's."""

    async def sleep(self, seconds: float) -> None:
        self._seconds += seconds


class Prometheus:
    """Answers every query with `status` and `body`, on loopback; keeps the queries."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.body = make_answer({"metric": {"namespace": "ml", "pod": "a", "code": "200"}, "values": [[10.0, "5"]]})
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(urlsplit(self.path).query)

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def _answer(self, asked: str) -> None:
                outer.paths.append(self.path)
                outer.headers.append(dict(self.headers))
                outer.queries.append(parse_qs(asked)["query"][0])
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


def make_answer(*result: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


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
def clock() -> PromptClock:
    return PromptClock()


@pytest.fixture
async def metrics(prometheus: Prometheus, clock: PromptClock) -> AsyncIterator[PrometheusMetrics]:
    metrics = PrometheusMetrics(f"http://user:secret@{prometheus.address}", clock, jitter=lambda: 0.0)
    yield metrics
    metrics.close()


async def test_serins_own_counters_are_read_with_one_query(metrics: PrometheusMetrics, prometheus: Prometheus) -> None:
    assert await metrics.read_counters(request()) == MetricReadings({"answers": {"a": Reading(10.0, 5, 0)}})
    assert len(prometheus.queries) == 1


async def test_predictions_are_read_after_the_rest_and_their_failure_is_theirs_alone(
    metrics: PrometheusMetrics, prometheus: Prometheus
) -> None:
    predictions = MetricQuestion(
        "predictions", ("a",), "Categories", predictions=SERIN.predictions or "", class_label="class"
    )
    with_classes = request(predictions, ask("answers"))
    prometheus.body = make_answer(
        {"metric": {"namespace": "ml", "pod": "a", "code": "200", "class": "rain"}, "values": [[10.0, "5"]]}
    )
    answers = {"answers": {"a": Reading(10.0, 5, 0)}}
    found = await metrics.read_counters(with_classes)
    assert found == MetricReadings(answers, {"predictions": {"a": CategoryReading(10.0, {"rain": 5})}})
    assert "serin_predictions_total" in prometheus.queries[1]

    prometheus.body = make_answer({"metric": {"namespace": "ml", "pod": "a", "code": "200"}, "values": [[10.0, "5"]]})
    assert await metrics.read_counters(with_classes) == MetricReadings(answers)


async def test_counters_of_another_server_are_read_with_two(metrics: PrometheusMetrics, prometheus: Prometheus) -> None:
    found = await metrics.read_counters(request(ask_pair("answers", "hits", 'hits{bad="1"}')))
    assert found == MetricReadings({"answers": {"a": Reading(10.0, 5, 5)}})
    assert [query.split("{")[0] for query in prometheus.queries] == ["hits", "hits"]


async def test_every_metric_is_read_under_its_own_name(metrics: PrometheusMetrics) -> None:
    found = await metrics.read_counters(request(ask("answers"), ask_pair("hits", "hits", "misses")))
    assert found == MetricReadings({"answers": {"a": Reading(10.0, 5, 0)}, "hits": {"a": Reading(10.0, 5, 5)}})


async def test_the_past_is_asked_for_once_and_read_step_by_step(
    metrics: PrometheusMetrics, prometheus: Prometheus
) -> None:
    values = [[10.0, "5"], [20.0, "8"]]
    prometheus.body = make_answer(
        {"metric": {"namespace": "ml", "pod": "a", "code": "200"}, "values": values},
        {"metric": {"namespace": "ml", "pod": "a", "code": "500"}, "values": [[20.0, "1"]]},
    )
    found = await metrics.read_history(history_request(ask("answers")))

    assert found == MetricHistory({"answers": {"a": (Reading(10.0, 5, 0), Reading(20.0, 9, 1))}})
    assert prometheus.queries == ['serin_requests_total{namespace=~"ml",pod=~"a"}']
    (asked,) = prometheus.paths
    assert urlsplit(asked).path == "/api/v1/query_range"
    assert parse_qs(urlsplit(asked).query)["step"] == ["10s"]


async def test_a_past_that_cannot_be_had_is_unavailable(metrics: PrometheusMetrics, prometheus: Prometheus) -> None:
    prometheus.status = 503
    assert isinstance(await metrics.read_history(history_request(ask("answers"))), MetricsUnavailable)


async def test_nobody_is_asked_about_no_pods(metrics: PrometheusMetrics, prometheus: Prometheus) -> None:
    nobody = MetricQuestion("answers", (), requests="hits")
    assert await metrics.read_counters(request(nobody)) == MetricReadings({})
    assert prometheus.queries == []


async def test_one_hiccup_is_asked_again_once(metrics: PrometheusMetrics, prometheus: Prometheus) -> None:
    prometheus.status = 503
    assert isinstance(await metrics.read_counters(request()), MetricsUnavailable)
    assert len(prometheus.queries) == 2


async def test_the_reason_tells_where_and_why_and_no_password(
    metrics: PrometheusMetrics, prometheus: Prometheus
) -> None:
    prometheus.status, prometheus.body = 503, b'{"status": "error", "error": "query timed out in evaluation"}'
    answer = await metrics.read_counters(request())
    assert isinstance(answer, MetricsUnavailable)
    assert answer.reason == f"Prometheus at http://{prometheus.address}: HTTP 503: query timed out in evaluation"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": 1}', b'{"data": {"result": [{"value": [1, "2"]}]}}'])
async def test_an_answer_of_something_else_is_no_readings(
    metrics: PrometheusMetrics, prometheus: Prometheus, body: bytes
) -> None:
    prometheus.body = body
    assert isinstance(await metrics.read_counters(request()), MetricsUnavailable)


async def test_a_dead_prometheus_is_left_alone_for_a_while_and_then_asked_again(
    metrics: PrometheusMetrics, prometheus: Prometheus, clock: PromptClock
) -> None:
    prometheus.status = 503
    for _ in range(10):
        assert isinstance(await metrics.read_counters(request()), MetricsUnavailable)
    asked = len(prometheus.queries)
    assert asked == 4

    prometheus.status = 200
    refused = await metrics.read_counters(request())
    assert isinstance(refused, MetricsUnavailable)
    assert "not asked again for 15 s" in refused.reason
    assert len(prometheus.queries) == asked

    await clock.sleep(BREAKER_SECONDS)
    assert isinstance(await metrics.read_counters(request()), MetricReadings)


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_query_that_is_refused_is_told_and_takes_prometheus_from_nobody(
    metrics: PrometheusMetrics, prometheus: Prometheus, status: int
) -> None:
    prometheus.status, prometheus.body = status, b'{"status": "error", "error": "parse error: bad matcher"}'
    answers = [await metrics.read_counters(request(ask_pair("answers", "x{=}", "y"))) for _ in range(5)]
    assert all(isinstance(answer, MetricsUnavailable) for answer in answers)
    assert str(answers[-1]).count(f"HTTP {status}: parse error: bad matcher") == 1
    assert len(prometheus.queries) == 5

    prometheus.status, prometheus.body = 200, make_answer()
    assert isinstance(await metrics.read_counters(request()), MetricReadings)


async def test_a_query_about_very_many_pods_travels_in_the_body(
    metrics: PrometheusMetrics, prometheus: Prometheus
) -> None:
    many = tuple(f"a-model-with-a-long-name-{number:04}" for number in range(200))
    assert isinstance(await metrics.read_counters(request(ask("answers", "a", *many))), MetricReadings)
    assert prometheus.paths == ["/api/v1/query"]
    assert all(pod in prometheus.queries[0] for pod in many)


async def test_a_path_before_the_api_is_kept(prometheus: Prometheus, clock: PromptClock) -> None:
    metrics = PrometheusMetrics(f"http://{prometheus.address}/select/0/prometheus", clock, jitter=lambda: 0.0)
    await metrics.read_counters(request())
    metrics.close()
    assert urlsplit(prometheus.paths[0]).path == "/select/0/prometheus/api/v1/query"


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        pytest.param({"warnings": ["store eu-2 did not answer"]}, "store eu-2 did not answer", id="Thanos, Mimir"),
        pytest.param({"isPartial": True}, "a part of the store did not answer", id="VictoriaMetrics"),
    ],
)
async def test_a_partial_answer_of_a_federated_store_is_none(
    metrics: PrometheusMetrics, prometheus: Prometheus, sign: dict[str, Any], words: str
) -> None:
    answer = {**sign, **json.loads(prometheus.body)}
    prometheus.body = json.dumps(answer, separators=(",", ":")).encode()
    found = await metrics.read_counters(request())

    assert isinstance(found, MetricsUnavailable)
    assert found.reason.endswith(f"the answer is not whole: {words}")


async def test_an_empty_list_of_warnings_is_no_warning(metrics: PrometheusMetrics, prometheus: Prometheus) -> None:
    prometheus.body = json.dumps({**json.loads(prometheus.body), "warnings": []}).encode()
    assert isinstance(await metrics.read_counters(request()), MetricReadings)


async def test_token_and_tenant_are_sent_and_a_replaced_token_is_taken_at_once(
    prometheus: Prometheus, clock: PromptClock, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    session = make_session(token_file=token, tenant="team-a")
    metrics = PrometheusMetrics(f"http://{prometheus.address}", clock, lambda: 0.0, session)
    await metrics.read_counters(request())
    token.write_text("second")
    await metrics.read_counters(request())
    token.unlink()
    lost = await metrics.read_counters(request())
    metrics.close()

    assert [headers["Authorization"] for headers in prometheus.headers] == ["Bearer first", "Bearer second"]
    assert {headers["X-Scope-OrgID"] for headers in prometheus.headers} == {"team-a"}
    assert isinstance(lost, MetricsUnavailable)
    assert lost.reason.endswith(f"the token in {token} cannot be read: No such file or directory")


async def test_every_query_is_reported_with_what_became_of_it(
    metrics: PrometheusMetrics, prometheus: Prometheus
) -> None:
    outcomes: list[str] = []
    metrics.report_to(lambda outcome, _seconds: outcomes.append(outcome))
    for status, times in ((200, 1), (422, 1), (503, 3)):
        prometheus.status = status
        for _ in range(times):
            await metrics.read_counters(request())
    await metrics.read_counters(request())

    assert outcomes == ["answered", "refused", *["unavailable"] * 4, "spared"]


async def test_a_port_where_nobody_listens_is_unavailable(clock: PromptClock) -> None:
    metrics = PrometheusMetrics("http://127.0.0.1:9", clock, jitter=lambda: 0.0)
    answer = await metrics.read_counters(request())
    metrics.close()
    assert answer == MetricsUnavailable("Prometheus at http://127.0.0.1:9: cannot be connected to")


async def test_a_metric_of_the_plan_that_is_no_selector_is_told_in_words(metrics: PrometheusMetrics) -> None:
    answer = await metrics.read_counters(request(ask_pair("answers", "rate(x[1m])", "y")))
    assert isinstance(answer, MetricsUnavailable)
    assert "'rate(x[1m])': expected a counter" in answer.reason
