"""What a finished attempt leaves behind in its ModelDeployment: stable, previous, rejected, the number of attempts.

The Rollout's own terminal status is the record; these fields follow it, and outlive a Rollout that is deleted.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from serin.api.v1alpha1.model_deployment import (
    ModelDeploymentStatus,
    PreviousStatus,
    RejectedStatus,
    StableStatus,
)
from serin.api.v1alpha1.rollout import RolloutStatus
from serin.core.facts import Facts, RevisionFacts, RolloutFacts
from serin.core.model_deployment.pod_template import version_of
from serin.core.rollout.phases import REMEMBERED


@dataclass(frozen=True, slots=True)
class Memory:
    """The part of the status that is a record, not an observation."""

    stable: StableStatus | None
    previous: PreviousStatus | None
    rejected: RejectedStatus | None
    attempts: int

    def serves(self, revision: str) -> bool:
        return self.stable is not None and self.stable.revision == revision

    @property
    def awaits_late_pods(self) -> bool:
        """Nothing serves yet: pods that missed their deadline may still become stable, unless a person refused them."""
        return self.stable is None and (self.rejected is None or self.rejected.phase == "Failed")


def recall(facts: Facts, desired: RevisionFacts) -> Memory:
    """The stored record, brought up to date with attempts that ended since."""
    status = facts.model_deployment.status
    memory = Memory(status.stable or _find_stable(facts), status.previous, status.rejected, _count_attempts(facts))
    last = _last_finished(facts, status)
    if last is not None:
        memory = replace(memory, rejected=_make_rejected(last, last.status, desired) or memory.rejected)
    return _forget_old_refusal(memory, desired)


def _find_stable(facts: Facts) -> StableStatus | None:
    """After a restore that brought objects without their status: who serves must not be taken for gone."""
    for live in facts.deployments:
        revision = facts.revision(live.route.revision)
        if live.is_stable and revision:
            version = version_of(revision.content, revision.name)
            return StableStatus(revision=revision.name, version=version, since=facts.now)
    return None


def _forget_old_refusal(memory: Memory, desired: RevisionFacts) -> Memory:
    """The spec moved on: a refused revision that is wanted again later is a new wish."""
    if memory.rejected and (memory.serves(desired.name) or memory.rejected.revision != desired.name):
        return replace(memory, rejected=None)
    return memory


def _count_attempts(facts: Facts) -> int:
    """Also counts a Rollout that was created just before a crash, so that no number is given twice."""
    prefix = f"{facts.model_deployment.key.name}-"
    numbers = [rollout.name.removeprefix(prefix) for rollout in facts.rollouts if rollout.owned]
    return max([facts.model_deployment.status.attempts, *(int(n) for n in numbers if n.isdecimal())])


def _last_finished(facts: Facts, status: ModelDeploymentStatus) -> RolloutFacts | None:
    """The attempt that the status still shows as running, if it has ended."""
    if status.candidate is None:
        return None
    named = (rollout for rollout in facts.rollouts if rollout.name == status.candidate.rollout)
    return next((rollout for rollout in named if rollout.status.phase in REMEMBERED), None)


def _make_rejected(rollout: RolloutFacts, status: RolloutStatus, desired: RevisionFacts) -> RejectedStatus | None:
    canary, phase = status.canary, status.phase
    if (
        canary is None
        or canary.revision != desired.name
        or phase not in ("Rejected", "RolledBack", "Failed", "Aborted")
    ):
        return None
    return RejectedStatus(
        revision=canary.revision,
        version=canary.version,
        rollout=rollout.name,
        phase=phase,
        message=status.message or "",
    )


def remember_ending(
    memory: Memory, rollout: RolloutFacts, status: RolloutStatus, desired: RevisionFacts, now: datetime
) -> Memory:
    """The record after an attempt has ended with this status."""
    if status.phase == "Promoted" and status.canary:
        return make_stable(memory, status.canary.revision, status.canary.version, now)
    rejected = _make_rejected(rollout, status, desired) or memory.rejected
    return _forget_old_refusal(replace(memory, rejected=rejected), desired)


def make_stable(memory: Memory, revision: str, version: str, now: datetime) -> Memory:
    """The revision becomes stable, and what was stable the previous one."""
    before = memory.stable
    if before and before.revision == revision:
        return replace(memory, rejected=None)
    return replace(
        memory,
        stable=StableStatus(revision=revision, version=version, since=now),
        previous=PreviousStatus(revision=before.revision, version=before.version) if before else None,
        rejected=None,
    )
