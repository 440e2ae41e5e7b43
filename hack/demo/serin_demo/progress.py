"""Whether a wait is over, decided on one reading of the cluster: still waiting, there, or never to come."""

from dataclasses import dataclass
from typing import Literal

from serin_demo.cluster_objects import Attempt, Objects, Pod


@dataclass(frozen=True)
class Progress:
    state: Literal["Waiting", "Done", "Failed"]
    reason: str = ""


DONE = Progress("Done")


def decide_first_version(objects: Objects, version: str) -> Progress:
    """The first version serves when the ModelDeployment says so about the spec that was applied."""
    deployment = objects.deployment
    if deployment is None:
        return Progress("Failed", "the ModelDeployment is gone")
    if not deployment.is_current:
        return Progress("Waiting", "the operator has not seen the ModelDeployment yet")
    if deployment.is_stalled:
        return Progress("Failed", deployment.message)
    if deployment.is_ready and deployment.stable_version == version:
        return DONE
    return Progress("Waiting", deployment.message or "the pods are starting")


def decide_rollout(objects: Objects, after: int, wanted: str) -> Progress:
    """Over when the attempt that follows number `after` has ended as wanted, and its helpers are gone."""
    attempt = objects.newest_attempt(after)
    if attempt is None:
        return Progress("Waiting", "the operator has not started a rollout yet")
    if attempt.is_finished and attempt.phase != wanted:
        return Progress("Failed", f"{attempt.name} is {attempt.phase}, expected {wanted}: {attempt.message}")
    if attempt.verdict == "Inconclusive":
        return Progress("Failed", f"{attempt.name} found no verdict: {attempt.message}")
    if not attempt.is_finished:
        return Progress("Waiting", attempt.message or attempt.phase)
    return decide_settled(objects, attempt)


def decide_settled(objects: Objects, attempt: Attempt) -> Progress:
    """After the verdict: only pods of the stable revision are left, and as many as asked for answer."""
    deployment, canary = objects.deployment, attempt.variant("canary")
    if deployment is None or canary is None:
        return Progress("Failed", "the ModelDeployment is gone")
    if attempt.phase == "Promoted" and not (deployment.is_current and deployment.is_ready):
        return Progress("Waiting", "promoted; the ModelDeployment is not ready yet")
    serving = serving_pods(objects)
    if any(pod not in serving and not pod.is_leaving for pod in objects.pods):
        return Progress("Waiting", f"{attempt.phase}; pods that are no longer needed are leaving")
    if len(serving) < deployment.replicas:
        return Progress("Waiting", f"{attempt.phase}; {len(serving)} of {deployment.replicas} stable pods are ready")
    return DONE


def serving_pods(objects: Objects) -> tuple[Pod, ...]:
    """The ready pods of the stable revision that stay: not its copies that served as baseline."""
    if objects.deployment is None:
        return ()
    stable = objects.pods_of(objects.deployment.stable_revision)
    return tuple(pod for pod in stable if pod.track == "primary" and pod.is_ready and not pod.is_leaving)


def judged_pods(objects: Objects, after: int) -> frozenset[Pod]:
    """The canary's pods while they are on trial."""
    attempt = objects.newest_attempt(after)
    canary = attempt.variant("canary") if attempt and attempt.phase == "Analyzing" else None
    return frozenset(pod for pod in objects.pods_of(canary.revision) if pod.is_ready) if canary else frozenset()
