"""The bake: a promoted version serves, and the old one takes the requests back at a stroke if it turns bad."""

import pytest
from serin.core.facts import MetricsUnavailable
from unit.core.paper_cluster import PaperCluster


def baking(*, splits_exactly: bool = False, replicas: int = 2, decision: str | None = None) -> PaperCluster:
    cluster = PaperCluster(replicas=replicas, splits_exactly=splits_exactly, bake="5m").comparing()
    if decision:
        return cluster.deciding(decision).until("Baking").settled()
    while cluster.attempt.phase == "Analyzing":
        cluster.compare(requests=1000)
    return cluster.until("Baking").settled()


def stable_version(cluster: PaperCluster) -> str:
    stable = cluster.model_deployment.stable
    assert stable is not None
    return stable.version


def pods_of(cluster: PaperCluster, version: str) -> list[str]:
    return [pod.name for pod in cluster.pods.of(cluster.route_of(version).revision)]


def test_the_new_version_serves_and_the_old_one_stays_stable_and_whole() -> None:
    cluster = baking()

    assert cluster.selected_revision() == cluster.route_of("2").revision
    assert (len(pods_of(cluster, "2")), len(pods_of(cluster, "1"))) == (2, 2)
    assert stable_version(cluster) == "1"
    assert cluster.attempt.message == (
        "All requests go to version 2. Version 1 is ready until 12:05:30 UTC to take them back. "
        "It gets none to be compared with: crashes and pods that are not ready are what counts."
    )


def test_after_the_bake_the_new_version_is_stable_for_the_reason_it_was_promoted_for() -> None:
    cluster = baking().passing(301).settled()

    assert cluster.attempt.phase == "Promoted"
    assert (cluster.attempt.message or "").startswith("Promoted: with 95 % confidence")
    assert cluster.attempt.decided_by is not None
    assert cluster.attempt.decided_by.how == "Evidence"
    assert stable_version(cluster) == "2"
    assert pods_of(cluster, "1") == []


def test_without_a_bake_the_promotion_is_the_end() -> None:
    cluster = PaperCluster(bake="0s").serving("1").wanting("2").until("Analyzing").deciding("Promote").settled()

    assert [stage.phase for stage in cluster.attempt.stages][-3:] == ["Analyzing", "Promoting", "Promoted"]


def test_a_crash_loop_gives_all_requests_back_without_a_pod_start() -> None:
    cluster = baking()
    old_pods = pods_of(cluster, "1")
    cluster.pods.of(cluster.route_of("2").revision)[0].restarts = 3
    cluster.look()

    assert cluster.attempt.phase == "RolledBack"
    assert cluster.attempt.reason == "CanaryCrashed"
    assert cluster.selected_revision() == cluster.route_of("1").revision
    assert pods_of(cluster.settled(), "1") == old_pods
    assert stable_version(cluster) == "1"


def test_a_version_of_which_no_pod_is_left_to_answer_gives_the_requests_back() -> None:
    cluster = baking()
    cluster.pods.broken[cluster.route_of("2").revision] = "ImagePullBackOff"
    cluster.pods.run(cluster.all("Deployment"), cluster.now)
    cluster.look()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("RolledBack", "CanaryNotReady")
    assert cluster.attempt.message == "Rolled back: no pod of the new version is ready, pod " + (
        f"{pods_of(cluster, '2')[0]} of the new version: ImagePullBackOff."
    )


def test_one_pod_that_is_not_ready_only_keeps_the_bake_from_ending() -> None:
    cluster = baking()
    cluster.pods.of(cluster.route_of("2").revision)[0].ready = False
    cluster.passing(301).look()
    assert cluster.attempt.phase == "Baking"
    assert cluster.attempt.message == "The bake goes on: not all pods of the new version are ready."

    cluster.passing(600).look()
    assert (cluster.attempt.phase, cluster.attempt.reason) == ("RolledBack", "CanaryNotReady")


def test_nothing_goes_back_to_a_version_of_which_no_pod_is_ready() -> None:
    cluster = baking()
    cluster.pods.broken[cluster.route_of("1").revision] = "Unhealthy"
    cluster.pods.run(cluster.all("Deployment"), cluster.now)
    cluster.pods.of(cluster.route_of("2").revision)[0].restarts = 3
    cluster.settled()

    assert cluster.attempt.phase == "Baking"
    assert (cluster.attempt.message or "").startswith("No pod of the old version is ready to go back to; the new")
    del cluster.pods.broken[cluster.route_of("1").revision]
    assert cluster.settled().attempt.phase == "RolledBack"


def test_a_version_that_was_rolled_back_is_remembered_and_stalls_its_model_deployment() -> None:
    cluster = baking()
    cluster.pods.of(cluster.route_of("2").revision)[0].restarts = 3
    cluster.settled().passing(3600).wanting("2").settled()

    assert cluster.model_deployment.rejected is not None
    assert cluster.model_deployment.rejected.phase == "RolledBack"
    conditions = {condition.type: condition for condition in cluster.model_deployment.conditions}
    assert conditions["Stalled"].reason == "CanaryRolledBack"
    assert conditions["Available"].message == "Version 1 answers."
    assert len(cluster.all("Rollout")) == 2


