"""Provider Replicas: the user Service's selector, and what it amounts to in shares."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from serin.adapters.traffic.replicas import ReplicasProvider
from serin.core.facts import PodFacts, Route, Track
from serin.core.plan import TrafficIntent

STABLE, BASELINE, CANARY = Route("w-1", Track.PRIMARY), Route("w-1", Track.BASELINE), Route("w-2", Track.PRIMARY)
OWNER = {"serin.dev/model-deployment": "weather"}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "weather", "labels": OWNER},
    "spec": {"ports": [{"port": 80}]},
}


def selector(weights: Mapping[Route, float]) -> object:
    (service,) = ReplicasProvider().render(TrafficIntent(SERVICE, weights))
    return service["spec"]["selector"]


def pod(route: Route, *, ready: bool = True, terminating: bool = False) -> PodFacts:
    return PodFacts("pod", "uid", route, ready, terminating, created_at=datetime(2026, 3, 1, tzinfo=UTC))


def shares(weights: Mapping[Route, float], *pods: PodFacts) -> Mapping[Route, float]:
    (service,) = ReplicasProvider().render(TrafficIntent(SERVICE, weights))
    return ReplicasProvider().shares(service, pods)


def test_one_route_is_selected_by_its_revision_and_track() -> None:
    assert selector({STABLE: 100.0}) == {**OWNER, "serin.dev/revision": "w-1", "serin.dev/track": "primary"}


def test_a_route_without_weight_counts_as_not_named() -> None:
    assert selector({STABLE: 0.0, CANARY: 100.0}) == selector({CANARY: 100.0})


def test_several_routes_share_by_selecting_the_whole_model_deployment() -> None:
    assert selector({STABLE: 50.0, BASELINE: 25.0, CANARY: 25.0}) == OWNER


def test_nothing_but_the_selector_is_added_to_the_service() -> None:
    (service,) = ReplicasProvider().render(TrafficIntent(SERVICE, {STABLE: 100.0}))

    assert {**service, "spec": {"ports": service["spec"]["ports"]}} == SERVICE
    assert "selector" not in SERVICE["spec"]


def test_shares_follow_the_number_of_ready_pods() -> None:
    pods = [pod(STABLE), pod(STABLE), pod(BASELINE), pod(CANARY), pod(CANARY, ready=False)]

    assert shares({STABLE: 50, BASELINE: 25, CANARY: 25}, *pods) == {STABLE: 50.0, BASELINE: 25.0, CANARY: 25.0}


def test_a_pod_that_leaves_or_is_not_ready_has_no_share() -> None:
    assert shares({STABLE: 100}, pod(STABLE, terminating=True), pod(STABLE, ready=False)) == {}


def test_pods_that_are_not_selected_have_no_share() -> None:
    assert shares({CANARY: 100}, pod(STABLE), pod(BASELINE), pod(CANARY)) == {CANARY: 100.0}


@pytest.mark.parametrize("service", [None, {}, {"spec": {}}, {"spec": {"selector": {}}}])
def test_without_a_service_or_a_selector_nobody_has_a_share(service: dict[str, object] | None) -> None:
    assert ReplicasProvider().shares(service, [pod(STABLE)]) == {}
