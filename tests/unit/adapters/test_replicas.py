"""Provider Replicas: the user Service's selector, and what it amounts to in shares."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from serin.adapters.traffic.replicas import ReplicasProvider
from serin.api.v1alpha1.traffic import Traffic
from serin.core.facts import Key, PodFacts, Route, Track, TrafficFacts
from serin.core.plan import Apply, TrafficIntent
from serin.runtime.ports import TrafficView

STABLE, BASELINE, CANARY = Route("w-1", Track.PRIMARY), Route("w-1", Track.BASELINE), Route("w-2", Track.PRIMARY)
OWNER = {"serin.dev/model-deployment": "weather"}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "weather", "labels": OWNER},
    "spec": {"ports": [{"port": 80}]},
}


def selector(weights: Mapping[Route, float]) -> object:
    return render(weights)["spec"]["selector"]


def render(weights: Mapping[Route, float]) -> Any:
    (action,) = ReplicasProvider().render(TrafficIntent(SERVICE, weights))
    assert isinstance(action, Apply)
    return action.manifest


def pod(route: Route, *, ready: bool = True, terminating: bool = False) -> PodFacts:
    return PodFacts("pod", "uid", route, ready, terminating, created_at=datetime(2026, 3, 1, tzinfo=UTC))


def shares(weights: Mapping[Route, float], *pods: PodFacts) -> Mapping[Route, float]:
    return observe(render(weights), *pods).shares


def observe(service: Any, *pods: PodFacts) -> TrafficFacts:
    services = [service] if service else []
    return asyncio.run(
        ReplicasProvider().observe(TrafficView(Key("ml", "weather"), Traffic(), {"Service": services}, pods))
    )


def test_one_route_is_selected_by_its_revision_and_track() -> None:
    assert selector({STABLE: 100.0}) == {**OWNER, "serin.dev/revision": "w-1", "serin.dev/track": "primary"}


def test_a_route_without_weight_counts_as_not_named() -> None:
    assert selector({STABLE: 0.0, CANARY: 100.0}) == selector({CANARY: 100.0})


def test_several_routes_share_by_selecting_the_whole_model_deployment() -> None:
    assert selector({STABLE: 50.0, BASELINE: 25.0, CANARY: 25.0}) == OWNER


def test_nothing_but_the_selector_is_added_to_the_service() -> None:
    service = render({STABLE: 100.0})

    assert {**service, "spec": {"ports": service["spec"]["ports"]}} == SERVICE
    assert "selector" not in SERVICE["spec"]


def test_shares_follow_the_number_of_ready_pods() -> None:
    pods = [pod(STABLE), pod(STABLE), pod(BASELINE), pod(CANARY), pod(CANARY, ready=False)]

    assert shares({STABLE: 50, BASELINE: 25, CANARY: 25}, *pods) == {STABLE: 50.0, BASELINE: 25.0, CANARY: 25.0}


def test_a_pod_that_leaves_or_is_not_ready_has_no_share() -> None:
    assert shares({STABLE: 100}, pod(STABLE, terminating=True), pod(STABLE, ready=False)) == {}


def test_pods_that_are_not_selected_have_no_share() -> None:
    assert shares({CANARY: 100}, pod(STABLE), pod(BASELINE), pod(CANARY)) == {CANARY: 100.0}


@pytest.mark.parametrize("spec", [None, {}, {"selector": {}}])
def test_without_a_service_or_a_selector_nobody_has_a_share(spec: dict[str, object] | None) -> None:
    service = None if spec is None else {"metadata": {"name": "weather"}, "spec": spec}

    assert observe(service, pod(STABLE)).shares == {}


def test_shares_follow_the_pods_and_are_not_exact() -> None:
    assert not observe(None).splits_exactly


def test_copies_of_requests_are_refused_with_what_to_do() -> None:
    for percent in (1.0, 100.0):
        assert "set spec.traffic.provider to Router" in (observe(None).why_no_mirror(percent) or "")
