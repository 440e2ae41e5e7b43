"""BlueGreen: the whole new version beside the old one, every request at once, and back as fast."""

from typing import Any

import pytest
from unit.core.paper_cluster import BROKEN, INTERVAL_SECONDS, PaperCluster


def previewing(*, splits_exactly: bool = False, **plan: Any) -> PaperCluster:
    """Version 2 is ready at full size, and a gate keeps users from it."""
    options = {"strategy": "BlueGreen", "bake": "5m", "approval": ["BeforeTraffic"], **plan}
    cluster = PaperCluster(replicas=3, splits_exactly=splits_exactly, **options)
    return cluster.serving("1").wanting("2").settled()


def baking(*, splits_exactly: bool = False, **plan: Any) -> PaperCluster:
    return previewing(splits_exactly=splits_exactly, **plan).approving("BeforeTraffic").until("Baking").settled()


def pods_of(cluster: PaperCluster, version: str, track: str = "primary") -> list[str]:
    route = cluster.route_of(version, track)
    return [pod.name for pod in cluster.pods.of(route.revision if track == "primary" else f"{route.revision}-{track}")]


def test_the_whole_new_version_is_there_before_any_user_and_its_address_is_told() -> None:
    cluster = previewing()

    assert cluster.attempt.phase == "AwaitingApproval"
    assert (len(pods_of(cluster, "1")), len(pods_of(cluster, "2"))) == (3, 3)
    assert cluster.selected_revision() == cluster.route_of("1").revision
    assert "preview it at http://weather-canary.ml.svc:8080." in (cluster.attempt.message or "")
    assert ("Service", "weather-canary") in cluster.objects


@pytest.mark.parametrize("splits_exactly", [False, True])
def test_the_requests_go_over_at_a_stroke_and_start_no_pod(splits_exactly: bool) -> None:
    cluster = previewing(splits_exactly=splits_exactly)
    previewed = pods_of(cluster, "2")
    shares = []
    cluster.watchers.append(lambda seen, _action: shares.append(seen.most_served_revision()))
    cluster.approving("BeforeTraffic").until("Baking")

    assert [stage.phase for stage in cluster.attempt.stages] == [
        "Preparing",
        "Preflight",
        "AwaitingApproval",
        "Promoting",
        "Baking",
    ]
    assert list(dict.fromkeys(shares)) == [cluster.route_of("1").revision, cluster.route_of("2").revision]
    assert pods_of(cluster, "2") == previewed


def test_both_gates_stand_before_the_switch_and_each_is_named() -> None:
    cluster = previewing(approval=["BeforePromotion", "BeforeTraffic"]).approving("BeforeTraffic").settled()
    assert cluster.attempt.phase == "AwaitingApproval"
    assert '"BeforePromotion"' in (cluster.attempt.message or "")

    assert cluster.approving("BeforeTraffic", "BeforePromotion").until("Baking").attempt.phase == "Baking"


def test_a_broken_contract_stops_it_before_any_user() -> None:
    cluster = PaperCluster(strategy="BlueGreen").serving("1").wanting("2")
    cluster.preflight = BROKEN

    assert cluster.settled().attempt.phase == "Failed"
    assert cluster.selected_revision() == cluster.route_of("1").revision


def test_a_version_that_crashes_while_it_is_previewed_is_rejected() -> None:
    cluster = previewing()
    cluster.pods.of(cluster.route_of("2").revision)[0].restarts = 3

    assert cluster.settled().attempt.reason == "CanaryCrashed"


@pytest.mark.parametrize("splits_exactly", [False, True])
def test_a_crash_in_the_bake_gives_every_request_back_to_pods_that_never_left(splits_exactly: bool) -> None:
    cluster = baking(splits_exactly=splits_exactly)
    old = pods_of(cluster, "1")
    cluster.pods.of(cluster.route_of("2").revision)[0].restarts = 3
    cluster.look()

    assert cluster.attempt.phase == "RolledBack"
    assert cluster.most_served_revision() == cluster.route_of("1").revision
    assert pods_of(cluster.settled(), "1") == old


def test_the_bake_compares_with_a_small_young_copy_of_the_old_version() -> None:
    cluster = baking(splits_exactly=True)
    assert cluster.weights() == {"2 primary": 95.0, "1 baseline": 5.0}
    assert len(pods_of(cluster, "1", "baseline")) == 1

    cluster.passing(INTERVAL_SECONDS).look(cluster.readings())
    while cluster.attempt.phase == "Baking":
        cluster.compare(requests=1000, canary_failures=300)

    assert (cluster.attempt.phase, cluster.attempt.reason) == ("RolledBack", "EvidenceBad")


def test_the_evidence_of_the_bake_is_told_as_it_comes() -> None:
    cluster = baking(splits_exactly=True)
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings())
    sentences = []
    for _ in range(2):
        cluster.compare(requests=1000)
        assert cluster.attempt.verdict is not None
        sentences.append(cluster.attempt.verdict.sentence)

    known = "With 95 % confidence the canary fails at most 0.5 pp more often than the baseline (0 % vs 0 %, "
    assert sentences == [f"{known}3,000 vs 1,000 requests).", f"{known}6,000 vs 2,000 requests)."]


def test_without_a_baseline_every_request_goes_over_and_nothing_is_compared() -> None:
    cluster = baking(splits_exactly=True, baseline=False)

    assert cluster.weights() == {"2 primary": 100.0}
    assert {pod.route.track for pod in cluster.pods.all} == {"primary"}
    assert "It gets none to be compared with" in (cluster.attempt.message or "")


def test_after_the_bake_it_is_stable_and_nobody_is_said_to_have_decided_by_evidence() -> None:
    cluster = baking().passing(301).settled()

    assert cluster.attempt.phase == "Promoted"
    assert cluster.attempt.message == "The new version serves all traffic."
    assert cluster.attempt.decided_by is not None
    assert cluster.attempt.decided_by.how == "Operator"
    assert pods_of(cluster, "1") == []


def test_no_step_is_told_of_a_strategy_without_steps() -> None:
    assert previewing(splits_exactly=True).attempt.step is None
