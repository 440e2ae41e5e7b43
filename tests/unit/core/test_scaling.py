"""An autoscaler moves `replicas` all the time: rollouts, promotions and ways back go on with what stable has now."""

from typing import Any

import pytest
from serin.core.facts import Refusal
from serin.core.plan import Apply
from unit.core.paper_cluster import INTERVAL_SECONDS, NAME, PaperCluster

Json = dict[str, Any]

ONE_TO_SIX = {"minReplicas": 1, "maxReplicas": 6}


def autoscaled(*, replicas: int = 2, **how: Any) -> PaperCluster:
    return PaperCluster(replicas=replicas, **how).applying(autoscaling=ONE_TO_SIX).serving("1")


def compared(*, replicas: int = 2, **how: Any) -> PaperCluster:
    """Version 2 beside version 1, with the first requests counted."""
    cluster = autoscaled(replicas=replicas, **how).wanting("2").until("Analyzing").settled()
    cluster.passing(INTERVAL_SECONDS).look(cluster.readings())
    return cluster


def autoscaler(cluster: PaperCluster) -> Json | None:
    return cluster.objects.get(("HorizontalPodAutoscaler", NAME))


def budget(cluster: PaperCluster) -> Json | None:
    return cluster.objects.get(("PodDisruptionBudget", NAME))


def sizes(cluster: PaperCluster) -> dict[str, int]:
    """Pods that each Deployment asks for, by version and track."""
    found = cluster.facts().deployments
    return {f"{cluster.version_of(live.route.revision)} {live.route.track}": live.replicas for live in found}


def measured(cluster: PaperCluster) -> str | None:
    return cluster.model_deployment.selector


def only(cluster: PaperCluster, version: str) -> str:
    revision = cluster.route_of(version).revision
    return f"serin.dev/model-deployment=weather,serin.dev/revision={revision},serin.dev/track=primary"


def both(cluster: PaperCluster) -> str:
    revisions = sorted(cluster.route_of(version).revision for version in ("1", "2"))
    return f"serin.dev/model-deployment=weather,serin.dev/revision in ({','.join(revisions)})"


# The autoscaler


def test_it_scales_the_model_deployment_by_the_cpu_of_the_servers_container() -> None:
    found = autoscaler(autoscaled())

    assert found is not None
    assert found["spec"] == {
        "scaleTargetRef": {"apiVersion": "serin.dev/v1alpha1", "kind": "ModelDeployment", "name": "weather"},
        "minReplicas": 1,
        "maxReplicas": 6,
        "metrics": [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": "server",
                    "target": {"type": "Utilization", "averageUtilization": 70},
                },
            }
        ],
    }


def test_metrics_and_behavior_of_ones_own_are_handed_on_as_they_are() -> None:
    metric = {"type": "External", "external": {"metric": {"name": "queue"}}}
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 600}}
    cluster = autoscaled().applying(autoscaling={**ONE_TO_SIX, "metrics": [metric], "behavior": behavior}).settled()

    found = autoscaler(cluster)
    assert found is not None
    assert (found["spec"]["metrics"], found["spec"]["behavior"]) == ([metric], behavior)


def test_there_is_none_before_a_version_serves() -> None:
    cluster = PaperCluster().applying(autoscaling=ONE_TO_SIX)
    cluster.look()

    assert autoscaler(cluster) is None


@pytest.mark.parametrize(("written", "wanted"), [(1, 2), (2, 2), (3, 3), (9, 4), (0, 0)])
def test_its_bounds_hold_before_it_has_spoken_and_none_at_all_switches_it_off(written: int, wanted: int) -> None:
    bounds = {"minReplicas": 2, "maxReplicas": 4}
    cluster = PaperCluster(replicas=written).applying(autoscaling=bounds).settled()

    assert sizes(cluster) == {"1 primary": wanted}
    assert cluster.model_deployment.phase == "Healthy"


