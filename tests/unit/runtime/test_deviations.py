"""When a live object counts as what was applied."""

from typing import Any

import pytest
from serin.runtime.deviations import find_deviations


@pytest.mark.parametrize(
    ("what", "desired", "live"),
    [
        ("a default that the server filled in", {"a": 1}, {"a": 1, "b": 2}),
        ("a quantity in another spelling", {"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}),
        ("a quantity with a binary suffix", {"requests": {"memory": "1024Mi"}}, {"requests": {"memory": "1Gi"}}),
        ("a quantity written as a number", {"requests": {"cpu": 1}}, {"requests": {"cpu": "1"}}),
        ("an empty mapping that was left out", {"a": {}}, {}),
        ("a mapping of nothing but zero values", {"a": {"b": False, "c": []}}, {}),
        ("list entries by name, whatever their order", [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}]),
        ("a list entry with more than was sent", [{"port": 80}], [{"port": 80, "protocol": "TCP"}]),
        ("an entry that somebody added", [{"name": "a"}], [{"name": "a"}, {"name": "sidecar"}]),
    ],
)
def test_no_deviation_is(what: str, desired: Any, live: Any) -> None:
    assert find_deviations({"spec": desired}, {"spec": live}) == {}, what


@pytest.mark.parametrize(
    ("what", "desired", "live"),
    [
        ("another value", {"a": 1}, {"a": 2}),
        ("a value that is gone", {"a": 1}, {}),
        ("true for one", {"a": 1}, {"a": True}),
        ("another quantity", {"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}),
        (
            "a text that looks like an equal quantity",
            {"env": [{"name": "A", "value": "1000m"}]},
            {"env": [{"name": "A", "value": "1"}]},
        ),
        ("one more key in a selector", {"selector": {"a": "b"}}, {"selector": {"a": "b", "c": "d"}}),
        (
            "one more backend of a route",
            {"backendRefs": [{"name": "a", "weight": 1}]},
            {"backendRefs": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]},
        ),
        ("a filter where none is wanted", {"filters": []}, {"filters": [{"type": "URLRewrite"}]}),
        ("a shorter list", {"args": ["a", "b"]}, {"args": ["a"]}),
        ("a named entry that is gone", [{"name": "a"}, {"name": "b"}], [{"name": "a"}]),
        ("a mapping in the place of a list", {"a": [1]}, {"a": {"b": 1}}),
    ],
)
def test_a_deviation_is(what: str, desired: Any, live: Any) -> None:
    assert find_deviations({"spec": desired}, {"spec": live}) != {}, what


def test_a_deviation_tells_where_it_is_and_what_is_there() -> None:
    desired = {"containers": [{"name": "server", "image": "a"}]}
    live = {"containers": [{"name": "server", "image": "b"}]}
    assert find_deviations(desired, live) == {("containers", "server", "image"): "b"}
