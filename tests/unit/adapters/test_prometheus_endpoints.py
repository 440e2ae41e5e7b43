"""What routers count at an address, as the counters of the pod that has it."""

from typing import Any

import pytest
from serin.adapters.prometheus_endpoints import select_endpoints
from serin.adapters.prometheus_samples import InvalidAnswerError, newest, read_requests
from serin.core.evidence.counters import Reading
from serin.core.facts import Endpoint
from serin.core.metric_presets import PRESETS, FailedSeries

A, B = Endpoint("10.0.0.1", "a", 100.0), Endpoint("10.0.0.2", "b", 100.0)


def count(what: str, address: str, *values: tuple[float, int], router: str = "r1") -> dict[str, Any]:
    labels = {"namespace": "ml", "pod": router, "envoy_endpoint_address": address}
    metric = {"__name__": f"envoy_cluster_endpoint_rq_{what}", "envoy_cluster_name": "weather-1", **labels}
    return {"metric": metric, "values": [[at, str(value)] for at, value in values]}


def read(answer: list[dict[str, Any]], *endpoints: Endpoint) -> dict[str, Reading]:
    failed = PRESETS["Router"].failed
    assert isinstance(failed, FailedSeries)
    return dict(newest(read_requests(select_endpoints(answer, endpoints), failed)))


def test_good_and_bad_answers_of_a_pod_are_told_by_router() -> None:
    answer = [
        count("success", "10.0.0.1:8080", (200, 90)),
        count("error", "10.0.0.1:8080", (200, 10)),
        count("success", "10.0.0.1:8080", (201, 50), router="r2"),
        count("error", "10.0.0.1:8080", (201, 0), router="r2"),
        count("success", "10.0.0.2:8080", (200, 7)),
    ]
    assert read(answer, A, B) == {
        "a@r1": Reading(200, 100, 10),
        "a@r2": Reading(201, 50, 0),
        "b@r1": Reading(200, 7, 0),
    }


def test_what_is_at_other_addresses_is_nobodys() -> None:
    answer = [count("success", "10.0.0.9:8080", (200, 90)), count("success", "", (200, 1))]
    assert read(answer, A) == {}


def test_an_address_of_ipv6_is_written_in_brackets() -> None:
    answer = [count("success", "[fd00::1]:8080", (200, 90))]
    assert read(answer, Endpoint("fd00::1", "a", 0.0)) == {"a@r1": Reading(200, 90, 0)}


def test_what_another_pod_counted_at_the_address_before_is_not_its_own() -> None:
    before = count("success", "10.0.0.1:8080", (90, 5000), (99, 6000))
    both = count("success", "10.0.0.1:8080", (99, 6000), (101, 3))

    assert read([before], A) == {}
    assert read([both], A) == {"a@r1": Reading(101, 3, 0)}


def test_an_address_belongs_to_the_pod_that_was_made_last() -> None:
    evicted = Endpoint("10.0.0.1", "evicted", 50.0)
    answer = [count("success", "10.0.0.1:8080", (200, 90))]
    assert read(answer, A, evicted) == read(answer, evicted, A) == {"a@r1": Reading(200, 90, 0)}


def test_series_without_samples_are_refused() -> None:
    broken = {"metric": {"namespace": "ml", "pod": "r1", "envoy_endpoint_address": "10.0.0.1:80"}}
    with pytest.raises(InvalidAnswerError, match="without its samples"):
        select_endpoints([broken], [A])
