"""What the operator tells of itself."""

import urllib.error
import urllib.request
from typing import get_args

import pytest
from serin.adapters.operator_metrics import OperatorMetrics
from serin.adapters.prometheus_connection import QueryOutcome
from serin.core.facts import Key
from serin.runtime.outcomes import Outcome
from serin.runtime.workqueue import WorkQueue
from serin_testkit.clock import FakeClock
from serin_testkit.control_plane import find_free_ports


def test_every_outcome_is_counted_from_zero() -> None:
    metrics = OperatorMetrics()
    metrics.count_reconcile("bug", 0.01)
    counts = {outcome: metrics.value("serin_operator_reconciles_total", outcome=outcome.value) for outcome in Outcome}
    assert counts == {outcome: 1.0 if outcome is Outcome.BUG else 0.0 for outcome in Outcome}


def test_writes_are_counted_by_kind_and_verb() -> None:
    metrics = OperatorMetrics()
    metrics.count_write("Service", "apply")
    assert metrics.value("serin_operator_writes_total", kind="Service", verb="apply") == 1


def test_queries_are_counted_by_outcome_and_those_that_were_sent_by_their_seconds() -> None:
    metrics = OperatorMetrics()
    metrics.count_query("answered", 0.2)
    metrics.count_query("spared", 0.0)

    name = "serin_operator_prometheus_queries_total"
    counts = {outcome: metrics.value(name, outcome=outcome) for outcome in get_args(QueryOutcome)}
    assert counts == {"answered": 1, "refused": 0, "unavailable": 0, "spared": 1}
    assert metrics.value("serin_operator_prometheus_query_seconds_count") == 1


def test_the_queue_is_read_when_somebody_asks() -> None:
    metrics, queue = OperatorMetrics(), WorkQueue(FakeClock(), jitter=lambda: 0.0)
    metrics.watch_queue(queue)
    queue.add(Key("ml", "a"))
    queue.add_after(Key("ml", "b"), 5)
    assert metrics.value("serin_operator_queue_depth") == 1
    assert metrics.value("serin_operator_queue_delayed") == 1


def test_the_numbers_are_served_until_the_operator_ends() -> None:
    port = find_free_ports(1)[0]
    with (
        OperatorMetrics().serve(port, lambda: None),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response,
    ):
        assert b'serin_operator_reconciles_total{outcome="done"} 0.0' in response.read()


def test_it_is_ready_when_nothing_is_waited_for_any_more() -> None:
    port = find_free_ports(1)[0]
    address = f"http://127.0.0.1:{port}/readyz"
    missing: str | None = "the first lists are not in"
    with OperatorMetrics().serve(port, lambda: missing):
        with pytest.raises(urllib.error.HTTPError, match="503") as refusal:
            urllib.request.urlopen(address, timeout=5)
        with refusal.value as answer:
            assert answer.read() == b"the first lists are not in\n"
        missing = None
        with urllib.request.urlopen(address, timeout=5) as answer:
            assert answer.status == 200


def test_port_zero_serves_nobody() -> None:
    with OperatorMetrics().serve(0, lambda: None):
        pass
