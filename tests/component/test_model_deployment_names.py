"""Names that are taken: an object of somebody else is never taken over, unless it is handed over."""

from typing import Any

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.held_phases import ROLLOUT
from serin_testkit.world import World

pytestmark = pytest.mark.component

ADOPT = "serin.dev/adopt"


def a_foreign_service(name: str, **annotations: str) -> dict[str, Any]:
    spec = {"selector": {"app": "old"}, "ports": [{"name": "http", "port": 80}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "annotations": annotations},
        "spec": spec,
    }


def a_foreign_deployment(name: str) -> dict[str, Any]:
    labels = {"app": "old"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "old", "image": "old:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


async def until_stalled(world: World, reason: str, name: str = "weather") -> dict[str, Any]:
    def look() -> bool:
        found = world.history.get("ModelDeployment", name) or {}
        return world.condition(found, "Stalled") == ("True", reason)

    await world.until(f"{name} is stalled with {reason}", look)
    await world.settle()
    return world.model_deployment(name)


async def test_a_service_of_somebody_else_is_left_alone_and_named(world: World) -> None:
    before = await world.user.create(a_foreign_service("weather"))

    await world.apply(a_model_deployment(version="1"))
    weather = await until_stalled(world, "NameTaken")

    assert "Service weather exists and is not made by Serin" in weather["status"]["message"]
    assert f"{ADOPT}=true" in weather["status"]["message"]
    found = await world.user.get("Service", "weather")
    assert found == before


async def test_a_service_that_is_handed_over_is_adopted(world: World) -> None:
    await world.user.create(a_foreign_service("weather"))
    await world.apply(a_model_deployment(version="1"))
    await until_stalled(world, "NameTaken")

    await world.user.patch("Service", "weather", {"metadata": {"annotations": {ADOPT: "true"}}})
    world.clock.jump(31)  # nobody tells of a foreign object

    await world.until_told("weather", "Healthy")
    service = world.history.objects["Service", "weather"]
    assert service["metadata"]["ownerReferences"][0]["name"] == "weather"
    assert len(world.serving_pods()) == 2


async def test_when_the_object_in_the_way_is_gone_the_model_serves(world: World) -> None:
    await world.user.create(a_foreign_service("weather"))
    await world.apply(a_model_deployment(version="1"))
    await until_stalled(world, "NameTaken")

    await world.user.delete("Service", "weather")
    world.clock.jump(31)

    await world.until_told("weather", "Healthy")


async def test_a_deployment_of_somebody_else_stops_the_attempt_and_users_are_served(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await world.begin_comparison(a_model_deployment(version="2"), ROLLOUT)
    taken = world.revision("2")
    await world.apply(a_model_deployment(version="1"))
    await world.until_told("weather", "Healthy")
    await world.user.delete("Deployment", taken, propagationPolicy="Background")
    await world.until("it is gone", lambda: world.history.get("Deployment", taken) is None)
    await world.user.create(a_foreign_deployment(taken))

    await world.apply(a_model_deployment(version="2"))
    weather = await until_stalled(world, "NameTaken")

    assert f"Deployment {taken} exists and is not made by Serin" in weather["status"]["message"]
    assert world.condition(weather, "Available") == ("True", "Serving")
    assert len(world.serving_pods()) == 2


async def test_a_child_of_another_model_deployment_is_not_taken_over(world: World) -> None:
    await world.serve_first(a_model_deployment(version="1", name="weather-stable"))

    await world.serve_first(a_model_deployment(version="1"))
    await world.apply(a_model_deployment(version="2"))
    weather = await until_stalled(world, "NameTaken")

    assert "is controlled by ModelDeployment weather-stable" in weather["status"]["message"]
    assert world.condition(world.model_deployment("weather-stable"), "Ready") == ("True", "Serving")
