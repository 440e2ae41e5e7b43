"""Fixtures of the install rung: a cluster without Serin at the start and at the end of every test."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.kubectl import Kubectl, KubectlError
from cluster.namespace import OPEN, Namespace
from install.release import IMAGES, SYSTEM, Release, open_models_namespace, remove_serin
from serin_testkit.helm import ROOT, Helm

LOADED = "dev"
"""The tag of the images that hack/cluster/images loads."""

FURTHER_TAGS = ("0.1.0", "next")
"""The chart's own, and one to upgrade to."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    report = yield
    if report.failed and report.when != "collect":
        for namespace in OPEN:
            report.sections.append((f"namespace {namespace.name}", namespace.kubectl.explain()))
        try:
            told = Kubectl(SYSTEM).run("logs", "deployment/serin", "--tail=40")
        except KubectlError as error:
            told = str(error)
        report.sections.append(("the operator's log", told))
    return report


@pytest.fixture(scope="session")
def _images() -> None:
    """The same images under more tags, on the node: what an installation of a release would pull."""
    assert os.environ.get("KUBECONFIG"), "KUBECONFIG is not set: `hack/test install` brings a cluster up and sets it"
    nodes = Kubectl("default").read("get", "nodes")["items"]
    for node in (node["metadata"]["name"] for node in nodes):
        for image in IMAGES:
            for tag in FURTHER_TAGS:
                names = [f"docker.io/{image}:{its}" for its in (LOADED, tag)]
                command = ["docker", "exec", node, "ctr", "--namespace", "k8s.io", "images", "tag", "--force", *names]
                subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def empty_cluster(_images: None) -> Iterator[None]:
    remove_serin()
    yield
    remove_serin()


@pytest.fixture
def release(empty_cluster: None) -> Release:
    """Not installed yet; by the newest Helm."""
    return Release(Helm("4"))


@pytest.fixture
def namespace(empty_cluster: None) -> Iterator[Namespace]:
    """For models, in a cluster that has the definitions and nothing else of Serin."""
    Kubectl("default").run("apply", "--server-side", f"--kustomize={ROOT / 'manifests' / 'kustomize' / 'definitions'}")
    with open_models_namespace() as namespace:
        yield namespace
