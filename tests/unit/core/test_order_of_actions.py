"""The order of a plan's actions is what keeps users served when the operator dies in the middle."""

from serin.core.plan import Action, Apply, Delete, Emit, Plan, SetTraffic, WriteStatus
from unit.core.paper_cluster import PaperCluster


def gist(action: Action, cluster: PaperCluster) -> str:
    """One action in a few words, revisions by their version."""
    match action:
        case Apply(manifest) if manifest["kind"] == "Deployment":
            labels = manifest["metadata"]["labels"]
            version = cluster.version_of(labels["serin.dev/revision"])
            track = "" if labels["serin.dev/track"] == "primary" else " baseline"
            return f"{manifest['spec']['replicas']} pods of {version}{track}"
        case Apply(manifest):
            return f"apply {manifest['kind']}"
        case SetTraffic(intent):
            weights = [
                f"{cluster.version_of(r.revision)} {r.track} {share:.0f}%" for r, share in intent.weights.items()
            ]
            return "traffic: " + ", ".join(weights)
        case WriteStatus():
            return f"{action.kind} is {action.status['phase']}"
        case Delete(kind, name):
            return f"delete {kind} {name}"
        case Emit():
            return "event"
    raise AssertionError(action)


def gists(plan: Plan, cluster: PaperCluster) -> list[str]:
    told = [gist(action, cluster) for action in plan.actions if not isinstance(action, Apply | Delete)]
    pods = [gist(action, cluster) for action in plan.actions if _is_deployment(action)]
    order = [gist(action, cluster) for action in plan.actions]
    return [line for line in order if line in {*told, *pods} and line != "event"]


def _is_deployment(action: Action) -> bool:
    if isinstance(action, Delete):
        return action.kind == "Deployment"
    return isinstance(action, Apply) and action.manifest["kind"] == "Deployment"


def test_pods_of_an_attempt_start_after_it_is_on_record_and_before_anything_else() -> None:
    cluster = PaperCluster().serving("1").wanting("2")
    cluster.look()

    assert gists(cluster.plan(), cluster) == [
        "Rollout is Preparing",
        "1 pods of 2",
        "1 pods of 1 baseline",
        "2 pods of 1",
        "traffic: 1 primary 100%",
        "ModelDeployment is Progressing",
    ]


def test_a_comparison_takes_nothing_from_stable() -> None:
    cluster = PaperCluster(replicas=2).serving("1").wanting("2").until("Analyzing")

    assert gists(cluster.plan(), cluster) == [
        "1 pods of 2",
        "1 pods of 1 baseline",
        "2 pods of 1",
        "traffic: 1 primary 50%, 1 baseline 25%, 2 primary 25%",
        "Rollout is Analyzing",
        "ModelDeployment is Progressing",
    ]


def test_a_promotion_grows_the_canary_before_it_gets_all_requests() -> None:
    cluster = PaperCluster(replicas=3).serving("1").wanting("2").until("Analyzing").deciding("Promote")

    assert gists(cluster.plan(), cluster) == [
        "Rollout is Promoting",
        "3 pods of 2",
        "1 pods of 1 baseline",
        "3 pods of 1",
        "traffic: 1 primary 60%, 1 baseline 20%, 2 primary 20%",
        "ModelDeployment is Progressing",
    ]


def test_a_promotion_is_on_record_in_both_objects_before_the_old_pods_go() -> None:
    cluster = PaperCluster(replicas=3).serving("1").wanting("2").until("Analyzing").deciding("Promote")
    cluster.until("Promoting")
    cluster.pods.run(cluster.all("Deployment"), cluster.now)
    cluster.look()
    old = cluster.route_of("1").revision

    assert gists(cluster.plan(), cluster) == [
        "3 pods of 2",
        "traffic: 2 primary 100%",
        "ModelDeployment is Healthy",
        "Rollout is Promoted",
        "0 pods of 1",
        f"delete Deployment {old}-baseline",
    ]


def test_a_rejected_canary_loses_the_requests_before_its_pods() -> None:
    cluster = PaperCluster().serving("1").wanting("2").until("Analyzing").deciding("Reject")
    old = cluster.route_of("1").revision

    assert gists(cluster.plan(), cluster) == [
        "Rollout is Rejected",
        "2 pods of 1",
        "traffic: 1 primary 100%",
        "0 pods of 2",
        f"delete Deployment {old}-baseline",
        "ModelDeployment is Degraded",
    ]


def test_scaling_down_stable_takes_pods_only_after_the_traffic_is_set() -> None:
    cluster = PaperCluster(replicas=3).serving("1").applying(replicas=1)

    assert gists(cluster.plan(), cluster) == [
        "traffic: 1 primary 100%",
        "1 pods of 1",
        "ModelDeployment is Progressing",
    ]


def test_what_is_forgotten_goes_after_the_status_that_remembers_it() -> None:
    cluster = PaperCluster().applying(historyLimit=0).serving("1")
    cluster.wanting("2").until("Analyzing").deciding("Reject").look()

    actions = cluster.plan().actions
    status = next(i for i, action in enumerate(actions) if isinstance(action, WriteStatus))
    forgotten = actions.index(Delete("Rollout", "weather-2"))

    assert status < forgotten


def test_a_plan_that_is_cut_off_anywhere_ends_the_same() -> None:
    for decision in ("Promote", "Reject", "Abort"):
        undisturbed = _ended(decision, killed_after=None)
        for actions in range(14):
            assert _ended(decision, killed_after=actions) == undisturbed


def _ended(decision: str, killed_after: int | None) -> tuple[str | None, ...]:
    cluster = PaperCluster().serving("1").wanting("2").until("Analyzing").deciding(decision)
    for _ in range(3):
        cluster.look(killed_after=killed_after)
        cluster.pods.run(cluster.all("Deployment"), cluster.now)
    cluster.settled()
    status = cluster.model_deployment
    return (
        cluster.rollout("weather-2").phase,
        status.phase,
        status.message,
        status.stable.version if status.stable else None,
        status.rejected.message if status.rejected else None,
        cluster.version_of(cluster.selected_revision() or ""),
    )
