"""What `helm test` runs: the operator and Prometheus, each asked in its own way."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from serin.adapters.operator_metrics import OperatorMetrics
from serin.adapters.settings import Settings
from serin.installation_check import find_troubles
from serin_testkit.control_plane import find_free_ports


@contextmanager
def a_prometheus(status: int, answer: object) -> Iterator[str]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base names it)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def prometheus() -> Iterator[str]:
    with a_prometheus(200, {"status": "success", "data": {"result": []}}) as url:
        yield url


@contextmanager
def an_operator(missing: str | None = None) -> Iterator[str]:
    port = find_free_ports(1)[0]
    with OperatorMetrics().serve(port, lambda: missing):
        yield f"http://127.0.0.1:{port}"


def test_a_ready_operator_and_a_prometheus_that_answers_are_no_trouble(prometheus: str) -> None:
    with an_operator() as operator:
        assert list(find_troubles(operator, Settings(prometheus_url=prometheus))) == []


def test_an_operator_that_waits_says_for_what(prometheus: str) -> None:
    with an_operator("pods is forbidden") as operator:
        (trouble,) = find_troubles(operator, Settings(prometheus_url=prometheus))
    assert "not ready: pods is forbidden" in trouble


def test_each_of_the_two_that_is_away_is_named_and_a_password_is_not() -> None:
    nobody, nobody_either = find_free_ports(2)
    settings = Settings(prometheus_url=f"http://me:secret@127.0.0.1:{nobody}")
    operator, prometheus = find_troubles(f"http://127.0.0.1:{nobody_either}", settings)
    assert f":{nobody_either} does not answer" in operator
    assert "Prometheus at 127.0.0.1 gives no answer" in prometheus
    assert "secret" not in prometheus


def test_a_prometheus_that_refuses_the_operator_is_a_trouble() -> None:
    with an_operator() as operator, a_prometheus(401, {"status": "error", "error": "no token"}) as url:
        (trouble,) = find_troubles(operator, Settings(prometheus_url=url))
    assert "is of no use: HTTP 401: no token" in trouble


def test_something_else_than_prometheus_is_a_trouble() -> None:
    with an_operator() as operator, a_prometheus(200, {"hello": "world"}) as url:
        (trouble,) = find_troubles(operator, Settings(prometheus_url=url))
    assert "does not speak as Prometheus does" in trouble
