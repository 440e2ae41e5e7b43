"""A new version is asked for its signature and golden requests before the first user is sent to it."""

import json

import pytest
from serin.core.contract.golden_requests import Answer
from serin.core.facts import NoAnswer
from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.cluster_user import Json
from serin_testkit.scripted_models import a_signature
from serin_testkit.world import World

pytestmark = pytest.mark.component

GOLDEN = {"cases": [{"path": "/predict", "request": [[1.0]], "answer": {"predictions": [1]}}]}


def a_checked_deployment(version: str, **preflight: str) -> Manifest:
    return a_model_deployment(version=version).with_plan(preflight=preflight)


async def golden_requests(world: World, cases: object = GOLDEN) -> None:
    config_map: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "golden"}}
    await world.user.apply({**config_map, "data": {"golden.json": json.dumps(cases)}})


async def test_a_label_that_became_text_is_stopped_before_any_user(world: World) -> None:
    await world.serve_first(a_checked_deployment("1"))
    stable = world.uids("1")
    world.models.let_answer("/v2/models/weather", Answer(200, a_signature("BYTES")), version="2")

    await world.apply(a_checked_deployment("2"))
    rollout = await world.until_phase("weather-2", "Failed")

    assert rollout["status"]["reason"] == "PreflightFailed"
    assert "output label has datatype BYTES instead of INT64" in rollout["status"]["message"]
    assert {pod["metadata"]["uid"] for pod in world.serving_pods()} == stable
    assert world.condition(world.model_deployment(), "Stalled") == ("True", "RolloutFailed")


async def test_a_version_that_keeps_the_signature_is_compared(world: World) -> None:
    await world.serve_first(a_checked_deployment("1"))

    await world.begin_comparison(a_checked_deployment("2"), "weather-2")

    assert world.models.asked == [("1", "/v2/models/weather"), ("2", "/v2/models/weather")]
    assert (await world.let_traffic_decide("weather-2"))["status"]["phase"] == "Promoted"


async def test_golden_requests_are_sent_to_the_new_version_alone(world: World) -> None:
    await golden_requests(world)
    world.models.let_answer("/predict", Answer(200, {"predictions": ["1"]}), version="2")
    await world.serve_first(a_checked_deployment("1", requests="configmap://golden"))

    await world.apply(a_checked_deployment("2", requests="configmap://golden"))
    rollout = await world.until_phase("weather-2", "Failed")

    assert '/predict: predictions[0]: expected number 1, got string "1"' in rollout["status"]["message"]
    assert [version for version, path in world.models.asked if path == "/predict"] == ["2"]


async def test_with_warn_the_breach_is_a_condition_and_an_event(world: World) -> None:
    world.models.let_answer("/v2/models/weather", Answer(200, a_signature("BYTES")), version="2")
    await world.serve_first(a_checked_deployment("1", contract="Warn"))

    await world.begin_comparison(a_checked_deployment("2", contract="Warn"), "weather-2")

    assert world.condition(world.rollout("weather-2"), "ContractBroken") == ("True", "Preflight")
    assert ("weather-2", "ContractBroken") in [(name, reason) for name, reason, _ in await world.events()]


async def test_a_silent_pod_is_asked_again_and_then_the_attempt_goes_on(world: World) -> None:
    world.models.let_answer("/v2/models/weather", NoAnswer("nobody answered"), version="2")
    await world.serve_first(a_checked_deployment("1"))
    await world.apply(a_checked_deployment("2"))
    rollout = await world.until_phase("weather-2", "Preflight")
    assert "nobody answered" in rollout["status"]["message"]

    world.models.let_answer("/v2/models/weather", Answer(200, a_signature()), version="2")
    world.clock.jump(5)
    await world.until_phase("weather-2", "Analyzing")


@pytest.mark.parametrize(
    ("cases", "sentence"),
    [
        (None, "there is no ConfigMap golden"),
        ({"cases": [{"path": "predict"}]}, "cases[0].path: expected a path such as /predict, got 'predict'"),
    ],
)
async def test_golden_requests_that_cannot_be_used_are_told(world: World, cases: object, sentence: str) -> None:
    if cases:
        await golden_requests(world, cases)
    await world.serve_first(a_checked_deployment("1", requests="configmap://golden"))

    await world.apply(a_checked_deployment("2", requests="configmap://golden"))
    rollout = await world.until_phase("weather-2", "Failed")

    assert sentence in rollout["status"]["message"]
