"""Under 100 requests/s: users do not notice a good version, and not for long a broken one."""

import pytest
from cluster.installation import Operator
from cluster.traffic import Traffic
from cluster.weather import BROKEN, Weather, a_weather, wait_is_in_vain
from serin_testkit.world import is_ready

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

MOMENT_SECONDS = 3.0
"""So much later no answer is on its way any more, and the generator has printed what it counted."""


def test_a_good_version_is_promoted_and_users_notice_nothing(weather: Weather, traffic: Traffic) -> None:
    users, before = traffic.count(), weather.namespace.recording.version
    old, version = weather.serving(), weather.good_version

    rollout = weather.roll_out(a_weather(version))
    weather.wait_for_ready("300s")

    # The ModelDeployment's record comes first, so that a crash between the two leaves nothing to guess.
    status = weather.until_phase(rollout, "Promoted")
    assert status["message"].startswith("Promoted: with 95 % confidence")
    assert weather.stable_version == version
    weather.until_stable_is_alone()
    noticed = traffic.count_after(MOMENT_SECONDS).since(users)
    assert noticed.failed == 0, f"user requests failed: {noticed}"
    assert noticed.versions[version] > 0
    judged = _judged_pods(weather, rollout, before)
    assert judged, "no pod was seen on trial"
    assert judged <= weather.serving().keys(), "promotion replaced pods that had been judged"
    assert not weather.restarted_pods(before)
    assert not old.keys() & weather.serving().keys()


def test_old_pods_leave_only_after_the_promotion(weather: Weather) -> None:
    before, old = weather.namespace.recording.version, weather.serving()

    rollout = weather.roll_out(a_weather(weather.good_version))
    weather.until_phase(rollout, "Promoted")
    weather.until_stable_is_alone()

    promoted = _version_of_phase(weather, rollout, "Promoted", before)
    pods = weather.events_of("Pod", since=before)
    leaving = [seen for seen in pods if "deletionTimestamp" in seen.object["metadata"]]
    left = [seen.version for seen in leaving if seen.object["metadata"]["uid"] in old]
    assert left
    assert min(left) > promoted


def test_a_broken_version_is_rejected_by_the_counters_of_prometheus(weather: Weather, traffic: Traffic) -> None:
    before, stable = weather.namespace.recording.version, weather.serving()
    version = weather.stable_version

    rollout = weather.roll_out(a_weather(BROKEN))
    status = weather.until_phase(rollout, "Rejected")

    assert status["message"].startswith("Rejected: the canary fails 100 %, the baseline 0 %")
    (metric,) = status["metrics"]
    assert metric["canary"]["failures"] == metric["canary"]["requests"] > 0
    assert metric["baseline"]["failures"] == 0 < metric["baseline"]["requests"]
    weather.until_told("Degraded")
    assert weather.condition(weather.status, "Stalled") == ("True", "CanaryRejected")
    assert weather.condition(weather.status, "Available") == ("True", "Serving")
    assert wait_is_in_vain(weather, "5s")
    weather.until_stable_is_alone()
    assert weather.serving() == stable
    assert not weather.restarted_pods(before)
    settled = traffic.count_after(MOMENT_SECONDS)
    afterwards = traffic.count_after(2 * MOMENT_SECONDS).since(settled)
    assert afterwards.failed == 0, f"user requests failed after the rejection: {afterwards}"
    assert set(afterwards.versions) == {version}


def test_a_rejected_version_that_is_applied_again_starts_nothing(weather: Weather, operator: Operator) -> None:
    rejected = a_weather(BROKEN)
    weather.until_phase(weather.roll_out(rejected), "Rejected")
    weather.until_told("Degraded")
    weather.until_stable_is_alone()
    rollouts, pods, status = weather.rollouts(), weather.serving(), weather.status

    weather.apply(rejected.with_annotation("sync.example/at", "now"))
    operator.kill()  # a new process looks at everything, as if it had never seen it
    operator.until_looked_at_all()

    assert (weather.rollouts(), weather.serving(), weather.status) == (rollouts, pods, status)


def _judged_pods(weather: Weather, rollout: str, since: int) -> set[str]:
    """Ready pods of the canary between the first request to it and the verdict."""
    revision = weather.rollout(rollout)["canary"]["revision"]
    began = _version_of_phase(weather, rollout, "Analyzing", since)
    decided = _version_of_phase(weather, rollout, "Promoting", since)
    ready = {
        seen.object["metadata"]["uid"]
        for seen in weather.events_of("Pod", since=since)
        if seen.version < decided
        and seen.object["metadata"]["labels"].get("serin.dev/revision") == revision
        and is_ready(seen.object)
    }
    assert began < decided
    return ready


def _version_of_phase(weather: Weather, rollout: str, phase: str, since: int) -> int:
    """Of the store, when the Rollout was in this phase for the first time."""
    told = weather.events_of("Rollout", since=since)
    return min(
        seen.version
        for seen in told
        if seen.place[1] == rollout and (seen.object.get("status") or {}).get("phase") == phase
    )
