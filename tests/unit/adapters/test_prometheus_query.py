"""The text of the queries: the plan's selectors, narrowed to the pods that are compared."""

import pytest
from serin.adapters.prometheus_query import InvalidSelectorError, PodName, make_query, narrow_selector


def test_a_query_asks_for_the_raw_samples_of_exactly_these_pods() -> None:
    pods = [PodName("ml", "weather-1-x"), PodName("ml", "weather.2")]
    query = make_query(narrow_selector("serin_requests_total"), pods, "[30s]")
    assert query == r'serin_requests_total{namespace=~"ml",pod=~"weather-1-x|weather\\.2"}[30s]'


def test_pods_of_several_namespaces_share_a_query() -> None:
    query = make_query(narrow_selector("x"), [PodName("b", "pod-2"), PodName("a", "pod-1"), PodName("a", "pod-2")], "")
    assert query == 'x{namespace=~"a|b",pod=~"pod-1|pod-2"}'


@pytest.mark.parametrize(
    ("selector", "start"),
    [
        ("http_requests_total", "http_requests_total{namespace="),
        ("http_requests_total{}", "http_requests_total{namespace="),
        (' http_requests_total { code=~"5.." , } ', 'http_requests_total{code=~"5..",namespace='),
        ('{__name__="http:total", path="/a{b}"}', '{__name__="http:total", path="/a{b}",namespace='),
    ],
)
def test_a_plans_own_selector_is_narrowed_to_the_pods(selector: str, start: str) -> None:
    assert make_query(narrow_selector(selector), [PodName("ml", "a")], "[30s]").startswith(start)


def test_a_further_matcher_comes_after_the_selectors_own() -> None:
    assert narrow_selector('seconds_bucket{path="/"}', 'le="1"') == 'seconds_bucket{path="/",le="1"}'


@pytest.mark.parametrize("selector", ["", "rate(http_requests_total[5m])", "a + b", "{}"])
def test_what_is_no_selector_is_refused_by_its_text(selector: str) -> None:
    with pytest.raises(InvalidSelectorError, match="expected a counter such as"):
        narrow_selector(selector)
