"""What holds under load whichever provider splits the requests, and through each of two implementations of Gateways.

Users send 100 requests/s, each on a connection of its own and never twice. A crowd that asks as fast as it is answered
counts the shares.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cluster.crowd_pod import Crowd
from cluster.installation import Operator
from cluster.kubectl import Json
from cluster.namespace import open_namespace
from cluster.traffic import Traffic
from cluster.waiting import wait_until
from cluster.weather import BROKEN, PLAN, Weather, a_model
from serin.core.model_deployment.comparer import COMPARER_PORT
from trials.traffic_ways import WAYS, Way

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

REQUESTS_PER_SECOND = 100
MANY = 20_000
STEPS: Json = {**PLAN, "steps": [{"weight": 5}, {"weight": 25, "approval": True}]}
COPIED_PERCENT = 25.0
SHADOW: Json = {
    **PLAN,
    "strategy": "Shadow",
    "shadow": {"fraction": COPIED_PERCENT, "compare": {"agreement": 0.9}},
    "analysis": {**PLAN["analysis"], "minDuration": "1h", "maxDuration": "2h"},
}


@dataclass(frozen=True)
class Served:
    way: Way
    weather: Weather
    traffic: Traffic
    crowd: Crowd

    def ask_with_crowd(self, requests: int) -> Json:
        """Answers per version."""
        # A Service chooses a pod per connection; all else chooses per request.
        told = self.crowd.count(requests, asks_anew=not self.way.is_exact)
        assert told["failed"] == {}
        return dict(told["versions"])

    def count_copies(self) -> int:
        """That have reached the comparer, and of which it is done with all."""
        kubectl = self.weather.namespace.kubectl
        pods = kubectl.read("get", "pods", "--selector=serin.dev/track=comparer")["items"]
        path = (
            f"/api/v1/namespaces/{kubectl.namespace}/pods/{pods[0]['metadata']['name']}:{COMPARER_PORT}/proxy/metrics"
        )

        def read() -> dict[str, float]:
            lines = [line for line in kubectl.run("get", f"--raw={path}").splitlines() if not line.startswith("#")]
            return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}

        counts = wait_until("no copy waits", lambda: found if not (found := read())["serin_comparer_waiting"] else None)
        names = ("serin_comparer_answers_total", "serin_comparer_dropped_total")
        return int(sum(count for name, count in counts.items() if name.startswith(names)))


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way.name)
def served(request: pytest.FixtureRequest, operator: Operator) -> Iterator[Served]:
    way: Way = request.param
    with open_namespace(f"way-{way.name}") as namespace:
        weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
        weather.add_models()
        way.prepare(namespace.kubectl)
        weather.serve(way.manifest("1"))
        wait_until("the url is that of the way", lambda: weather.status.get("url"))
        traffic.start("--url", way.url(weather), "--rate", str(REQUESTS_PER_SECOND))
        crowd = Crowd(namespace.kubectl, way.url(weather))
        crowd.start()
        yield Served(way, weather, traffic, crowd)
        namespace.check_oracles()


def test_shares_are_as_told_and_a_good_version_is_promoted_without_a_request_lost(served: Served) -> None:
    weather, before = served.weather, served.traffic.count()
    rollout = weather.roll_out(served.way.manifest(weather.good_version, STEPS))
    weather.until_phase(rollout, "AwaitingApproval")
    status = weather.until_condition(rollout, "TrafficConverged", "True")
    told = status["weights"]["effective"]["canary"]
    version = status["canary"]["version"]
    assert told == (5 if served.way.is_exact else 25)

    versions = served.ask_with_crowd(MANY if served.way.is_exact else 3_000)

    percent = 100 * versions[version] / sum(versions.values())
    assert abs(percent - told) <= (0.5 if served.way.is_exact else 5), versions
    weather.namespace.kubectl.run(
        *("patch", "rollouts.serin.dev", rollout, "--type=merge", "--patch", '{"spec":{"approvals":["Step2"]}}')
    )
    weather.until_phase(rollout, "Promoted")
    weather.until_told("Healthy")
    after = served.traffic.count_after(3)
    during = after.since(before)
    assert during.failed == 0, during
    assert len(during.versions) == 2
    later = served.traffic.count_after(3).since(after)
    assert set(later.versions) == {version}, "all of the requests"


def test_a_broken_version_is_rejected_and_nothing_but_its_own_answers_fails(served: Served) -> None:
    weather = served.weather
    stable, before = weather.stable_version, served.traffic.count()
    rollout = weather.roll_out(served.way.manifest(stable).with_spec(model=a_model(BROKEN)))
    weather.until_phase(rollout, "Rejected")
    after = served.traffic.count_after(3)

    during = after.since(before)
    assert during.failed == during.codes.get("400", 0), during
    later = served.traffic.count_after(5).since(after)
    assert later.failed == 0, later
    assert set(later.versions) == {stable}, "not one"


def test_copies_are_as_many_as_asked_for_or_refused_with_a_word(served: Served) -> None:
    weather = served.weather
    # Another version that answers the same, so that the comparison goes on meanwhile.
    same = a_model(weather.stable_version) | {"version": "again"}
    rollout = weather.roll_out(served.way.manifest(weather.stable_version, SHADOW).with_spec(model=same))
    if not served.way.can_mirror:
        status = weather.until_condition(rollout, "Stalled", "True")
        assert status["reason"] == "CannotMirror"
        assert "set spec.traffic.provider to Router" in status["message"]
        return
    weather.until_judged(rollout)
    served.traffic.stop()
    before = served.count_copies()

    versions = served.ask_with_crowd(MANY)

    copied = served.count_copies() - before
    assert abs(100 * copied / sum(versions.values()) - COPIED_PERCENT) <= 1, (copied, versions)
