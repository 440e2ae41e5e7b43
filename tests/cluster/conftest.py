"""Fixtures of the cluster rung: a deployment under load that the tests share, and what to print when one fails."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.installation import Operator, Prometheus
from cluster.kubectl import Kubectl
from cluster.namespace import OPEN, Namespace, open_namespace
from cluster.settings import KILLED_ROLLOUTS, SEED
from cluster.traffic import Traffic
from cluster.weather import Weather, a_weather

LOG_LINES = 60
REQUESTS_PER_SECOND = 100

# The permissions are judged by a log that tells of much; the demo comes when everything that it rests on has passed.
LAST = ("test_permissions.py", "test_demo.py")


def pytest_report_header() -> str:
    return f"cluster rung: SERIN_KILLS={KILLED_ROLLOUTS} SERIN_SEED={SEED}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LAST.index(item.path.name) if item.path.name in LAST else -1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    report = yield
    if report.failed and report.when != "collect":
        for namespace in OPEN:
            report.sections.append((f"namespace {namespace.name}", namespace.kubectl.explain()))
        log = Kubectl("serin-system")
        report.sections.append(("the operator's log", log.run("logs", "deployment/serin", f"--tail={LOG_LINES}")))
    return report


@pytest.fixture(scope="session")
def _cluster() -> None:
    assert os.environ.get("KUBECONFIG"), "KUBECONFIG is not set: `hack/test cluster` brings a cluster up and sets it"


@pytest.fixture(scope="session")
def operator(_cluster: None) -> Operator:
    operator = Operator()
    operator.until_ready()
    return operator


@pytest.fixture
def prometheus(_cluster: None) -> Prometheus:
    return Prometheus()


@pytest.fixture
def namespace(operator: Operator, request: pytest.FixtureRequest) -> Iterator[Namespace]:
    """A namespace of the test's own; the oracles look it over at the end."""
    with open_namespace(request.path.stem.removeprefix("test_").replace("_", "-")) as namespace:
        yield namespace
        namespace.check_oracles()


@pytest.fixture(scope="session")
def _shared(operator: Operator) -> Iterator[tuple[Weather, Traffic]]:
    with open_namespace("shared") as namespace:
        weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
        weather.add_models()
        weather.serve(a_weather("1"))
        traffic.start("--url", f"http://{weather.name}", "--rate", str(REQUESTS_PER_SECOND))
        yield weather, traffic


@pytest.fixture
def weather(_shared: tuple[Weather, Traffic]) -> Iterator[Weather]:
    """Version 1 or 2 serves alone, under load; the oracles look over all of its life at the end."""
    weather, _ = _shared
    weather.settle()
    yield weather
    weather.namespace.check_oracles()


@pytest.fixture
def traffic(_shared: tuple[Weather, Traffic]) -> Traffic:
    """The load on `weather`."""
    return _shared[1]
