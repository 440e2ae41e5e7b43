"""A shadow under load: the new version answers copies alone, and its answers decide before a user gets one."""

from collections.abc import Iterator

import pytest
from cluster.installation import Operator
from cluster.kubectl import Json
from cluster.namespace import open_namespace
from cluster.traffic import Traffic
from cluster.weather import PLAN, Weather, a_weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

REQUESTS_PER_SECOND = 60
LABELS_AS_TEXT = "4"

SAME_ANSWERS: Json = {"name": "weather", "version": "1-again", "uri": "configmap://weather-v1/model.onnx"}
"""A version that answers as the first one does. Version 2 does not: another kind of model has other probabilities."""


def a_shadowed(version: str = "1", **compare: object) -> Manifest:
    shadow = {**PLAN, "strategy": "Shadow", "shadow": {"compare": compare}}
    return a_weather(version).with_spec(traffic={"provider": "Router"}, rollout=shadow)


@pytest.fixture(scope="module")
def _shadowed(operator: Operator) -> Iterator[tuple[Weather, Traffic]]:
    with open_namespace("shadow") as namespace:
        weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
        weather.add_models()
        weather.serve(a_shadowed())
        traffic.start("--url", f"http://{weather.name}", "--rate", str(REQUESTS_PER_SECOND))
        yield weather, traffic
        namespace.check_oracles()


@pytest.fixture
def weather(_shadowed: tuple[Weather, Traffic]) -> Weather:
    return _shadowed[0]


@pytest.fixture
def traffic(_shadowed: tuple[Weather, Traffic]) -> Traffic:
    return _shadowed[1]


def agreement(status: Json) -> Json:
    (found,) = [metric["agreement"] for metric in status["metrics"] if metric["name"] == "agreement"]
    return dict(found)


def test_labels_that_became_text_are_flagged_first_and_then_found_by_the_answers(
    weather: Weather, traffic: Traffic
) -> None:
    serving, before = weather.stable_version, traffic.count()

    rollout = weather.roll_out(a_shadowed(LABELS_AS_TEXT, agreement=0.9, ignore=["probabilities"]))
    status = weather.until_phase(rollout, "Rejected")

    assert weather.condition(status, "ContractBroken") is None, "it is over"
    flagged = [seen for seen in weather.events_of("Rollout") if seen.place[1] == rollout]
    assert any(weather.condition(seen.object.get("status") or {}, "ContractBroken") for seen in flagged)
    found = agreement(status)
    assert found["type"] == found["compared"] > 0
    assert "in type" in status["message"]
    noticed = traffic.count_after(3.0).since(before)
    assert noticed.failed == 0, noticed
    assert set(noticed.versions) == {serving}


def test_a_version_whose_answers_agree_is_promoted_and_users_get_them_only_then(
    weather: Weather, traffic: Traffic
) -> None:
    serving, before = weather.stable_version, traffic.count()

    rollout = weather.roll_out(a_shadowed(agreement=0.95).with_spec(model=SAME_ANSWERS))
    weather.until_judged(rollout)
    assert set(traffic.count().since(before).versions) == {serving}
    status = weather.until_phase(rollout, "Promoted")
    weather.until_told("Healthy")

    found = agreement(status)
    assert found["agreed"] == found["compared"] >= 100
    noticed = traffic.count_after(3.0).since(before)
    assert noticed.failed == 0, noticed
    assert set(noticed.versions) == {serving, SAME_ANSWERS["version"]}