@pytest.mark.parametrize(
    ("decision", "end", "stable"),
    [("Promote", "Promoted", "2"), ("Reject", "RolledBack", "1"), ("Abort", "Aborted", "1")],
)
def test_a_person_ends_the_bake_at_once(decision: str, end: str, stable: str) -> None:
    cluster = baking().deciding(decision)
    cluster.look()

    assert cluster.attempt.phase == end
    assert cluster.attempt.decided_by is not None
    assert cluster.attempt.decided_by.how == "Person"
    assert cluster.settled().selected_revision() == cluster.route_of(stable).revision
    assert stable_version(cluster) == stable


def test_the_promote_that_led_into_the_bake_does_not_end_it_but_can_still_be_taken_back() -> None:
    cluster = baking(decision="Promote").passing(60).settled()
    assert cluster.attempt.phase == "Baking"

    assert cluster.deciding("Reject").settled().attempt.phase == "RolledBack"


def test_a_spec_that_goes_back_to_the_old_version_gives_the_requests_back_at_once() -> None:
    cluster = baking().wanting("1")
    cluster.look()

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Aborted", "SpecReverted")
    assert cluster.selected_revision() == cluster.route_of("1").revision


def test_a_newer_version_starts_afresh_beside_the_last_one_that_was_proven() -> None:
    cluster = baking().wanting("3").settled()

    assert cluster.rollout("weather-2").phase == "Superseded"
    assert cluster.rollout("weather-3").phase == "Analyzing"
    assert stable_version(cluster) == "1"
    assert {pod.route for pod in cluster.pods.all if pod.route == cluster.route_of("2")} == set()


def test_time_spent_paused_is_no_time_in_the_bake() -> None:
    cluster = baking().passing(200).pausing().settled()
    cluster.passing(1000).settled()
    assert cluster.attempt.phase == "Baking"

    cluster.pausing(False).settled()
    assert cluster.passing(90).settled().attempt.phase == "Baking"
    assert cluster.passing(20).settled().attempt.phase == "Promoted"


def test_autoscalers_and_people_see_the_pods_that_serve() -> None:
    cluster = baking()
    status = cluster.model_deployment

    assert status.selector is not None
    assert cluster.route_of("2").revision in status.selector
    assert status.message == "Version 2 serves on probation, see Rollout weather-2."
    assert {c.type: c.message for c in status.conditions}["Available"] == "Version 2 answers."


def test_with_exact_shares_the_baseline_keeps_a_few_percent_to_compare_with() -> None:
    cluster = baking(splits_exactly=True)

    assert cluster.weights() == {"2 primary": 95.0, "1 baseline": 5.0}


def test_with_exact_shares_a_version_that_turns_bad_is_rolled_back_by_the_evidence() -> None:
    cluster = baking(splits_exactly=True)
    cluster.compare(requests=100)
    cluster.compare(requests=100)
    assert cluster.attempt.phase == "Baking"
    for _ in range(10):
        if cluster.attempt.phase == "Baking":
            cluster.compare(requests=100, canary_failures=50)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("RolledBack", "EvidenceBad")
    assert (cluster.attempt.message or "").startswith("Rolled back: the canary fails")
    assert cluster.weights() == {"1 primary": 100.0}


def test_with_exact_shares_as_good_a_version_becomes_stable() -> None:
    cluster = baking(splits_exactly=True)
    for _ in range(31):
        cluster.compare(requests=100, canary_failures=1, baseline_failures=1)

    assert cluster.settled().attempt.phase == "Promoted"
    assert (cluster.attempt.message or "").startswith("Promoted: with 95 % confidence")


def test_a_bake_does_not_end_while_prometheus_is_away_and_misses_nothing_of_that_time() -> None:
    cluster = baking(splits_exactly=True)
    cluster.compare(requests=100)
    cluster.compare(requests=100)
    cluster.passing(400).look(MetricsUnavailable("Prometheus does not answer."))
    waiting = cluster.attempt
    assert (waiting.phase, waiting.reason) == ("Baking", "MetricsUnavailable")

    cluster.compare(requests=1000, canary_failures=500)
    assert (cluster.attempt.phase, cluster.attempt.reason) == ("RolledBack", "EvidenceBad")


def test_equally_many_pods_with_unequal_shares_are_no_pair() -> None:
    """One canary with 95 % beside one baseline with 5 %: a burst hits the canary nineteen times as likely."""
    cluster = baking(splits_exactly=True, replicas=1)
    cluster.compare(requests=100)
    cluster.compare(requests=100)
    before = cluster.attempt.engine["streams"]["success-rate"]["evidence"]["harm"]["logPairBets"]
    cluster.compare(requests=100, canary_failures=3)
    after = cluster.attempt.engine["streams"]["success-rate"]["evidence"]["harm"]["logPairBets"]

    # New stakes are placed, no bet is won or lost.
    assert all(b <= a < b + 0.1 for b, a in zip(before, after, strict=True))
