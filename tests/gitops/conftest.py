"""Fixtures of the GitOps rung: an operator that is installed, a Git server, and what to print when a test fails."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.installation import Operator
from cluster.kubectl import Kubectl
from cluster.namespace import OPEN
from gitops.forwarding import forward
from gitops.settings import QUIET_SECONDS

LOGS = (
    ("serin-system", "deployment/serin"),
    ("flux-system", "deployment/source-controller"),
    ("flux-system", "deployment/kustomize-controller"),
    ("argocd", "deployment/argocd-repo-server"),
    ("argocd", "statefulset/argocd-application-controller"),
)
LOG_LINES = 30
OF_TOOLS = ("kustomizations,gitrepositories,ocirepositories", "applications.argoproj.io")


def pytest_report_header() -> str:
    return f"GitOps rung: SERIN_QUIET_SECONDS={QUIET_SECONDS:.0f}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    report = yield
    if report.failed and report.when != "collect":
        for namespace in OPEN:
            report.sections.append((f"namespace {namespace.name}", namespace.kubectl.explain()))
        for resources in OF_TOOLS:
            report.sections.append((resources, Kubectl("").try_run("get", resources, "-A", "-o", "yaml")))
        for namespace_name, target in LOGS:
            log = Kubectl(namespace_name).try_run("logs", target, f"--tail={LOG_LINES}")
            report.sections.append((f"log of {target}", log))
    return report


@pytest.fixture(scope="session")
def operator() -> Operator:
    assert os.environ.get("KUBECONFIG"), "KUBECONFIG is not set: `hack/test gitops` brings a cluster up and sets it"
    operator = Operator()
    operator.until_ready()
    return operator


@pytest.fixture(scope="session")
def git_server(operator: Operator) -> Iterator[str]:
    """Address on this machine."""
    with forward("sources", "git", 80) as address:
        yield address
