"""Specs that cannot work: refused at once where the schema sees it, told in the status where only others see it."""

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.cluster_user import RefusedError
from serin_testkit.held_phases import ROLLOUT
from serin_testkit.world import World

pytestmark = pytest.mark.component

BAD_RESOURCES = {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}


async def test_a_version_whose_pods_the_api_server_refuses_fails_and_names_the_field(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))

    await world.apply(a_model_deployment(version="2").with_server(resources=BAD_RESOURCES))
    rollout = await world.until_phase(ROLLOUT, "Failed")

    assert rollout["status"]["reason"] == "InvalidSpec"
    assert "resources.requests" in rollout["status"]["message"]
    weather = world.model_deployment()
    assert world.condition(weather, "Stalled") is not None
    assert world.condition(weather, "Available") == ("True", "Serving")
    assert len(world.serving_pods()) == 2


async def test_two_volumes_at_one_place_are_told_and_not_asked_for_again_and_again(world: World) -> None:
    mounts = [{"name": "own", "mountPath": "/data"}, {"name": "own", "mountPath": "/data", "readOnly": True}]
    pod = {"volumes": [{"name": "own", "emptyDir": {}}], "volumeMounts": mounts}
    await world.serve_first(a_model_deployment(version="1"))

    await world.apply(a_model_deployment(version="2").with_spec(pod=pod))
    rollout = await world.until_phase(ROLLOUT, "Failed")

    assert rollout["status"]["reason"] == "InvalidSpec"
    assert '[mountPath="/data"]' in rollout["status"]["message"]


async def test_a_first_version_whose_pods_are_refused_serves_once_it_is_corrected(world: World) -> None:
    await world.apply(a_model_deployment(version="1").with_server(resources=BAD_RESOURCES))
    await world.until(
        "the refusal is told", lambda: world.condition(world.history.get("ModelDeployment", "weather") or {}, "Stalled")
    )
    assert "resources.requests" in world.model_deployment()["status"]["message"]

    await world.apply(a_model_deployment(version="1"))

    await world.until_told("weather", "Healthy")


async def test_one_bad_object_does_not_stop_the_others(world: World) -> None:
    await world.apply(a_model_deployment(name="bad").with_server(resources=BAD_RESOURCES))
    await world.serve_first(a_model_deployment(name="good"))

    assert world.condition(world.model_deployment("good"), "Ready") == ("True", "Serving")
    assert world.condition(world.model_deployment("bad"), "Stalled") is not None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model": {"uri": "ftp://somewhere"}}, "uri must start with oci://"),
        ({"model": {"uri": "configmap://name"}}, "configmap://name/key"),
        ({"replicas": -1}, "spec.replicas"),
        ({"rollout": {"size": "200%"}}, "size must be a number of pods"),
        ({"rollout": {"analysis": {"minDuration": "1h"}}}, "minDuration must not be longer than maxDuration"),
        ({"rollout": {"analysis": {"interval": "soon"}}}, "spec.rollout.analysis.interval"),
    ],
)
async def test_the_api_server_refuses_a_spec_and_says_what_was_expected(
    world: World, fields: dict[str, object], expected: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        await world.apply(a_model_deployment().with_spec(**fields))
    assert expected in refused.value.message
