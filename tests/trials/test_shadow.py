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

SHADOW: Json = {**PLAN, "strategy": "Shadow", "shadow": {"compare": {"agreement": 0.95}}}


def a_shadowed(version: str = "1") -> Manifest:
    return a_weather(version).with_spec(traffic={"provider": "Router"}, rollout=SHADOW)


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


def test_a_version_whose_answers_agree_is_promoted_and_users_get_them_only_then(
    weather: Weather, traffic: Traffic
) -> None:
    serving, before = weather.stable_version, traffic.count()

    rollout = weather.roll_out(a_shadowed().with_spec(model=SAME_ANSWERS))
    weather.until_judged(rollout)
    assert set(traffic.count().since(before).versions) == {serving}
    status = weather.until_phase(rollout, "Promoted")
    weather.until_told("Healthy")

    found = agreement(status)
    assert found["agreed"] == found["compared"] >= 100
    noticed = traffic.count_after(3.0).since(before)
    assert noticed.failed == 0, noticed
    assert set(noticed.versions) == {serving, SAME_ANSWERS["version"]}
