"""An A/B test under load: a business metric that the pods count themselves decides, and no request fails."""

from collections.abc import Iterator

import pytest
from cluster.installation import Operator
from cluster.kubectl import Json
from cluster.namespace import open_namespace
from cluster.own_server import NAME, add_script, own_server
from cluster.traffic import Traffic
from cluster.weather import PLAN, Weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

REQUESTS_PER_SECOND = 40
GUARDRAIL: Json = {"name": "answers", "total": "asks_total", "failed": "broken_asks_total", "margin": {"absolute": 0.2}}

AB_TEST: Json = {
    **PLAN,
    "strategy": "ABTest",
    "abTest": {
        "weight": 50,
        "metric": {"total": 'asks_total{kind="user"}', "success": 'skies_total{sky="rain"}'},
        "minimumEffect": 0.1,
    },
    "analysis": {**PLAN["analysis"], "metrics": [GUARDRAIL]},
}


def a_tested(version: str, rain_share: float) -> Manifest:
    """Requests without that header are users of their own. A cookie would make the whole load one user."""
    return own_server(version, rain_share=rain_share, replicas=2).with_spec(
        rollout=AB_TEST, traffic={"provider": "Router", "sticky": {"header": "x-user-id"}}
    )


@pytest.fixture(scope="module")
def tested(operator: Operator) -> Iterator[tuple[Weather, Traffic]]:
    with open_namespace("ab-test") as namespace:
        served, traffic = Weather(namespace, NAME), Traffic(namespace.kubectl)
        add_script(namespace.kubectl)
        served.serve(a_tested("1", rain_share=0.3))
        traffic.start("--url", f"http://{NAME}:81", "--rate", str(REQUESTS_PER_SECOND), "--dialect", "predict")
        yield served, traffic
        namespace.check_oracles()


@pytest.mark.parametrize(
    ("version", "rain_share", "end", "outcome"),
    [("2", 0.05, "Rejected", "StableWins"), ("3", 0.7, "Promoted", "CanaryWins")],
)
def test_the_version_that_serves_users_better_wins(
    tested: tuple[Weather, Traffic], version: str, rain_share: float, end: str, outcome: str
) -> None:
    served, traffic = tested
    before = traffic.count()

    rollout = served.roll_out(a_tested(version, rain_share))
    status = served.until_phase(rollout, end)

    (business,) = [metric for metric in status["metrics"] if metric["name"] == "business"]
    assert business["trial"]["outcome"] == outcome
    assert business["canary"]["requests"] == pytest.approx(business["baseline"]["requests"], rel=0.25)
    assert "version wins" in status["message"]
    noticed = traffic.count_after(3.0).since(before)
    assert noticed.failed == 0, noticed