@pytest.mark.parametrize(
    "change", [None, {"minReplicas": 3, "maxReplicas": 9}, {"maxReplicas": 3, "metrics": [{"type": "External"}]}]
)
def test_changing_or_removing_it_starts_no_rollout_and_takes_no_pod(change: Json | None) -> None:
    cluster = autoscaled(replicas=3)
    pods, rollouts = [pod.name for pod in cluster.pods.all], len(cluster.all("Rollout"))

    cluster.applying(autoscaling=change).settled()

    assert (autoscaler(cluster) is None) == (change is None)
    assert [pod.name for pod in cluster.pods.all] == pods
    assert len(cluster.all("Rollout")) == rollouts


def test_an_autoscaler_of_somebody_else_is_left_alone() -> None:
    cluster = PaperCluster().serving("1")
    theirs = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": NAME, "ownerReferences": []}, "spec": {}}
    cluster.objects["HorizontalPodAutoscaler", NAME] = theirs

    cluster.settled()

    assert autoscaler(cluster) == theirs


def test_one_that_the_api_server_refuses_is_told_and_takes_no_pod() -> None:
    cluster = autoscaled()
    cluster.look(refusal=Refusal("HorizontalPodAutoscaler", NAME, "InvalidSpec", "spec.metrics[0]: no such type"))

    assert cluster.model_deployment.message == "spec.metrics[0]: no such type"
    assert len(cluster.pods.all) == 2


# A comparison


def test_stable_scales_while_canary_and_baseline_keep_their_size() -> None:
    cluster = compared(replicas=4, size="25%")

    cluster.applying(replicas=6).settled()
    assert sizes(cluster) == {"1 primary": 6, "1 baseline": 1, "2 primary": 1}
    cluster.applying(replicas=2).settled()
    assert sizes(cluster) == {"1 primary": 2, "1 baseline": 1, "2 primary": 1}


@pytest.mark.parametrize(("replicas", "pods"), [(2, 1), (4, 1), (6, 2)])
def test_a_share_is_one_of_the_pods_that_there_are_when_the_attempt_begins(replicas: int, pods: int) -> None:
    cluster = autoscaled(replicas=2).applying(replicas=replicas, rollout={**_plan(), "size": "25%"})
    cluster.wanting("2").until("Analyzing")

    assert sizes(cluster) == {"1 primary": replicas, "1 baseline": pods, "2 primary": pods}
    assert cluster.attempt.plan is not None
    assert cluster.attempt.plan.size == pods


def test_one_pod_gets_a_smaller_share_the_more_stable_ones_there_are() -> None:
    cluster = compared(replicas=2, splits_exactly=True, ramp={"weights": [45], "stepAfter": "10s"})
    assert cluster.weights() == {"1 primary": 10.0, "1 baseline": 45.0, "2 primary": 45.0}

    cluster.applying(replicas=5).settled()

    assert cluster.weights() == {"1 primary": 60.0, "1 baseline": 20.0, "2 primary": 20.0}


def test_all_pods_that_share_the_requests_are_measured() -> None:
    cluster = autoscaled()
    assert measured(cluster) == only(cluster, "1")

    cluster.wanting("2").until("Preparing")
    assert measured(cluster) == only(cluster, "1"), "pods that start would only make the others look idle"

    cluster.until("Analyzing").settled()
    assert measured(cluster) == both(cluster)


# Promotion and ways back


def test_a_promotion_grows_to_what_stable_has_now_before_anything_is_switched() -> None:
    cluster = compared(replicas=2).deciding("Promote")
    cluster.look()
    old = cluster.route_of("1").revision

    for replicas in (3, 5):  # it scales while the new version grows
        cluster.applying(replicas=replicas).look()
        assert cluster.selected_revision() is None, "still shared"
        assert sizes(cluster) == {"1 primary": replicas, "1 baseline": 1, "2 primary": replicas}
    cluster.pods.run(cluster.all("Deployment"), cluster.now)
    assert len(cluster.pods.of(old)) == 5

    cluster.settled()
    assert cluster.attempt.phase == "Promoted"
    assert sizes(cluster) == {"1 primary": 0, "2 primary": 5}
    assert measured(cluster) == only(cluster, "2")


