"""The status of a ModelDeployment: the only place that sets its phase, message and conditions.

Nothing here changes with every look at Prometheus: the running numbers are in the Rollout, so that an analysis costs
one status write per interval and not two.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from serin.api.conditions import AVAILABLE, READY, RECONCILING, STALLED, Mark, make_conditions, trim
from serin.api.v1alpha1.model_deployment import (
    CandidateStatus,
    ModelDeploymentSpec,
    ModelDeploymentStatus,
    StableStatus,
)
from serin.core.facts import DeploymentFacts, Facts, RevisionFacts, Route, Track
from serin.core.model_deployment.names import service_name
from serin.core.model_deployment.outcomes import Memory
from serin.core.model_deployment.pod_template import version_of
from serin.core.model_deployment.scaling import select_measured
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move

_STALLED_REASONS = {
    "Rejected": "CanaryRejected",
    "RolledBack": "CanaryRolledBack",
    "Failed": "RolloutFailed",
    "Aborted": "RolloutAborted",
}


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the status tells of: the record, and the attempt that still runs after this look."""

    facts: Facts
    spec: ModelDeploymentSpec
    desired: RevisionFacts
    memory: Memory
    attempt: Attempt | None = None
    move: Move | None = None
    starting: str | None = None  # the Rollout that this very plan creates

    @property
    def serving_revision(self) -> str:
        """Whose pods get the users' requests, all or most of them."""
        if self.attempt and self.move and self.move.phase == "Baking":
            return self.attempt.revision
        return self.memory.stable.revision if self.memory.stable else self.desired.name

    @property
    def weights(self) -> Mapping[Route, float]:
        """Percent of the requests per route, as the attempt wants them; empty without one."""
        if self.attempt is None or self.move is None:
            return {}
        return self.attempt.weights_after(self.move.phase, self.move.engine)

    @property
    def serving(self) -> DeploymentFacts | None:
        """The Deployment behind the user Service."""
        return self.facts.deployment(Route(self.serving_revision, Track.PRIMARY))

    @property
    def is_serving_in_full(self) -> bool:
        live = self.serving
        return live is not None and live.settled and live.ready >= self.spec.wanted_replicas == live.replicas


@dataclass(frozen=True, slots=True)
class Telling:
    """Phase and message for people, and the marks of the three progress conditions."""

    phase: str
    message: str
    marks: tuple[Mark, ...]


def make_status(situation: Situation) -> ModelDeploymentStatus:
    facts, memory = situation.facts, situation.memory
    owner, live = facts.model_deployment, situation.serving
    telling = _tell(situation)
    marks = (*telling.marks, _available(situation, live))
    return ModelDeploymentStatus(
        observed_generation=owner.generation,
        phase=telling.phase,
        message=trim(telling.message),
        stable=_with_pods(memory.stable, facts),
        candidate=_make_candidate(situation),
        previous=memory.previous,
        rejected=memory.rejected,
        attempts=memory.attempts,
        url=_url(situation),
        replicas=live.replicas if live else 0,
        selector=_selector(situation),
        conditions=make_conditions(owner.status.conditions, marks, owner.generation, facts.now),
    )


def make_stuck_status(facts: Facts, reason: str, message: str) -> ModelDeploymentStatus:
    """The status while something stands in the way: the record stays, a person is needed."""
    owner = facts.model_deployment
    kept = tuple(Mark(c.type, c.status, c.reason, c.message) for c in owner.status.conditions if c.type == AVAILABLE)
    marks = (Mark(READY, "False", reason, message), Mark(STALLED, "True", reason, message), *kept)
    return owner.status.model_copy(
        update={
            "observed_generation": owner.generation,
            "phase": "Degraded",
            "message": trim(message),
            "conditions": make_conditions(owner.status.conditions, marks, owner.generation, facts.now),
        }
    )


def _tell(situation: Situation) -> Telling:
    """The first of these that holds: frozen, on trial, refused, not yet tried, not serving in full, healthy."""
    memory, spec = situation.memory, situation.spec
    stable = memory.stable
    if spec.paused:
        return _moving("Paused", "Paused", "Paused: nothing changes until spec.paused is false.")
    if situation.attempt and situation.move:
        return _tell_attempt(situation, situation.attempt, situation.move)
    if situation.starting:
        return _moving("Progressing", "RolloutStarting", f"Rollout {situation.starting} starts.")
    if memory.rejected:
        serves = f" Version {stable.version} serves all traffic." if stable else ""
        message = f"{memory.rejected.message}{serves}"
        return _stalled(_STALLED_REASONS[memory.rejected.phase], message)
    version = version_of(situation.desired.content, situation.desired.name)
    if stable and not memory.serves(situation.desired.name):
        return _moving("Progressing", "RolloutStarting", f"Version {version} is tried next.")
    if not situation.is_serving_in_full:
        return _moving("Progressing" if stable else "Pending", "PodsNotReady", _describe_pods(situation, version))
    return _tell_traffic(situation, version) or _tell_health(version)


