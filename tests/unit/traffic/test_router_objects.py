"""The objects that the provider Router makes. The golden file is the specification."""

from typing import Any

import pytest
from serin.adapters.traffic.router import RouterProvider, RouterState
from serin.api.v1alpha1.traffic import RouterSettings
from serin.core.plan import AnnotatePods, Apply, TrafficIntent
from serin.runtime.clock import SystemClock
from serin.runtime.ports import Unknown
from unit.core.golden_files import assert_golden
from unit.traffic.intents import CANARY, STABLE, a_split, an_intent


class NoRouter:
    async def read(self, address: str, model: str | None) -> RouterState | Unknown:
        return Unknown("nobody is there")


def render(intent: TrafficIntent) -> dict[str, Any]:
    return {
        f"{action.manifest['kind']} {action.manifest['metadata']['name']}": action.manifest
        for action in RouterProvider("envoy:test", NoRouter(), SystemClock()).render(intent)
        if isinstance(action, Apply)
    }


def test_the_children_are_the_golden_ones() -> None:
    objects = render(a_split(5))
    objects["ConfigMap weather-router"] = {**objects["ConfigMap weather-router"], "data": "see router_*.json"}
    container = objects["Deployment weather-router"]["spec"]["template"]["spec"]["containers"][0]
    container["args"][1] = "see router_bootstrap.json"

    assert_golden("router_children", objects)


def test_what_users_need_comes_before_the_service_that_leads_there() -> None:
    kinds = [name.split()[0] for name in render(a_split(5))]

    assert kinds == ["Service"] * 3 + ["ConfigMap", "Deployment", "PodDisruptionBudget", "Service"]


def test_pods_are_nudged_after_the_config_map_is_written() -> None:
    actions = RouterProvider("envoy:test", NoRouter(), SystemClock()).render(a_split(5, nudges=2))
    place = next(number for number, action in enumerate(actions) if isinstance(action, AnnotatePods))
    nudge, before = actions[place], actions[place - 1]

    assert isinstance(before, Apply)
    assert before.manifest["kind"] == "ConfigMap"
    assert isinstance(nudge, AnnotatePods)
    version = before.manifest["metadata"]["annotations"]["serin.dev/router-config"]
    assert nudge.annotations == {"serin.dev/router-config": version.split()[0], "serin.dev/router-nudge": "2"}


def test_users_are_led_past_routers_that_are_not_there_to_the_pods_with_the_largest_weight() -> None:
    def selector(intent: TrafficIntent) -> Any:
        return render(intent)["Service weather"]["spec"]["selector"]

    owner = {"serin.dev/model-deployment": "weather"}
    assert selector(a_split(5)) == {**owner, "serin.dev/component": "router"}
    stable = {**owner, "serin.dev/revision": STABLE.revision, "serin.dev/track": "primary"}
    assert selector(a_split(5, takes_users=False)) == stable
    switched = an_intent({CANARY: 100.0}, takes_users=False)
    assert selector(switched) == {**stable, "serin.dev/revision": CANARY.revision}


def test_with_bypass_nothing_is_left_of_the_router_while_nothing_is_on_trial() -> None:
    bypass = RouterSettings(idle="Bypass")
    alone = render(an_intent({STABLE: 100.0}, router=bypass, may_stand_aside=True))
    kept = render(an_intent({STABLE: 100.0}, router=RouterSettings(), may_stand_aside=True))

    assert list(alone) == ["Service weather"]
    assert alone["Service weather"]["spec"]["selector"]["serin.dev/revision"] == STABLE.revision
    assert "Deployment weather-router" in kept
    assert render(a_split(5, router=bypass)) == render(a_split(5)), "on trial there is no difference"


def test_at_routers_that_several_share_a_model_has_its_part_and_its_port() -> None:
    shared = RouterSettings(scope="Namespace", replicas=3)
    made = render(a_split(5, router=shared, port=10_001))

    assert [name for name in made if not name.startswith("Service weather-")] == [
        "ConfigMap weather-listener",
        "Service weather",
    ]
    assert made["ConfigMap weather-listener"]["data"] == render(a_split(5))["ConfigMap weather-router"]["data"]
    spec = made["Service weather"]["spec"]
    assert spec["selector"] == {"serin.dev/model-deployment": "", "serin.dev/component": "router"}
    assert {port["targetPort"] for port in spec["ports"]} == {10_001}
    waiting = render(a_split(5, router=shared, takes_users=False))["Service weather"]["spec"]
    assert waiting["selector"]["serin.dev/revision"] == STABLE.revision
    assert {port["targetPort"] for port in waiting["ports"]} == {"http"}


def test_at_shared_routers_bypass_moves_the_user_service_and_nothing_else() -> None:
    bypass = RouterSettings(scope="Namespace", idle="Bypass")
    made = render(an_intent({STABLE: 100.0}, router=bypass, may_stand_aside=True, port=10_001))

    assert made["Service weather"]["spec"]["selector"]["serin.dev/revision"] == STABLE.revision
    assert "ConfigMap weather-listener" in made


@pytest.mark.parametrize(
    ("limit", "threads"), [(None, "2"), ("1", "1"), ("250m", "1"), ("1500m", "2"), (4, "4"), ("many", "2")]
)
def test_a_router_has_as_many_threads_as_its_limit_has_cpus(limit: object, threads: str) -> None:
    resources = {"limits": {"cpu": limit}} if limit is not None else {}
    deployment = render(a_split(5, router=RouterSettings(resources=resources)))["Deployment weather-router"]
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]

    assert arguments[arguments.index("--concurrency") + 1] == threads