@pytest.mark.parametrize("splits_exactly", [False, True])
def test_both_versions_scale_in_the_bake_by_the_load_of_the_new_one(splits_exactly: bool) -> None:
    cluster = compared(splits_exactly=splits_exactly, bake="5m").deciding("Promote").until("Baking").settled()

    cluster.applying(replicas=4).settled()

    assert (sizes(cluster)["1 primary"], sizes(cluster)["2 primary"]) == (4, 4)
    assert measured(cluster) == only(cluster, "2")


@pytest.mark.parametrize("phase", ["Analyzing", "Promoting", "Baking"])
@pytest.mark.parametrize("decision", ["Reject", "Abort"])
def test_the_way_back_leads_to_pods_as_many_as_are_wanted_now(phase: str, decision: str) -> None:
    cluster = compared(bake="5m")
    if phase != "Analyzing":
        cluster.deciding("Promote").until(phase)
    cluster.applying(replicas=4).settled() if phase != "Promoting" else cluster.applying(replicas=4)

    cluster.deciding(decision).settled()

    assert cluster.selected_revision() == cluster.route_of("1").revision
    assert sizes(cluster) == {"1 primary": 4, "2 primary": 0}
    assert measured(cluster) == only(cluster, "1")
    assert autoscaler(cluster) is not None


# The budget of disruptions


def selected_by(found: Json | None) -> str:
    assert found is not None
    revision: str = found["spec"]["selector"]["matchLabels"]["serin.dev/revision"]
    return revision


def test_one_pod_at_a_time_may_be_evicted_of_those_that_serve() -> None:
    cluster = PaperCluster(replicas=2).serving("1")

    found = budget(cluster)
    assert found is not None
    assert found["spec"] == {
        "maxUnavailable": 1,
        "selector": {
            "matchLabels": {
                "serin.dev/model-deployment": "weather",
                "serin.dev/revision": cluster.route_of("1").revision,
                "serin.dev/track": "primary",
            }
        },
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


@pytest.mark.parametrize(
    ("replicas", "max_unavailable", "is_made"),
    [
        (0, 1, False),
        (1, 1, False),
        (2, 1, True),
        (3, 3, False),
        (1, "25%", False),
        (2, "50%", True),
        (2, "100%", False),
    ],
)
def test_there_is_none_where_it_would_spare_nothing(replicas: int, max_unavailable: int | str, is_made: bool) -> None:
    cluster = PaperCluster(replicas=replicas).applying(disruptionBudget={"maxUnavailable": max_unavailable}).settled()

    assert (budget(cluster) is not None) == is_made


def test_it_comes_and_goes_with_the_second_pod() -> None:
    cluster = PaperCluster(replicas=1).serving("1")
    assert budget(cluster) is None
    assert budget(cluster.applying(replicas=2).settled()) is not None
    assert budget(cluster.applying(replicas=1).settled()) is None


def test_it_goes_over_to_the_new_version_with_the_requests_and_back() -> None:
    cluster = compared(bake="5m")
    old, new = cluster.route_of("1").revision, cluster.route_of("2").revision
    assert selected_by(budget(cluster)) == old

    cluster.deciding("Promote").until("Promoting")
    assert selected_by(budget(cluster)) == old
    cluster.until("Baking").settled()
    assert selected_by(budget(cluster)) == new
    cluster.deciding("Reject").settled()
    assert selected_by(budget(cluster)) == old


def test_a_budget_of_somebody_else_is_never_deleted() -> None:
    cluster = PaperCluster(replicas=1).serving("1")
    cluster.objects["PodDisruptionBudget", NAME] = {"kind": "PodDisruptionBudget", "metadata": {"name": NAME}}

    assert budget(cluster.settled()) is not None


def test_scaling_is_written_between_the_traffic_and_the_record_of_a_promotion() -> None:
    cluster = compared().deciding("Promote").until("Promoting")
    while cluster.attempt.phase == "Promoting":
        cluster.pods.run(cluster.all("Deployment"), cluster.now)
        plan = cluster.look()

    kinds = [action.manifest["kind"] if isinstance(action, Apply) else type(action).__name__ for action in plan.actions]
    order = [kinds.index(kind) for kind in ("SetTraffic", "PodDisruptionBudget", "WriteStatus")]
    assert order == sorted(order)


def _plan() -> Json:
    rollout: Json = PaperCluster().spec["rollout"]
    return rollout
