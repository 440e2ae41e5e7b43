"""One installation of Serin by Helm, and the way back to a cluster without it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.kubectl import Json, Kubectl
from cluster.namespace import Namespace, open_namespace
from serin_testkit.helm import CHART, Helm

SYSTEM = "serin-system"
IMAGES = ("serin/operator", "serin/server")
DEFINITIONS = ("modeldeployments.serin.dev", "rollouts.serin.dev")
CLUSTER_WIDE = "clusterroles,clusterrolebindings"
TIMEOUT = "180s"


@dataclass
class Release:
    helm: Helm
    name: str = "serin"
    namespace: str = SYSTEM
    kubeconfig: Path | None = None
    """Of somebody who may do less; by default that of the environment."""

    def install(self, *arguments: str, chart: Path = CHART, timeout: str = TIMEOUT) -> None:
        """Returns when Helm says that it is there."""
        # A namespace can be made only by who may do so in the whole cluster.
        made = ("--create-namespace",) if self.kubeconfig is None else ()
        self._run("install", str(chart), *made, "--wait", "--timeout", timeout, *arguments)

    def upgrade(self, *arguments: str, chart: Path = CHART) -> None:
        self._run("upgrade", str(chart), "--wait", "--timeout", TIMEOUT, *arguments)

    def rollback(self) -> None:
        """To the revision before."""
        self._run("rollback", "--wait", "--timeout", TIMEOUT)

    def uninstall(self) -> None:
        self._run("uninstall", "--wait", "--timeout", TIMEOUT)

    def test(self) -> str:
        return self._run("test", "--logs")

    def operator_pod(self) -> Json:
        (pod,) = Kubectl(self.namespace).read("get", "pods", f"--selector={self.selector}")["items"]
        running: Json = pod
        return running

    def operator_log(self) -> str:
        return Kubectl(self.namespace).run("logs", f"--selector={self.selector}", "--tail=-1")

    @property
    def selector(self) -> str:
        return f"app.kubernetes.io/name=serin,app.kubernetes.io/instance={self.name}"

    def _run(self, verb: str, *arguments: str) -> str:
        access = () if self.kubeconfig is None else ("--kubeconfig", str(self.kubeconfig))
        return self.helm.run(verb, self.name, *arguments, "--namespace", self.namespace, *access)


@contextmanager
def open_models_namespace() -> Iterator[Namespace]:
    """It takes only restricted pods. The definitions must be there: all that happens in it is recorded."""
    Kubectl("default").run("wait", "--for=condition=Established", "crd", *DEFINITIONS, "--timeout=60s")
    with open_namespace("install", {"pod-security.kubernetes.io/enforce": "restricted"}) as namespace:
        yield namespace


def remove_serin() -> None:
    """Models first, while there is somebody who may want to see them go; whatever brought Serin here."""
    kubectl = Kubectl("default")
    found = kubectl.run("get", "crd", *DEFINITIONS, "--ignore-not-found", "--output=name").split()
    if found:
        kubectl.run("delete", *found, "--timeout=100s")
    kubectl.run("delete", "namespace", SYSTEM, "--ignore-not-found", "--timeout=100s")
    kubectl.run("delete", CLUSTER_WIDE, "--selector=app.kubernetes.io/part-of=serin", "--ignore-not-found")


def run_shell(commands: str, path: str) -> subprocess.CompletedProcess[str]:
    """Commands of a document, from the repository's root, with these programs before all others."""
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=CHART.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
