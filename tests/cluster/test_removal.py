"""What goes when a ModelDeployment is deleted, and what stays when the operator is."""

import pytest
from cluster.installation import Operator
from cluster.kubectl import Json
from cluster.namespace import Namespace
from cluster.traffic import Traffic
from cluster.weather import Weather, a_weather

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_deleting_a_model_deployment_in_the_middle_of_an_analysis_removes_everything(namespace: Namespace) -> None:
    weather = Weather(namespace)
    weather.add_models()
    weather.serve(a_weather("1").with_replicas(1))
    weather.until_phase(weather.roll_out(a_weather("2").with_replicas(1)), "Analyzing")

    namespace.kubectl.run("delete", "modeldeployments.serin.dev", weather.name)

    namespace.recording.until("nothing is left in the namespace", lambda: not namespace.recording.objects)


def test_users_are_served_without_the_operator_and_its_return_writes_nothing(
    weather: Weather, traffic: Traffic, operator: Operator
) -> None:
    users, before = traffic.count(), take_versions(weather.namespace)

    try:
        operator.remove()
        served = traffic.count_after(5.0).since(users)
        assert served.requests > 0 == served.failed, f"user requests failed without the operator: {served}"
    finally:
        operator.install()
    operator.until_looked_at_all()

    assert take_versions(weather.namespace) == before
    assert traffic.count_after(1.0).since(users).failed == 0


def take_versions(namespace: Namespace) -> dict[str, str]:
    """Of every object that Serin made or answers for: another one means that somebody wrote."""
    kinds = "modeldeployments.serin.dev,rollouts.serin.dev,controllerrevisions,deployments,services,pods"
    items: list[Json] = namespace.kubectl.read("get", kinds)["items"]
    return {f"{item['kind']} {item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in items}
