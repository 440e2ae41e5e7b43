"""RollingUpdate: the new pods take the place of the old ones step by step, and come back the same way."""

from typing import Any

import pytest
from unit.core.paper_cluster import BROKEN, PaperCluster


def rolling(*, replicas: int = 3, splits_exactly: bool = False, **plan: Any) -> PaperCluster:
    """The first pod of version 2 is ready and checked, and the rolling begins."""
    cluster = PaperCluster(replicas=replicas, splits_exactly=splits_exactly, strategy="RollingUpdate", **plan)
    return cluster.serving("1").wanting("2").until("Promoting")


def sizes(cluster: PaperCluster) -> tuple[int, int]:
    """Pods of the old and of the new version."""
    old, new = (cluster.pods.of(cluster.route_of(version).revision) for version in ("1", "2"))
    return len(old), len(new)


def run_pods(cluster: PaperCluster) -> None:
    cluster.pods.run(cluster.all("Deployment"), cluster.now)


def roll_on(cluster: PaperCluster) -> tuple[int, int]:
    """One look, and what the pods make of it."""
    cluster.look()
    run_pods(cluster)
    return sizes(cluster)


def half_way(*, splits_exactly: bool = False, **plan: Any) -> PaperCluster:
    """One of three old pods has been replaced, and the next pod of version 2 does not get ready."""
    cluster = rolling(splits_exactly=splits_exactly, **plan)
    cluster.pods.stuck.add(cluster.route_of("2").revision)
    cluster.settled()
    assert sizes(cluster) == (2, 2)
    return cluster


@pytest.mark.parametrize("splits_exactly", [False, True])
@pytest.mark.parametrize("size", [1, 2, "50%"])
def test_ready_pods_are_never_fewer_than_asked_for(size: int | str, splits_exactly: bool) -> None:
    cluster = rolling(replicas=4, splits_exactly=splits_exactly, size=size)
    run_pods(cluster)
    seen = [sizes(cluster), *(roll_on(cluster) for _ in range(20))]

    assert cluster.attempt.phase == "Promoted"
    assert seen[-1] == (0, 4)
    assert (min(map(sum, seen)), max(map(sum, seen))) == (4, 4 + (1 if size == 1 else 2))


def test_each_version_gets_the_share_of_its_ready_pods() -> None:
    cluster, seen = rolling(splits_exactly=True), []
    for _ in range(20):
        seen.append(tuple(sorted(cluster.weights().items())))
        roll_on(cluster)

    assert list(dict.fromkeys(seen)) == [
        (("1 primary", 66.7), ("2 primary", 33.3)),
        (("1 primary", 33.3), ("2 primary", 66.7)),
        (("2 primary", 100.0),),
    ]


def test_no_old_pod_goes_before_the_requests_have_gone_over() -> None:
    cluster = rolling(splits_exactly=True)
    run_pods(cluster)

    assert cluster.facts().shares == {cluster.route_of("1"): 66.7, cluster.route_of("2"): 33.3}
    assert sizes(cluster)[0] == 3  # these shares were only just asked for


def test_the_first_pod_is_asked_before_any_user_is_sent_to_it() -> None:
    cluster = PaperCluster(replicas=3, strategy="RollingUpdate").serving("1").wanting("2")
    cluster.preflight = BROKEN

    assert cluster.settled().attempt.reason == "PreflightFailed"
    assert sizes(cluster) == (3, 0)


def test_a_gate_holds_the_rolling_with_one_pod_ready() -> None:
    cluster = PaperCluster(replicas=3, strategy="RollingUpdate", approval=["BeforePromotion"]).serving("1").wanting("2")
    assert cluster.settled().attempt.phase == "AwaitingApproval"
    assert sizes(cluster) == (3, 1)

    assert cluster.approving("BeforePromotion").settled().attempt.phase == "Promoted"


def test_nothing_is_run_twice_to_compare_with() -> None:
    cluster = rolling()

    assert {pod.route.track for pod in cluster.pods.all} == {"primary"}
    assert cluster.attempt.baseline is None
    assert ("Service", "weather-baseline") not in cluster.objects


