"""The operator may do what it does, and nothing more."""

import pytest
from cluster.installation import Operator
from cluster.kubectl import Kubectl, KubectlError
from cluster.namespace import Namespace
from cluster.weather import Weather, a_weather

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

OPERATOR = "system:serviceaccount:serin-system:serin"


def test_the_operator_asks_for_nothing_that_it_is_refused(namespace: Namespace, operator: Operator) -> None:
    weather = Weather(namespace)
    weather.add_models()
    weather.serve(a_weather("1").with_replicas(1))
    weather.until_phase(weather.roll_out(a_weather("2").with_replicas(1)), "Analyzing")
    weather.serve(a_weather("1").with_replicas(1))

    # A namespace on its way out refuses new objects with the same word, to anybody: only a refused user counts.
    refused = [line for line in operator.log().splitlines() if f'forbidden: User \\"{OPERATOR}' in line]

    assert not refused, refused


@pytest.mark.parametrize(
    "request_", ["get secrets", "create pods", "update modeldeployments.serin.dev", "delete namespaces", "get nodes"]
)
def test_the_operator_may_not(request_: str) -> None:
    with pytest.raises(KubectlError, match="exit code 1: no"):
        Kubectl("default").run("auth", "can-i", *request_.split(), f"--as={OPERATOR}", "--all-namespaces")
