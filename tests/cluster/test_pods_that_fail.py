"""A new version whose pods do not get ready: the attempt fails with their own reason, users keep what they had."""

from typing import Any

import pytest
from cluster.traffic import Traffic
from cluster.weather import Weather, a_model, a_weather

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

WRONG_DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            lambda version: {"model": a_model(version, digest=WRONG_DIGEST)},
            f"its digest is wrong: expected {WRONG_DIGEST}, got sha256:",
            id="wrong digest",
        ),
        pytest.param(lambda version: {"server": {"image": "serin/nowhere:1"}}, "ImagePull", id="missing image"),
        pytest.param(
            lambda version: {"server": {"resources": {"limits": {"memory": "20Mi"}}}},
            "OOMKilled",
            id="too little memory",
        ),
    ],
)
def test_the_pods_own_reason_is_told_and_stable_is_untouched(
    change: Any, reason: str, weather: Weather, traffic: Traffic
) -> None:
    users, stable = traffic.count(), weather.serving()
    broken = a_weather(weather.good_version).with_plan(progressDeadline="20s")

    rollout = weather.roll_out(broken.with_spec(**change(weather.good_version)))
    status = weather.until_phase(rollout, "Failed")

    assert status["reason"] == "ProgressDeadlineExceeded"
    assert status["message"].startswith("Not ready within 20s: pod ")
    assert reason in status["message"]
    weather.until_told("Degraded")
    assert reason in weather.status["message"]
    assert weather.condition(weather.status, "Stalled") == ("True", "RolloutFailed")
    assert weather.condition(weather.status, "Available") == ("True", "Serving")
    weather.until_stable_is_alone()
    assert weather.serving() == stable
    assert traffic.count_after(1.0).since(users).failed == 0
