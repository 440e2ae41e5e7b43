"""Which Rollout is the one that moves, and whether a new one is due.

At most one is active per ModelDeployment. One made by hand is picked up like one of our own, after the active one has
ended; it may try a rejected revision again.
"""

from collections.abc import Sequence

from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin.api.v1alpha1.rollout import RolloutSpec
from serin.core.facts import Facts, InvalidSpec, RevisionFacts, RolloutFacts
from serin.core.model_deployment.children import make_rollout
from serin.core.model_deployment.names import rollout_name
from serin.core.model_deployment.outcomes import Memory
from serin.core.plan import CreateRollout
from serin.core.rollout.phases import is_terminal


def open_rollouts(facts: Facts) -> Sequence[RolloutFacts]:
    """Rollouts that have not ended, the active one first: who began goes before who waits, then the older."""
    found = [
        rollout
        for rollout in facts.rollouts
        if not rollout.deleting and not is_terminal(rollout.status.phase) and not isinstance(rollout.spec, InvalidSpec)
    ]
    return sorted(found, key=lambda rollout: (rollout.status.phase is None, rollout.created_at, rollout.name))


def decide_new_attempt(
    facts: Facts, spec: ModelDeploymentSpec, desired: RevisionFacts, memory: Memory
) -> CreateRollout | None:
    """The Rollout to create when what is desired is not what serves, and nobody has refused it yet."""
    if memory.serves(desired.name) or memory.rejected or spec.paused or open_rollouts(facts):
        return None
    owner = facts.model_deployment
    return CreateRollout(
        make_rollout(
            owner,
            rollout_name(owner.key.name, memory.attempts + 1),
            RolloutSpec(model_deployment=owner.key.name, revision=desired.name, plan=spec.rollout),
        )
    )
