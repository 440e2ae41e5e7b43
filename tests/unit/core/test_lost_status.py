"""A restore can bring objects back without their status. Who serves must not be taken for gone."""

from unit.core.paper_cluster import PaperCluster


def restored(cluster: PaperCluster) -> PaperCluster:
    cluster.status = {}
    return cluster


def test_the_stable_revision_is_found_again_by_its_deployment() -> None:
    cluster = restored(PaperCluster().serving("1"))
    names = [pod.name for pod in cluster.pods.all]
    cluster.settled()

    assert cluster.model_deployment.phase == "Healthy"
    assert cluster.model_deployment.stable is not None
    assert cluster.model_deployment.stable.version == "1"
    assert [pod.name for pod in cluster.pods.all] == names


def test_a_new_version_that_came_with_the_restore_is_tried_beside_it() -> None:
    cluster = restored(PaperCluster().serving("1")).wanting("2").until("Analyzing")

    assert cluster.attempt.stable is not None
    assert cluster.attempt.stable.version == "1"


def test_the_number_of_an_attempt_is_not_given_twice() -> None:
    cluster = restored(PaperCluster().serving("1")).wanting("2").until("Preparing")
    assert cluster.attempt_name == "weather-2"


def test_of_two_revisions_without_pods_the_promoted_one_is_found() -> None:
    cluster = PaperCluster(replicas=0).serving("1").wanting("2").until("Analyzing").deciding("Promote").settled()
    restored(cluster).settled()

    assert cluster.model_deployment.stable is not None
    assert cluster.model_deployment.stable.version == "2"
