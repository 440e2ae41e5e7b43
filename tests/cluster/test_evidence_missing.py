"""Nothing can be judged: Prometheus is away, or there are no requests. A rollout then waits and says why."""

import time
from datetime import datetime

import pytest
from cluster.installation import Prometheus
from cluster.kubectl import Json
from cluster.namespace import Namespace
from cluster.traffic import Traffic
from cluster.weather import Weather, a_weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

MAX_DURATION_SECONDS = 20

AWAY_SECONDS = 60.0

LEAST_CANARY_REQUESTS_PER_SECOND = 10
"""Of the 100 that users send, to one pod of four."""


def test_a_rollout_waits_for_prometheus_and_goes_on_when_it_is_back(
    weather: Weather, traffic: Traffic, prometheus: Prometheus
) -> None:
    users = traffic.count()
    # Longer than it takes to stop Prometheus: there must be a comparison to interrupt.
    rollout = weather.roll_out(a_weather(weather.good_version).with_plan(analysis={"minDuration": "20s"}))
    judged = weather.until_judged(rollout)

    with prometheus.gone():
        away_since = time.monotonic()
        waiting = weather.until_condition(rollout, "MetricsAvailable", "False")
        assert waiting["phase"] == "Analyzing"
        assert waiting["message"].startswith("Waiting: Prometheus at http://prometheus.monitoring:9090")
        assert waiting["weights"] == judged["weights"]
        assert weather.condition(waiting, "Stalled") is None
        time.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - away_since)))

    status = weather.until_phase(rollout, "Promoted")
    (before,), (after,) = judged["metrics"], status["metrics"]
    while_away = after["canary"]["requests"] - before["canary"]["requests"]
    assert while_away > AWAY_SECONDS * LEAST_CANARY_REQUESTS_PER_SECOND, "requests were counted and not judged"
    assert weather.condition(weather.rollout(rollout), "Ready") == ("True", "Promoted")
    assert traffic.count_after(1.0).since(users).failed == 0


def test_a_rollout_without_requests_waits_longer_than_its_maximum_and_is_decided_when_they_come(
    namespace: Namespace,
) -> None:
    weather = Weather(namespace)
    weather.add_models()
    weather.serve(with_impatient_plan(a_weather("1")))

    rollout = weather.roll_out(with_impatient_plan(a_weather("2")))
    waiting = namespace.recording.until(
        "the comparison has looked for longer than its maximum",
        lambda: find_looked_longer(weather.until_phase(rollout, "Analyzing")),
    )
    assert waiting["message"] == "No data yet: no request has reached the baseline or the canary."
    assert waiting["verdict"]["state"] == "NoData"
    assert weather.condition(waiting, "Stalled") is None

    Traffic(namespace.kubectl).start("--url", "http://weather", "--rate", "100")
    assert weather.until_phase(rollout, "Promoted")["message"].startswith("Promoted: with 95 % confidence")


def with_impatient_plan(manifest: Manifest) -> Manifest:
    """One that rejects what stays open for long, and asks for little, so that its time is enough once requests come."""
    analysis = {"maxDuration": f"{MAX_DURATION_SECONDS}s", "metrics": [{"margin": {"absolute": 0.1}}]}
    return manifest.with_plan(onInconclusive="Reject", analysis=analysis)


def find_looked_longer(status: Json) -> Json | None:
    engine = status.get("engine")
    if not engine:
        return None
    looked = datetime.fromisoformat(engine["lookedAt"]) - datetime.fromisoformat(engine["since"])
    return status if looked.total_seconds() > 1.2 * MAX_DURATION_SECONDS else None
