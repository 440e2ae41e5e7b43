"""What the versions predict, under real requests: told by default, and a reason to reject where the plan says so."""

import pytest
from cluster.kubectl import Json
from cluster.namespace import Namespace
from cluster.own_server import ANSWERS, NAME, add_script, own_server
from cluster.traffic import Traffic
from cluster.weather import PLAN, Weather, a_weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

PREDICTIONS: Json = {"name": "predictions", "type": "Categories"}
SKIES: Json = {**PREDICTIONS, "predictions": "skies_total", "classLabel": "sky"}


def test_classes_that_serins_server_counts_are_compared(weather: Weather, traffic: Traffic) -> None:
    metrics = [*PLAN["analysis"]["metrics"], PREDICTIONS]
    rollout = weather.roll_out(a_weather(weather.good_version).with_plan(analysis={"metrics": metrics}))
    status = weather.until_phase(rollout, "Promoted")

    _, metric = status["metrics"]
    assert metric["canary"]["requests"] > 0 < metric["baseline"]["requests"]
    assert 0 <= metric["drift"]["totalVariation"] <= 1
    classes = {found["name"]: found for found in metric["drift"]["classes"]}
    assert len(classes) > 2
    assert sum(found["canary"] for found in classes.values()) == pytest.approx(1, abs=0.001)


def test_a_version_that_predicts_other_classes_is_promoted_with_a_warning_and_rejected_if_so_planned(
    namespace: Namespace,
) -> None:
    add_script(namespace.kubectl)
    served, traffic = Weather(namespace, NAME), Traffic(namespace.kubectl)
    served.serve(a_version("1", rain_share=0.3))
    traffic.start("--url", f"http://{NAME}:81", "--dialect", "predict", "--rate", "100")
    traffic.count()

    rejected = served.until_phase(served.roll_out(a_version("2", rain_share=0.7, action="Reject")), "Rejected")
    assert "of the canary's predictions moved to another class" in rejected["message"]
    assert rejected["message"].endswith("(predictions, one of 2 metrics)")

    promoted = served.until_phase(served.roll_out(a_version("3", rain_share=0.7)), "Promoted")
    assert served.condition(promoted, "PredictionDrift") == ("True", "BeyondLimit")
    assert promoted["message"].startswith("Promoted: with 95 % confidence")
    assert "Warning, predictions: more than 5.0 % of the predictions moved" in promoted["message"]


def a_version(version: str, rain_share: float, action: str = "Warn") -> Manifest:
    manifest = own_server(version, metrics=[ANSWERS, {**SKIES, "action": action}], rain_share=rain_share)
    return manifest.with_plan(analysis={"minDuration": "30s"})
