"""The pods of a cluster on paper: what Deployments, kubelets and Prometheus make of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serin.core.evidence.counters import Reading
from serin.core.facts import MetricReadings, Route, Track
from serin.core.model_deployment.names import REVISION_LABEL, TRACK_LABEL

Json = dict[str, Any]


@dataclass
class PaperPod:
    name: str
    deployment: str
    labels: dict[str, str]
    created_at: datetime
    address: str = "10.0.0.1"
    ready: bool = True
    restarts: int = 0
    crash: str | None = None  # OOMKilled: it runs again; CrashLoopBackOff: it waits
    terminating: bool = False
    finished: bool = False  # evicted
    stuck: bool = False
    requests: int = 0
    failures: int = 0

    @property
    def route(self) -> Route:
        return Route(self.labels[REVISION_LABEL], Track(self.labels[TRACK_LABEL]))

    def count(self, requests: int, failures: int) -> None:
        self.requests += requests
        self.failures += failures

    def to_json(self, trouble: str | None) -> Json:
        waiting: Json = {"state": {"waiting": {"reason": trouble}}} if trouble and not self.ready else {}
        if self.crash == "OOMKilled":
            waiting["lastState"] = {"terminated": {"reason": self.crash, "exitCode": 137}}
        elif self.crash:
            waiting["state"] = {"waiting": {"reason": self.crash}}
        metadata = {
            "name": self.name,
            "uid": f"uid-of-{self.name}",
            "labels": self.labels,
            "creationTimestamp": self.created_at.isoformat(),
            **({"deletionTimestamp": self.created_at.isoformat()} if self.terminating else {}),
        }
        status = {
            "podIP": self.address,
            "phase": "Failed" if self.finished else "Running",
            "conditions": [{"type": "Ready", "status": str(self.ready)}],
            "containerStatuses": [{"name": "server", "ready": self.ready, "restartCount": self.restarts, **waiting}],
        }
        return {"metadata": metadata, "status": status}


class PaperPods:
    """Each Deployment's pods get ready at once, but those of `broken` Deployments, which tell the trouble given.

    Of `stuck` Deployments no further pod gets ready.
    """

    def __init__(self) -> None:
        self.all: list[PaperPod] = []
        self.broken: dict[str, str] = {}
        self.stuck: set[str] = set()
        self._born = 0

    def run(self, deployments: Iterable[Json], now: datetime) -> None:
        """The Deployment controller and the kubelets catch up."""
        self.all = [pod for pod in self.all if not pod.terminating]
        for live in deployments:
            name, wanted = live["metadata"]["name"], live["spec"]["replicas"]
            ours = sorted(self.of(name), key=lambda pod: not pod.ready)  # the ready ones go last
            for pod in ours[wanted:]:
                self.all.remove(pod)
            for _ in range(wanted - len(ours)):
                self._born += 1
                labels = live["spec"]["template"]["metadata"]["labels"]
                address, stuck = f"10.0.0.{self._born}", name in self.stuck
                self.all.append(PaperPod(f"{name}-{self._born}", name, labels, now, address, stuck=stuck))
            for pod in self.of(name):
                pod.stuck = pod.stuck and name in self.stuck
                pod.ready = name not in self.broken and not pod.stuck

    def of(self, deployment: str) -> list[PaperPod]:
        return [pod for pod in self.all if pod.deployment == deployment and not pod.terminating]

    def leave_behind(self, pod: PaperPod) -> None:
        """A pod that no controller looks after any more."""
        pod.deployment = ""
        self.all.append(pod)

    def forget(self, deployment: str) -> None:
        self.all = [pod for pod in self.all if pod.deployment != deployment]

    def objects(self, now: datetime) -> list[Json]:
        return [pod.to_json(self.broken.get(pod.deployment)) for pod in self.all]

    def with_status(self, deployment: Json) -> Json:
        """The Deployment as its controller tells of it."""
        pods = self.of(deployment["metadata"]["name"])
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(pods),
            "readyReplicas": sum(pod.ready for pod in pods),
        }
        return {**deployment, "status": status}

    def readings(self, now: datetime) -> MetricReadings:
        """A scrape of every pod at this moment."""
        return MetricReadings(
            {
                "success-rate": {
                    pod.name: Reading(now.timestamp(), float(pod.requests), float(pod.failures)) for pod in self.all
                }
            }
        )

    def summary(self) -> list[Any]:
        return [[pod.name, pod.ready, pod.restarts, pod.terminating] for pod in self.all]
