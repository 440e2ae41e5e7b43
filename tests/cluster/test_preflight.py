"""A version whose answers have another shape is caught while no user has been sent to it."""

import pytest
from cluster.traffic import Traffic
from cluster.weather import PLAN, Weather, a_weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

LABELS_AS_TEXT = "4"


def a_checked_weather(version: str) -> Manifest:
    return a_weather(version).with_spec(
        rollout={**PLAN, "preflight": {"requests": "configmap://weather-golden", "contract": "Enforce"}}
    )


def test_labels_that_became_text_are_stopped_before_any_user_gets_them(weather: Weather, traffic: Traffic) -> None:
    serving, users = weather.stable_version, traffic.count()

    rollout = weather.roll_out(a_checked_weather(LABELS_AS_TEXT))

    status = weather.until_phase(rollout, "Failed")
    assert status["reason"] == "PreflightFailed"
    assert "output label has datatype BYTES instead of INT64" in status["message"]
    assert 'expected number 0, got string "0"' in status["message"]
    noticed = traffic.count_after(3.0).since(users)
    assert noticed.failed == 0
    assert set(noticed.versions) == {serving}


def test_a_good_version_answers_its_golden_requests_and_is_tried(weather: Weather) -> None:
    rollout = weather.roll_out(a_checked_weather(weather.good_version))

    status = weather.until_phase(rollout, "Promoted")
    assert [stage["phase"] for stage in status["stages"]][:3] == ["Preparing", "Preflight", "Analyzing"]
