"""The HTTPRoute of the provider GatewayAPI: what it asks for, and what its status says. The golden file is the form."""

from dataclasses import replace
from typing import Any

import pytest
from serin.adapters.traffic.http_route import find_lag, is_accepted, make_http_route, make_route_services, read_shares
from serin.api.v1alpha1.traffic import GatewayApiSettings, ParentRef, Traffic
from serin.core.plan import Mirror, TrafficIntent
from unit.core.golden_files import assert_golden
from unit.traffic.intents import BASELINE, CANARY, STABLE, a_split, an_intent

SETTINGS = GatewayApiSettings(
    parent_refs=(ParentRef(name="public", namespace="edge", section_name="https"), ParentRef(name="inside")),
    hostnames=("weather.example.com",),
)
NAMES = {STABLE: "weather-11111111", BASELINE: "weather-11111111-baseline", CANARY: "weather-22222222"}


def a_route(intent: TrafficIntent) -> Any:
    return make_http_route(replace(intent, settings=Traffic(provider="GatewayAPI", gateway_api=SETTINGS)))


def weights(intent: TrafficIntent) -> dict[str, int]:
    return {backend["name"]: backend["weight"] for backend in a_route(intent)["spec"]["rules"][0]["backendRefs"]}


def filters(percent: float) -> Any:
    return a_route(an_intent({STABLE: 100.0}, mirror=Mirror(CANARY, percent)))["spec"]["rules"][0]["filters"]


def test_the_objects_are_the_golden_ones() -> None:
    intent = a_split(5, mirror=Mirror(CANARY, 2.5))
    services = [action.manifest for action in make_route_services(intent)]
    assert_golden("http_route", {"route": a_route(intent), "services": services})


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        (an_intent({STABLE: 100.0}), {STABLE: 10_000, BASELINE: 0, CANARY: 0}),
        (a_split(0.01), {STABLE: 9_998, BASELINE: 1, CANARY: 1}),
        (a_split(100 / 3), {STABLE: 3_334, BASELINE: 3_333, CANARY: 3_333}),
        (an_intent({CANARY: 100.0, STABLE: 0.0}), {STABLE: 0, BASELINE: 0, CANARY: 10_000}),
    ],
)
def test_weights_are_hundredths_of_a_percent_and_none_and_all_are_exact(
    intent: TrafficIntent, expected: dict[Any, int]
) -> None:
    assert weights(intent) == {NAMES[route]: weight for route, weight in expected.items()}


def test_a_mirror_is_a_fraction_and_none_or_all_need_no_fraction() -> None:
    assert filters(0) == []
    assert filters(12.34)[0]["requestMirror"]["fraction"] == {"numerator": 1234, "denominator": 10_000}
    assert "fraction" not in filters(100)[0]["requestMirror"]
    assert filters(100)[0]["requestMirror"]["backendRef"]["name"] == NAMES[CANARY]


def test_the_shares_are_read_from_what_the_route_says() -> None:
    assert read_shares(a_route(a_split(5))) == {STABLE: 90.0, BASELINE: 5.0, CANARY: 5.0}
    assert read_shares(a_route(an_intent({CANARY: 100.0}))) == {CANARY: 100.0}


# What its Gateways say


def answered(*answers: tuple[ParentRef, str, str, int], generation: int = 3) -> Any:
    """Each answer: the parent, the status of Accepted, of ResolvedRefs, and the generation that they are about."""
    route = a_route(a_split(5))
    parents = []
    for parent, accepted, resolved, seen in answers:
        conditions = [
            {"type": kind, "status": status, "reason": "Told", "message": f"{kind} it is.", "observedGeneration": seen}
            for kind, status in (("Accepted", accepted), ("ResolvedRefs", resolved))
        ]
        parents.append({"parentRef": parent.to_written(), "controllerName": "test/one", "conditions": conditions})
    return {**route, "metadata": {**route["metadata"], "generation": generation}, "status": {"parents": parents}}


FIRST, SECOND = SETTINGS.parent_refs


def test_nothing_lags_when_every_gateway_has_said_yes_to_this_generation() -> None:
    assert find_lag(answered((FIRST, "True", "True", 3), (SECOND, "True", "True", 3))) is None


@pytest.mark.parametrize(
    ("second", "words", "is_refusal"),
    [
        ([], "Gateway inside has not taken HTTPRoute weather on yet", False),
        ([(SECOND, "True", "True", 2)], "Gateway inside has not got the present weights yet", False),
        (
            [(SECOND, "False", "True", 3)],
            "Gateway inside does not serve the route, Accepted is False: Accepted it is",
            True,
        ),
        (
            [(SECOND, "True", "False", 3)],
            "Gateway inside does not serve the route, ResolvedRefs is False: ResolvedRefs it is",
            True,
        ),
        # A class that two controllers claim: both have to be right.
        ([(SECOND, "True", "True", 3), (SECOND, "True", "True", 1)], "Gateway inside has not got the present", False),
    ],
)
def test_one_gateway_that_has_not_agreed_holds_all(second: Any, words: str, is_refusal: bool) -> None:
    lag = find_lag(answered((FIRST, "True", "True", 3), *second))
    assert lag is not None
    assert lag.sentence.startswith(words)
    assert lag.is_refusal is is_refusal


def test_what_a_gateway_of_the_same_name_elsewhere_says_does_not_count() -> None:
    elsewhere = ParentRef(name="inside", namespace="other")
    assert find_lag(answered((FIRST, "True", "True", 3), (elsewhere, "True", "True", 3))) is not None
    own = ParentRef(name="inside", namespace="ml")
    assert find_lag(answered((FIRST, "True", "True", 3), (own, "True", "True", 3))) is None


def test_users_are_answered_by_earlier_weights_once_every_gateway_has_accepted_the_route() -> None:
    assert is_accepted(answered((FIRST, "True", "True", 1), (SECOND, "True", "True", 2)))
    assert not is_accepted(answered((FIRST, "True", "True", 3)))
