"""The ModelDeployment, its Rollouts and its pods, read from what `kubectl get -o json` prints.

A status is written some time after its object, so everything in it may be missing: that reads as nothing yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FINAL_PHASES = frozenset({"Promoted", "Rejected", "RolledBack", "Aborted", "Superseded", "Failed"})
MODEL_DEPLOYMENT_LABEL = "serin.dev/model-deployment"
REVISION_LABEL = "serin.dev/revision"
TRACK_LABEL = "serin.dev/track"

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Deployment:
    """The ModelDeployment. `is_current`: its status speaks of the newest spec."""

    phase: str
    message: str
    stable_version: str
    stable_revision: str
    replicas: int
    is_current: bool
    is_ready: bool
    is_stalled: bool


@dataclass(frozen=True)
class Variant:
    """Stable, baseline or canary in one attempt. Requests and failures are those judged; stable has none."""

    name: str
    version: str
    revision: str
    replicas: int
    ready_replicas: int
    share_percent: float | None  # None once nobody measures it any more
    requests: int | None = None
    failures: int | None = None


@dataclass(frozen=True)
class Attempt:
    """One Rollout."""

    name: str
    number: int
    phase: str
    message: str
    verdict: str
    good: str
    bad: str
    eta: str
    variants: tuple[Variant, ...]

    @property
    def is_finished(self) -> bool:
        return self.phase in FINAL_PHASES

    def variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name), None)


@dataclass(frozen=True)
class Pod:
    uid: str
    revision: str
    track: str
    restarts: int
    is_ready: bool
    is_leaving: bool


@dataclass(frozen=True)
class Objects:
    """Everything of the demo's model at one moment; `deployment` is None when it does not exist."""

    deployment: Deployment | None
    attempts: tuple[Attempt, ...]
    pods: tuple[Pod, ...]

    def newest_attempt(self, after: int) -> Attempt | None:
        newer = [attempt for attempt in self.attempts if attempt.number > after]
        return max(newer, key=lambda attempt: attempt.number, default=None)

    @property
    def last_number(self) -> int:
        return max((attempt.number for attempt in self.attempts), default=0)

    def pods_of(self, revision: str) -> tuple[Pod, ...]:
        return tuple(pod for pod in self.pods if pod.revision == revision)


def parse_objects(listing: Json, name: str) -> Objects:
    """Reads one List of mixed kinds and keeps what belongs to the ModelDeployment of this name."""
    deployment, attempts, pods = None, [], []
    for item in listing["items"]:
        kind, metadata = item["kind"], item["metadata"]
        if kind == "ModelDeployment" and metadata["name"] == name:
            deployment = parse_deployment(item)
        elif kind == "Rollout" and item["spec"]["modelDeployment"] == name:
            attempts.append(parse_attempt(item))
        elif kind == "Pod" and metadata.get("labels", {}).get(MODEL_DEPLOYMENT_LABEL) == name:
            pods.append(parse_pod(item))
    return Objects(deployment, tuple(sorted(attempts, key=lambda attempt: attempt.number)), tuple(pods))


def parse_deployment(item: Json) -> Deployment:
    status = item.get("status") or {}
    stable = status.get("stable") or {}
    true = {condition["type"] for condition in status.get("conditions", ()) if condition["status"] == "True"}
    return Deployment(
        phase=status.get("phase", ""),
        message=make_printable(status.get("message", "")),
        stable_version=stable.get("version", ""),
        stable_revision=stable.get("revision", ""),
        replicas=item["spec"].get("replicas", 1),
        is_current=status.get("observedGeneration", -1) == item["metadata"]["generation"],
        is_ready="Ready" in true,
        is_stalled="Stalled" in true,
    )


def parse_attempt(item: Json) -> Attempt:
    status = item.get("status") or {}
    verdict = status.get("verdict") or {}
    name = item["metadata"]["name"]
    number = name.rpartition("-")[2]
    return Attempt(
        name=name,
        number=int(number) if number.isdigit() else 0,
        phase=status.get("phase") or "Pending",
        message=make_printable(status.get("message", "")),
        verdict=verdict.get("state", ""),
        good=str(verdict.get("good", "")),
        bad=str(verdict.get("bad", "")),
        eta=str(verdict.get("eta") or ""),
        variants=tuple(parse_variant(status, variant) for variant in ("stable", "baseline", "canary")),
    )


def make_printable(text: str) -> str:
    """A message may quote a container's last words, escape codes of a terminal among them."""
    return "".join(character if character.isprintable() else " " for character in text)


def parse_variant(status: Json, name: str) -> Variant:
    revision = status.get(name) or {}
    shares = (status.get("weights") or {}).get("effective") or {}
    metrics: list[Json] = status.get("metrics") or [{}]
    counts = metrics[0].get(name) or {}
    return Variant(
        name=name,
        version=revision.get("version", ""),
        revision=revision.get("revision", ""),
        replicas=revision.get("replicas", 0),
        ready_replicas=revision.get("readyReplicas", 0),
        share_percent=shares.get(name),
        requests=counts.get("requests"),
        failures=counts.get("failures"),
    )


def parse_pod(item: Json) -> Pod:
    labels = item["metadata"].get("labels", {})
    status = item.get("status") or {}
    return Pod(
        uid=item["metadata"]["uid"],
        revision=labels.get(REVISION_LABEL, ""),
        track=labels.get(TRACK_LABEL, ""),
        restarts=sum(container.get("restartCount", 0) for container in status.get("containerStatuses", ())),
        is_ready=any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ())),
        is_leaving="deletionTimestamp" in item["metadata"],
    )
