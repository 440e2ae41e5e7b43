"""What is kept of finished attempts and old revisions."""

from unit.core.paper_cluster import PaperCluster


def after_versions(count: int, history_limit: int) -> PaperCluster:
    cluster = PaperCluster().applying(historyLimit=history_limit).serving("1")
    for version in range(2, count + 1):
        cluster.wanting(str(version)).until("Analyzing").deciding("Promote").settled()
    return cluster


def versions(cluster: PaperCluster, kind: str) -> set[str]:
    names = {
        live["metadata"]["labels"].get("serin.dev/revision", live["metadata"]["name"]) for live in cluster.all(kind)
    }
    return {cluster.version_of(name) for name in names}


def test_the_newest_finished_attempts_are_kept() -> None:
    cluster = after_versions(5, history_limit=2)

    assert {live["metadata"]["name"] for live in cluster.all("Rollout")} == {"weather-4", "weather-5"}


def test_stable_and_previous_are_kept_whatever_the_limit() -> None:
    cluster = after_versions(4, history_limit=0)

    assert versions(cluster, "ControllerRevision") == versions(cluster, "Deployment") == {"3", "4"}


def test_retired_revisions_within_the_limit_keep_their_empty_deployment() -> None:
    cluster = after_versions(5, history_limit=1)

    assert versions(cluster, "Deployment") == {"3", "4", "5"}
    assert {pod.route for pod in cluster.pods.all} == {cluster.route_of("5")}


def test_running_and_untied_attempts_are_never_cleaned_up() -> None:
    cluster = after_versions(2, history_limit=0).wanting("3").until("Analyzing")

    assert [live["metadata"]["name"] for live in cluster.all("Rollout")] == ["weather-3"]
