"""What routers that several models share are made of. The golden files are the specification."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from serin.adapters.traffic import shared_router
from serin.adapters.traffic.router_bootstrap import render_shared_bootstrap
from serin.adapters.traffic.router_config import CLUSTERS_FILE, LISTENERS_FILE, ROUTES_FILE
from serin.adapters.traffic.shared_resources import find_largest
from serin.adapters.traffic.shared_router import (
    FIRST_PORT,
    PORTS,
    Part,
    assign_ports,
    read_part,
    render_shared_config,
    render_shared_objects,
)
from serin.api.v1alpha1.traffic import RouterSettings
from serin.core.facts import Route, Track
from serin.core.plan import AnnotatePods, Apply
from serin_testkit.local_envoy import validate
from serin_testkit.shared_envoy import make_live_part, make_part
from unit.core.golden_files import assert_golden
from unit.traffic.intents import a_split, an_intent


def a_part(name: str, made_at: str = "2026-03-01T00:00:00Z", **router: Any) -> Part:
    route = Route(f"{name}-33333333", Track.PRIMARY)
    settings = RouterSettings(scope="Namespace", **router)
    return make_part(an_intent({route: 100.0}, backends=(route,), stable=route, name=name, router=settings), made_at)


WEATHER = make_part(a_split(5, router=RouterSettings(scope="Namespace")))
RAIN = a_part("rain")


def objects(*parts: Part, token: str | None = None) -> dict[str, Any]:
    ports = assign_ports(parts, {})
    actions = render_shared_objects(parts, ports, token, "envoy:test")
    return {action.manifest["kind"]: action.manifest for action in actions if isinstance(action, Apply)}


def test_the_bootstrap_is_the_golden_one() -> None:
    assert_golden("shared_router_bootstrap", render_shared_bootstrap("token"))


def test_the_objects_are_the_golden_ones() -> None:
    made = objects(WEATHER, RAIN)
    data = made["ConfigMap"]["data"]
    listeners = json.loads(data[LISTENERS_FILE])["resources"]
    assert json.loads(data["routes-weather.json"])["version_info"] == WEATHER.version
    assert {each["name"] for each in json.loads(data[CLUSTERS_FILE])["resources"]} == {
        each["name"] for part in (WEATHER, RAIN) for each in part.clusters
    }
    container = made["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    container["args"][1] = "see shared_router_bootstrap.json"
    files = {"listeners.json": listeners, "ports.json": json.loads(data["ports.json"]), "others": sorted(data)}

    assert_golden("shared_router", {**made, "ConfigMap": {**made["ConfigMap"], "data": files}})


def test_envoy_finds_nothing_wrong() -> None:
    config = render_shared_config([WEATHER, RAIN], {"weather": 10_001, "rain": 10_002})
    clusters = json.loads(config.files[CLUSTERS_FILE])["resources"]
    (routes,) = json.loads(config.files["routes-weather.json"])["resources"]
    bootstrap = render_shared_bootstrap("token")
    listeners = json.loads(config.files[LISTENERS_FILE])["resources"]
    bootstrap["static_resources"]["listeners"] = [
        {name: value for name, value in listener.items() if name != "@type"} for listener in listeners[1:]
    ] + bootstrap["static_resources"]["listeners"]

    assert validate(bootstrap, clusters, routes) == ""


def test_pods_are_nudged_after_the_files_are_written_and_before_anything_else() -> None:
    config_map, nudge, *_ = render_shared_objects([RAIN], {"rain": 10_001}, None, "envoy:test")

    assert isinstance(config_map, Apply)
    assert isinstance(nudge, AnnotatePods)
    assert nudge.annotations == config_map.manifest["metadata"]["annotations"]


def test_no_model_that_comes_or_goes_changes_the_pods() -> None:
    token = objects(RAIN)["Deployment"]["metadata"]["annotations"]["serin.dev/drain-token"]

    def template(*parts: Part) -> Any:
        return objects(*parts, token=token)["Deployment"]["spec"]["template"]

    assert template(WEATHER) == template(RAIN) == template(WEATHER, RAIN, a_part("wind"))


def test_a_part_is_read_as_it_was_rendered_and_not_at_all_after_an_edit() -> None:
    live = make_live_part(a_split(5))
    assert read_part(live) == WEATHER

    def edited(**data: str) -> Any:
        return {**live, "data": {**live["data"], **data}}

    assert read_part(edited(**{ROUTES_FILE: live["data"][ROUTES_FILE].replace("9000", "9001")})) is None
    assert read_part(edited(**{CLUSTERS_FILE: "{"})) is None
    assert read_part({**live, "data": None}) is None
    assert read_part({**live, "metadata": {**live["metadata"], "ownerReferences": []}}) is None
    assert read_part({**live, "metadata": {**live["metadata"], "annotations": None}}) is None


NAMES = st.sets(st.from_regex(r"\A[a-z]{1,8}\Z"), min_size=1, max_size=12)


@given(first=NAMES, coming=NAMES, going=NAMES)
def test_ports_are_apart_and_stay_for_the_life_of_a_model_whoever_comes_and_goes(
    first: set[str], coming: set[str], going: set[str]
) -> None:
    def assign(names: set[str], known: Any) -> dict[str, int | None]:
        return assign_ports([_bare_part(name) for name in sorted(names)], known)

    before = assign(first, {})
    after = assign((first | coming) - going, before)

    for ports in (before, after):
        assert len(set(ports.values())) == len(ports)
        assert all(port is not None and FIRST_PORT <= port < FIRST_PORT + PORTS for port in ports.values())
    assert all(after[name] == before[name] for name in first - going)


def _bare_part(name: str) -> Part:
    return Part(name, {}, "2026-03-01T00:00:00Z", "v", (), "", 100, 2, {})


def test_ports_follow_from_the_names_when_the_record_is_lost() -> None:
    parts = [_bare_part(name) for name in ("weather", "rain", "wind")]

    assert assign_ports(parts, {}) == assign_ports(parts[::-1], {"rain": "nonsense", "wind": 80, "weather": True})


def test_two_who_want_the_same_port_get_two() -> None:
    one, other = a_part("rain"), a_part("wind")
    (port,) = assign_ports([other], {}).values()

    assert set(assign_ports([one, other], {"rain": port, "wind": port}).values()) > {port}


def test_who_comes_when_it_is_full_gets_no_port_and_those_who_are_in_may_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_router, "ROOM_BYTES", 10_000)
    old, grown = a_part("old"), WEATHER
    late = [a_part("late", "2026-03-03T00:00:00Z"), a_part("early", "2026-03-02T00:00:00Z")]

    ports = assign_ports([*late, old], {"old": 10_001})
    assert (ports["old"], ports["early"] is None, ports["late"] is None) == (10_001, False, True)
    known = {"old": 10_001, "weather": 10_002}
    assert assign_ports([grown, old, *late], known) == {**known, "early": None, "late": None}


def test_some_seventy_models_that_rest_find_room() -> None:
    parts = [a_part(f"model-{number:03}") for number in range(200)]

    assert sum(port is not None for port in assign_ports(parts, {}).values()) in range(65, 85)


@pytest.mark.parametrize(
    "resources",
    [
        {"limits": {"memory": "much"}},
        {"limits": {"memory": "-1"}},
        {"limits": {"nvidia.com/gpu": 1}},
        {"requests": "much"},
        {"claims": []},
    ],
)
def test_resources_that_cannot_be_compared_are_refused_where_they_would_have_to_be(resources: dict[str, Any]) -> None:
    RouterSettings(resources=resources)
    with pytest.raises(ValidationError, match="expected requests and limits of cpu and memory alone"):
        RouterSettings(scope="Namespace", resources=resources)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([{"requests": {"cpu": "20m"}}, {"requests": {"cpu": "0.1"}}], {"requests": {"cpu": "0.1"}}),
        ([{"limits": {"memory": "1Gi"}}, {"limits": {"memory": "900Mi"}}], {"limits": {"memory": "1Gi"}}),
        ([{"limits": {"memory": "1Gi"}}, {}], {}),
        (
            [{"requests": {"memory": "1Gi"}}, {"limits": {"memory": "1Mi"}}, {"limits": {"memory": "2Mi"}}],
            {"requests": {"memory": "1Gi"}},
        ),
        (
            [{"requests": {"memory": "1Gi"}, "limits": {"memory": "1Mi"}}],
            {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        ),
        ([{}, {}], {}),
    ],
    ids=["requests", "limits", "one without a limit", "and a request", "never below a request", "nothing"],
)
def test_the_largest_of_what_is_asked_for_is_given(asked: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    assert find_largest(asked) == expected