def _tell_traffic(situation: Situation, version: str) -> Telling | None:
    """While the pods are ready and no way leads users there."""
    traffic = situation.facts.traffic
    if traffic.obstacle:
        return _stalled("TrafficRefused", f"{traffic.obstacle} Version {version} answers at its Service.")
    if traffic.is_serving:
        return None
    why = traffic.trouble or f"the provider {situation.spec.traffic.provider} prepares the way to it"
    return _moving("Progressing", "TrafficNotReady", f"Version {version} is ready, but users wait: {why}.")


def _tell_health(version: str) -> Telling:
    message = f"Version {version} serves all traffic."
    return Telling("Healthy", message, (Mark(READY, "True", "Serving", message),))


def _tell_attempt(situation: Situation, attempt: Attempt, move: Move) -> Telling:
    version = version_of(situation.desired.content, situation.desired.name)
    name = attempt.rollout.name
    if attempt.is_first:
        return _moving("Pending", "FirstRevision", f"Version {version} starts: {move.message}")
    if move.needs_person and move.phase == "Pending":
        return _stalled(move.reason, f"Version {version} cannot be tried like this: {move.message}")
    if move.needs_person:
        return _stalled("Inconclusive", f"Version {version} waits for a person's decision on Rollout {name}.")
    if move.is_paused:
        return _moving("Paused", "RolloutPaused", f"Rollout {name} of version {version} is paused.")
    if move.phase == "AwaitingApproval":
        return _moving("AwaitingApproval", move.phase, f"Version {version} waits for an approval, see Rollout {name}.")
    if move.phase == "Baking":
        return _moving("Progressing", move.phase, f"Version {version} serves on probation, see Rollout {name}.")
    detail = f": {move.message}" if move.phase in ("Preparing", "Preflight") else "."
    return _moving("Progressing", move.phase, f"Version {version} is on trial, see Rollout {name}{detail}")


def _moving(phase: str, reason: str, message: str) -> Telling:
    return Telling(phase, message, (Mark(READY, "False", reason, message), Mark(RECONCILING, "True", reason, message)))


def _stalled(reason: str, message: str) -> Telling:
    return Telling("Degraded", message, (Mark(READY, "False", reason, message), Mark(STALLED, "True", reason, message)))


def _describe_pods(situation: Situation, version: str) -> str:
    live = situation.serving
    ready = live.ready if live else 0
    pods = situation.facts.pods_of(live.route) if live else ()
    trouble = next((f" Pod {pod.name}: {pod.trouble}." for pod in pods if pod.trouble and not pod.ready), "")
    if not trouble and live and live.trouble:
        trouble = f" No more are made, {live.trouble}."
    return f"{ready} of {situation.spec.wanted_replicas} pods of version {version} are ready.{trouble}"


def _available(situation: Situation, live: DeploymentFacts | None) -> Mark:
    stable, revision = situation.memory.stable, situation.serving_revision
    if stable is None:
        return Mark(AVAILABLE, "False", "NothingStable", "No version has been ready yet.")
    known = situation.facts.revision(revision)
    version = version_of(known.content, revision) if known else stable.version
    if live is None or (live.ready == 0 and situation.spec.wanted_replicas > 0):
        return Mark(AVAILABLE, "False", "NoPodReady", f"No pod of version {version} is ready.")
    return Mark(AVAILABLE, "True", "Serving", f"Version {version} answers.")


def _with_pods(stable: StableStatus | None, facts: Facts) -> StableStatus | None:
    if stable is None:
        return None
    live = facts.deployment(Route(stable.revision, Track.PRIMARY))
    return stable.model_copy(
        update={"replicas": live.replicas if live else 0, "ready_replicas": live.ready if live else 0}
    )


def _make_candidate(situation: Situation) -> CandidateStatus | None:
    """The attempt that runs or starts. After a crash its name here leads to the outcome that is not yet on record."""
    attempt, move = situation.attempt, situation.move
    if attempt and move:
        revision = situation.facts.revision(attempt.revision) or situation.desired
        return CandidateStatus(
            revision=attempt.revision,
            version=version_of(revision.content, attempt.revision),
            rollout=attempt.rollout.name,
            weight=round(situation.weights.get(attempt.canary_route, 0)),
        )
    if situation.starting:
        desired = situation.desired
        version = version_of(desired.content, desired.name)
        return CandidateStatus(revision=desired.name, version=version, rollout=situation.starting)
    return None


def _url(situation: Situation) -> str:
    if situation.facts.traffic.url is not None:
        return situation.facts.traffic.url
    key, port = situation.facts.model_deployment.key, situation.spec.service.port
    suffix = "" if port == 80 else f":{port}"
    return f"http://{service_name(key.name)}.{key.namespace}.svc{suffix}"


def _selector(situation: Situation) -> str:
    """For the scale subresource: the pods that an autoscaler may average over."""
    owner = situation.facts.model_deployment.key.name
    is_baking = situation.move is not None and situation.move.phase == "Baking"  # the old pods stand by
    return select_measured(owner, situation.serving_revision, {} if is_baking else situation.weights)
