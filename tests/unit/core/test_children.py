"""The child objects as they are applied, in the middle of a comparison. The golden files are the specification."""

from typing import Any

import pytest
from unit.core.golden_files import assert_golden
from unit.core.paper_cluster import UID, PaperCluster


@pytest.fixture(scope="module")
def cluster() -> PaperCluster:
    service = {"type": "NodePort", "port": 8000, "annotations": {"team": "rain"}}
    return PaperCluster(replicas=3, size=2).applying(service=service).serving("1").wanting("2").until("Analyzing")


@pytest.mark.parametrize("kind", ["ControllerRevision", "Deployment", "Service", "Rollout"])
def test_the_children_are_the_golden_ones(cluster: PaperCluster, kind: str) -> None:
    assert_golden(
        f"children_{kind.lower()}", {live["metadata"]["name"]: _as_applied(live) for live in cluster.all(kind)}
    )


def _as_applied(live: dict[str, Any]) -> dict[str, Any]:
    """Without what the API server adds."""
    of_the_server = ("uid", "resourceVersion", "creationTimestamp", "generation")
    metadata = {name: value for name, value in live["metadata"].items() if name not in of_the_server}
    return {name: value for name, value in {**live, "metadata": metadata}.items() if name != "status"}


def test_services_lead_to_the_port_for_grpc_when_the_server_has_one() -> None:
    def ports(service: dict[str, Any]) -> list[tuple[str, int]]:
        cluster = PaperCluster().applying(server={"ports": {"grpc": 8001}}, service=service)
        cluster.serving("1").wanting("2").until("Analyzing")
        found = {tuple((p["name"], p["port"]) for p in live["spec"]["ports"]) for live in cluster.all("Service")}
        (of_all,) = found
        return list(of_all)

    assert ports({}) == [("http", 80), ("grpc", 8001)]
    assert ports({"port": 8000, "grpcPort": 9000}) == [("http", 8000), ("grpc", 9000)]


def test_every_child_goes_with_its_model_deployment(cluster: PaperCluster) -> None:
    for kind, name in cluster.objects:
        (owner,) = cluster.objects[kind, name]["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("ModelDeployment", UID, True)


def test_the_role_is_a_label_of_the_deployment_and_never_of_a_pod(cluster: PaperCluster) -> None:
    roles = {}
    for live in cluster.all("Deployment"):
        roles[live["metadata"]["labels"]["serin.dev/role"]] = live["spec"]["replicas"]
        assert "serin.dev/role" not in live["spec"]["template"]["metadata"]["labels"]
        assert "serin.dev/role" not in live["spec"]["selector"]["matchLabels"]

    assert roles == {"stable": 3, "canary": 2, "baseline": 2}


def test_nothing_of_the_variants_stays_behind() -> None:
    ended = PaperCluster().serving("1").wanting("2").until("Analyzing").deciding("Reject").settled()

    assert [live["metadata"]["name"] for live in ended.all("Service")] == ["weather"]
    assert {live["spec"]["replicas"] for live in ended.all("Deployment")} == {0, 2}
