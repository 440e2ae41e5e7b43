"""BlueGreen, RollingUpdate and Recreate under load: a good version is promoted and a bad one is stopped.

No user loses a request to it, but in the gap that Recreate tells of.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from cluster.installation import Operator
from cluster.kubectl import Json
from cluster.namespace import open_namespace
from cluster.traffic import Traffic
from cluster.waiting import wait_until
from cluster.weather import BROKEN, PLAN, Weather, a_model, a_weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

REQUESTS_PER_SECOND = 100
NO_SUCH_MODEL = "9"

BLUE_GREEN: Json = {
    "strategy": "BlueGreen",
    "progressDeadline": "4m",
    "preflight": {"contract": "Warn"},  # version 3 breaks its contract, and the bake shall tell
    "analysis": {"interval": "2s", "warmup": "4s", "metrics": PLAN["analysis"]["metrics"]},
}
ROLLING_UPDATE: Json = {"strategy": "RollingUpdate", "progressDeadline": "4m"}
RECREATE: Json = {"strategy": "Recreate", "progressDeadline": "4m"}


def planned(version: str, plan: Json, *, provider: str = "Replicas", **changes: Any) -> Manifest:
    return a_weather(version).with_spec(traffic={"provider": provider}, rollout={**plan, **changes})


@pytest.fixture(scope="module")
def _planned(operator: Operator) -> Iterator[tuple[Weather, Traffic]]:
    with open_namespace("strategies") as namespace:
        weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
        weather.add_models()
        weather.serve(planned("1", ROLLING_UPDATE))
        traffic.start("--url", f"http://{weather.name}", "--rate", str(REQUESTS_PER_SECOND))
        yield weather, traffic
        namespace.check_oracles()


@pytest.fixture
def weather(_planned: tuple[Weather, Traffic]) -> Weather:
    return _planned[0]


@pytest.fixture
def traffic(_planned: tuple[Weather, Traffic]) -> Traffic:
    return _planned[1]


def serve_alone(weather: Weather, plan: Json, provider: str) -> None:
    """Stable serves with this plan, and whatever an earlier test has left is gone."""
    weather.serve(planned(weather.stable_version, plan, provider=provider))
    weather.until_no_version_is_left_but_stable()
    wait_until(f"users are led as {provider} does", lambda: is_led_by(weather, provider))


def is_led_by(weather: Weather, provider: str) -> bool:
    service = weather.namespace.kubectl.read("get", "service", weather.name)
    return ("serin.dev/component" in service["spec"]["selector"]) == (provider == "Router")


def test_blue_green_promotes_a_good_version_after_its_bake(weather: Weather, traffic: Traffic) -> None:
    serve_alone(weather, BLUE_GREEN, "Router")
    before = traffic.count()

    rollout = weather.roll_out(planned(weather.good_version, BLUE_GREEN, provider="Router", bake="15s"))
    weather.until_phase(rollout, "Promoted")
    weather.until_told("Healthy")

    during = traffic.count_after(3).since(before)
    assert during.failed == 0, during
    assert len(during.versions) == 2


def test_blue_green_returns_from_a_broken_version_without_a_pod_start(weather: Weather, traffic: Traffic) -> None:
    serve_alone(weather, BLUE_GREEN, "Router")
    stable, old_pods, before = weather.stable_version, ready_pods(weather), traffic.count()

    broken = planned(stable, BLUE_GREEN, provider="Router", bake="5m").with_spec(model=a_model(BROKEN))
    status = weather.until_phase(weather.roll_out(broken), "RolledBack")
    after = traffic.count_after(3)

    assert status["reason"] == "EvidenceBad"
    during = after.since(before)
    assert during.failed == during.codes.get("400", 0) > 0, "only what the broken model itself answers"
    later = traffic.count_after(5).since(after)
    assert (later.failed, set(later.versions)) == (0, {stable})
    assert old_pods <= ready_pods(weather)


def test_a_rolling_update_replaces_the_pods_of_a_good_version(weather: Weather, traffic: Traffic) -> None:
    serve_alone(weather, ROLLING_UPDATE, "Replicas")
    before = traffic.count()

    rollout = weather.roll_out(planned(weather.good_version, ROLLING_UPDATE))
    weather.until_phase(rollout, "Promoted")
    weather.until_told("Healthy")

    during = traffic.count_after(3).since(before)
    assert during.failed == 0, during
    assert len(during.versions) == 2


def test_a_rolling_update_stops_at_a_version_that_does_not_get_ready(weather: Weather, traffic: Traffic) -> None:
    serve_alone(weather, ROLLING_UPDATE, "Replicas")
    stable, before = weather.stable_version, traffic.count()

    missing = planned(stable, ROLLING_UPDATE, progressDeadline="15s").with_spec(model=a_model(NO_SUCH_MODEL))
    status = weather.until_phase(weather.roll_out(missing), "Failed")

    assert status["reason"] == "ProgressDeadlineExceeded"
    during = traffic.count_after(3).since(before)
    assert (during.failed, set(during.versions)) == (0, {stable})


def test_recreate_leaves_users_unserved_in_the_gap_alone(weather: Weather, traffic: Traffic) -> None:
    serve_alone(weather, RECREATE, "Replicas")
    wanted, before = weather.good_version, traffic.count()
    begun = weather.roll_out(planned(wanted, RECREATE, approval=["BeforeTraffic"]))
    weather.until_phase(begun, "AwaitingApproval")
    waiting = traffic.count_after(2)
    assert waiting.since(before).failed == 0, "the old version serves until a person lets the gap begin"

    weather.namespace.kubectl.run("patch", "mro", begun, "--type=merge", '-p={"spec":{"approvals":["BeforeTraffic"]}}')
    status = weather.until_phase(begun, "Promoted")
    weather.until_told("Healthy")
    after = traffic.count_after(3)

    assert [stage["phase"] for stage in status["stages"]][-3:] == ["Preparing", "Promoting", "Promoted"]
    assert says_that_nobody_is_served(weather, begun)
    assert after.since(waiting).failed > 0
    later = traffic.count_after(5).since(after)
    assert (later.failed, set(later.versions)) == (0, {wanted})


def test_recreate_starts_the_old_version_again_when_the_new_one_does_not_get_ready(
    weather: Weather, traffic: Traffic
) -> None:
    serve_alone(weather, RECREATE, "Replicas")
    stable = weather.stable_version

    missing = planned(stable, RECREATE, progressDeadline="15s").with_spec(model=a_model(NO_SUCH_MODEL))
    begun = weather.roll_out(missing)
    weather.until_phase(begun, "Failed")
    weather.until_serving(2)
    after = traffic.count_after(3)

    assert says_that_nobody_is_served(weather, begun)
    later = traffic.count_after(5).since(after)
    assert (later.failed, set(later.versions)) == (0, {stable})


def says_that_nobody_is_served(weather: Weather, rollout: str) -> bool:
    told = [seen.object.get("status") or {} for seen in weather.events_of("Rollout") if seen.place[1] == rollout]
    return any(str(status.get("message", "")).startswith("Users are not served") for status in told)


def ready_pods(weather: Weather) -> set[str]:
    """UIDs of the pods of the stable version."""
    revision = weather.status["stable"]["revision"]
    wanted = {"serin.dev/revision": revision, "serin.dev/track": "primary"}
    return {pod["metadata"]["uid"] for pod in weather.pods() if wanted.items() <= pod["metadata"]["labels"].items()}
