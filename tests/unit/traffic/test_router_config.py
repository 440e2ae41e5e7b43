"""What the router's Envoys are told: golden files, Envoy's own judgement, and rules that hold for any weights."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serin.adapters.traffic.router_bootstrap import render_bootstrap
from serin.adapters.traffic.router_config import CLUSTERS_FILE, ROUTES_FILE, read_weights, render_config
from serin.api.v1alpha1.traffic import Sticky
from serin.core.facts import Route
from serin.core.model_deployment.names import deployment_name
from serin.core.plan import Mirror, TrafficIntent
from serin_testkit.local_envoy import validate
from unit.core.golden_files import assert_golden
from unit.traffic.intents import ALL, BASELINE, CANARY, COOKIE, STABLE, USER, a_split, an_intent

EVERYTHING = Sticky(header="x-user-id", cookie=True)

INTENTS = {
    "alone": an_intent({STABLE: 100.0}, backends=(STABLE,), salt=""),
    "split": a_split(5),
    "sticky_header": a_split(0.01, sticky=USER),
    "sticky_cookie": a_split(33.333, sticky=COOKIE),
    "sticky_and_mirrored": a_split(5, sticky=EVERYTHING, mirror=Mirror(CANARY, 25.0)),
    "switched": an_intent({CANARY: 100.0}),
    "grpc": a_split(5, grpc=ALL),
    "grpc_sticky_and_mirrored": a_split(5, sticky=EVERYTHING, mirror=Mirror(CANARY, 25.0), grpc=ALL),
    "grpc_of_the_old_one_alone": a_split(5, grpc=(STABLE, BASELINE)),
}


def files(intent: TrafficIntent) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    config = render_config(intent)
    clusters, routes = json.loads(config.files[CLUSTERS_FILE]), json.loads(config.files[ROUTES_FILE])
    assert clusters["version_info"] == routes["version_info"] == config.version
    (route_config,) = routes["resources"]
    return clusters["resources"], route_config


@pytest.mark.parametrize("name", ["alone", "sticky_and_mirrored", "grpc"])
def test_the_configuration_is_the_golden_one(name: str) -> None:
    clusters, routes = files(INTENTS[name])

    assert_golden(f"router_{name}", {"version": render_config(INTENTS[name]).version, "clusters": clusters, **routes})


def test_the_bootstrap_is_the_golden_one() -> None:
    assert_golden("router_bootstrap", render_bootstrap("token"))


@pytest.mark.parametrize("name", INTENTS)
def test_envoy_finds_nothing_wrong(name: str) -> None:
    clusters, routes = files(INTENTS[name])

    assert validate(render_bootstrap("token"), clusters, routes) == ""


def test_envoys_judgement_is_one() -> None:
    clusters, routes = files(INTENTS["split"])

    assert "unknown" in validate(render_bootstrap("token"), clusters[:1], routes)


@given(canary=st.floats(0, 50), baseline=st.floats(0, 50), sticky=st.sampled_from([Sticky(), USER, COOKIE, EVERYTHING]))
def test_weights_are_whole_sum_up_and_are_read_back_as_they_were_meant(
    canary: float, baseline: float, sticky: Sticky
) -> None:
    intent = a_split(canary, baseline, sticky=sticky)
    weights = read_weights(render_config(intent).version)

    assert sum(weights.values()) == pytest.approx(100)
    for route in ALL:
        assert weights.get(deployment_name(route), 0) == pytest.approx(intent.weights[route], abs=0.02)


@given(canary=st.floats(0, 50), baseline=st.floats(0, 50), kept=st.sets(st.sampled_from(ALL)))
def test_routes_only_ever_name_clusters_that_are_there(canary: float, baseline: float, kept: set[Any]) -> None:
    weights = {STABLE: 100 - canary - baseline, BASELINE: baseline, CANARY: canary}
    backends = tuple(route for route in ALL if weights[route] > 0 or route in kept)
    clusters, routes = files(an_intent({route: weights[route] for route in backends}, backends=backends))

    there = {cluster["name"] for cluster in clusters}
    assert named_clusters(routes) <= there
    for cluster in clusters:
        assert set(cluster["cluster_type"]["typed_config"].get("clusters", ())) <= there


def named_clusters(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["cluster"]} if isinstance(value.get("cluster"), str) else set()
        if isinstance(value.get("weighted_clusters"), dict):
            found |= {each["name"] for each in value["weighted_clusters"]["clusters"]}
        return found.union(*(named_clusters(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(named_clusters(part) for part in value))
    return set()


def test_the_same_intent_has_the_same_version_and_any_change_another() -> None:
    versions = [render_config(intent).version.split()[0] for intent in INTENTS.values()]

    assert render_config(a_split(5)).version == render_config(a_split(5)).version
    assert len(set(versions)) == len(versions)


def test_what_routes_name_stays_the_same_through_a_promotion() -> None:
    (trial, _), (after, _) = files(a_split(5)), files(an_intent({CANARY: 100.0}, stable=CANARY))

    assert {cluster["name"] for cluster in trial} == {cluster["name"] for cluster in after}


def grpc_weights(intent: TrafficIntent) -> dict[str, int]:
    """Hundredths of a percent by Deployment, as the route for gRPC has them."""
    _, routes = files(intent)
    found = [
        route["route"]
        for route in routes["virtual_hosts"][0]["routes"]
        if "grpc" in route["match"] and "headers" not in route["match"]
    ]
    if not found:
        return {}
    (action,) = found
    clusters = action.get("weighted_clusters", {}).get("clusters") or [{"name": action["cluster"], "weight": 10_000}]
    return {each["name"].removesuffix("-grpc-or-stable"): each["weight"] for each in clusters}


STABLE_NAME, BASELINE_NAME, CANARY_NAME = (deployment_name(route) for route in ALL)


@pytest.mark.parametrize(
    ("speakers", "weights", "expected"),
    [
        (ALL, a_split(5).weights, {CANARY_NAME: 500, STABLE_NAME: 9000, BASELINE_NAME: 500}),
        ((STABLE, BASELINE), a_split(5).weights, {STABLE_NAME: 9500, BASELINE_NAME: 500}),
        ((CANARY,), a_split(5).weights, {}),
        ((CANARY,), {CANARY: 100.0}, {CANARY_NAME: 10_000}),
        ((), a_split(5).weights, {}),
    ],
    ids=["all", "the new one has lost it", "the new one begins with it", "and serves alone", "nobody"],
)
def test_grpc_goes_by_the_same_weights_to_those_who_speak_it(
    speakers: tuple[Route, ...], weights: dict[Route, float], expected: dict[str, int]
) -> None:
    assert grpc_weights(an_intent(weights, grpc=speakers)) == expected
