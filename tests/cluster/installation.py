"""What a cluster needs to run Serin, and the ways in which it can be away: the operator and Prometheus."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.kubectl import Json, Kubectl, KubectlError
from cluster.recording import PATIENCE_SECONDS
from cluster.waiting import wait_until

ROOT = Path(__file__).parents[2]
INSTALL = ROOT / "hack" / "install"


class Operator:
    """The Deployment `serin` in serin-system."""

    def __init__(self) -> None:
        self._kubectl = Kubectl("serin-system")

    def pod(self) -> Json | None:
        """The one that runs, None while there is none."""
        pods = self._kubectl.read("get", "pods", "--selector=app.kubernetes.io/name=serin")["items"]
        return next((pod for pod in pods if _is_running(pod) and "deletionTimestamp" not in pod["metadata"]), None)

    def kill(self) -> None:
        """SIGKILL to its process, from the node: it can neither refuse nor clean up.

        The pod is then replaced, because the kubelet waits longer and longer before it starts a container again.
        """
        pod = wait_until("the operator runs", self.pod)
        container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        tasks = ["ctr", "--namespace", "k8s.io", "tasks"]
        node = ["docker", "exec", pod["spec"]["nodeName"]]
        subprocess.run([*node, *tasks, "kill", "--signal", "SIGKILL", container], check=True, capture_output=True)
        self._kubectl.run("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force", "--wait=false")

    def remove(self) -> None:
        self._kubectl.run("delete", "deployment", "serin", "--cascade=foreground", "--wait")

    def install(self) -> None:
        """As docs/cluster.md says; returns when it is ready."""
        done = subprocess.run([str(INSTALL)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"hack/install: {done.stderr}"

    def until_ready(self) -> None:
        timeout = f"--timeout={PATIENCE_SECONDS:.0f}s"
        self._kubectl.run("rollout", "status", "deployment/serin", timeout, within_seconds=2 * PATIENCE_SECONDS)

    def log(self) -> str:
        """Of the process that runs now."""
        return self._kubectl.run("logs", "deployment/serin", "--tail=-1")

    def until_looked_at_all(self) -> None:
        """Until the process that runs now has looked at as many ModelDeployments as there are in the cluster."""
        there = len(self._kubectl.read("get", "modeldeployments.serin.dev", "--all-namespaces")["items"])
        wait_until(f"the operator has looked {there} times", lambda: self._looks() >= there)

    def _looks(self) -> float:
        """0 while nobody answers yet."""
        pod = wait_until("the operator runs", self.pod)
        path = f"/api/v1/namespaces/serin-system/pods/{pod['metadata']['name']}:8080/proxy/metrics"
        try:
            lines = self._kubectl.run("get", f"--raw={path}").splitlines()
        except KubectlError:
            return 0
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.startswith("serin_operator_reconciles_total")
        )


class Prometheus:
    """The Deployment `prometheus` in monitoring."""

    def __init__(self) -> None:
        self._kubectl = Kubectl("monitoring")

    @contextmanager
    def gone(self) -> Iterator[None]:
        """No pod of it runs inside of the block; after it, it answers again."""
        self._kubectl.run("scale", "deployment/prometheus", "--replicas=0")
        try:
            timeout = f"--timeout={PATIENCE_SECONDS:.0f}s"
            self._kubectl.run(
                *("wait", "--for=delete", "pod", "--selector=app=prometheus", timeout),
                within_seconds=2 * PATIENCE_SECONDS,
            )
            yield
        finally:
            self._kubectl.run("scale", "deployment/prometheus", "--replicas=1")
            self._kubectl.run("rollout", "status", "deployment/prometheus", within_seconds=2 * PATIENCE_SECONDS)


def _is_running(pod: Json) -> bool:
    statuses = pod["status"].get("containerStatuses") or ()
    return bool(statuses) and all("running" in status["state"] for status in statuses)