def test_new_pods_that_do_not_get_ready_end_it_and_what_was_replaced_comes_back_first() -> None:
    cluster = half_way(progressDeadline="1m")
    new = cluster.route_of("2").revision
    (served,) = [pod for pod in cluster.pods.of(new) if pod.ready]
    cluster.passing(10_000).look()
    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Failed", "ProgressDeadlineExceeded")
    run_pods(cluster)
    assert sizes(cluster) == (3, 1)
    assert served in cluster.pods.of(new)

    cluster.settled()
    assert sizes(cluster) == (3, 0)
    assert cluster.selected_revision() == cluster.route_of("1").revision


def test_every_step_has_the_time_that_the_plan_gives() -> None:
    cluster = rolling(progressDeadline="1m")
    for _ in range(3):
        cluster.pods.stuck.add(cluster.route_of("2").revision)
        cluster.settled().passing(50)
        cluster.pods.stuck.clear()
        run_pods(cluster)

    assert cluster.settled().attempt.phase == "Promoted"


def test_a_new_pod_that_crashes_stops_it() -> None:
    cluster = half_way()
    cluster.pods.of(cluster.route_of("2").revision)[0].restarts = 3
    cluster.look()

    assert cluster.attempt.reason == "CanaryCrashed"
    assert (cluster.attempt.message or "").startswith("Rejected: the new version crashes, pod ")


@pytest.mark.parametrize("splits_exactly", [False, True])
def test_on_the_way_back_both_versions_share_the_requests_until_the_old_one_is_whole(splits_exactly: bool) -> None:
    cluster = half_way(splits_exactly=splits_exactly)
    cluster.deciding("Abort").look()

    assert cluster.attempt.phase == "Aborted"
    assert cluster.served_revisions() == {cluster.route_of("1").revision, cluster.route_of("2").revision}
    cluster.settled()
    assert cluster.served_revisions() == {cluster.route_of("1").revision}
    assert sizes(cluster) == (3, 0)


def test_an_attempt_that_is_deleted_half_way_takes_nobody_away_and_begins_anew_when_the_old_version_is_back() -> None:
    cluster = half_way()
    del cluster.objects["Rollout", cluster.attempt_name]
    cluster.look()
    cluster.look()
    run_pods(cluster)
    assert sizes(cluster) == (3, 1)
    assert (cluster.attempt.phase, cluster.attempt.reason) == ("Pending", "Returning")

    cluster.pods.stuck.clear()
    assert cluster.settled().attempt.phase == "Promoted"


def test_the_next_version_begins_when_the_old_one_is_back() -> None:
    cluster = half_way().wanting("3")
    cluster.look()
    assert cluster.rollout("weather-2").phase == "Superseded"

    cluster.settled()
    assert cluster.attempt.phase == "Promoted"
    assert cluster.model_deployment.stable is not None
    assert cluster.model_deployment.stable.version == "3"


def test_a_history_of_nothing_does_not_take_pods_that_still_serve() -> None:
    cluster = half_way().applying(historyLimit=0).wanting("3")
    cluster.look()

    assert ("Deployment", cluster.route_of("2").revision) in cluster.objects


def test_a_pause_keeps_pods_and_shares_and_only_brings_back_what_is_lost() -> None:
    cluster = half_way(splits_exactly=True).pausing().settled()
    before = sizes(cluster), cluster.weights()
    cluster.passing(3600).settled()
    assert (sizes(cluster), cluster.weights()) == before

    cluster.pods.stuck.clear()
    assert cluster.pausing(False).settled().attempt.phase == "Promoted"


def test_a_model_that_is_scaled_up_meanwhile_lacks_no_pod() -> None:
    cluster = half_way().applying(replicas=5)
    cluster.look()
    run_pods(cluster)

    assert sum(sizes(cluster)) >= 5
    cluster.pods.stuck.clear()
    assert cluster.settled().attempt.phase == "Promoted"
    assert sizes(cluster) == (0, 5)
