"""What happens next to an attempt: pure, one `Move` per look.

Read `decide_move` top to bottom: what the ModelDeployment wants now, what a person decided, whether somebody paused,
then the rule that the strategy has for the phase. Evidence never overrides a person, and a person never overrides
the spec.
"""

from dataclasses import replace

from serin.core.facts import Refusal
from serin.core.model_deployment.names import deployment_name
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move
from serin.core.rollout.phases import COMPARING
from serin.core.rollout.promoted import FIRST_IS_READY, promoted
from serin.core.rollout.way_back import find_way_back


def decide_move(attempt: Attempt) -> Move:
    return (
        _stay_frozen(attempt)
        or _follow_the_spec(attempt)
        or _follow_the_person(attempt)
        or _hold_while_paused(attempt)
        or _wait_for_the_way_back(attempt)
        or _follow_the_strategy(attempt)
    )


def decide_refused(attempt: Attempt, refusal: Refusal) -> Move:
    """After the API server or somebody's object stood in the way of the last plan."""
    pods = {deployment_name(route) for route in (attempt.canary_route, attempt.baseline_route) if route}
    is_about_pods = refusal.reason == "InvalidSpec" and refusal.kind == "Deployment" and refusal.name in pods
    # While it bakes the new version serves: pods that cannot be added are no reason to take it away.
    if is_about_pods and attempt.phase not in ("Pending", "Baking"):
        return Move("Failed", "InvalidSpec", f"The pods of the new version are refused: {refusal.message}")
    return Move(attempt.phase, refusal.reason, refusal.message, needs_person=True)


def _stay_frozen(attempt: Attempt) -> Move | None:
    if not attempt.is_frozen:
        return None
    return Move(attempt.phase, "Paused", "The ModelDeployment is paused: nothing changes.", is_paused=True)


def _follow_the_spec(attempt: Attempt) -> Move | None:
    """A Rollout only ever rolls out what its ModelDeployment desires."""
    if attempt.stable and attempt.revision == attempt.stable.revision:
        # The ModelDeployment's stable was written just before a crash: only the ending is missing.
        if attempt.phase in ("Promoting", "Baking"):
            return promoted(attempt)
        if attempt.phase == "Preparing" and attempt.rollout.status.stable is None:
            return FIRST_IS_READY
        return Move("Aborted", "AlreadyStable", f"Revision {attempt.revision} is already stable: nothing to do.")
    if attempt.revision == attempt.desired.name:
        return None
    if attempt.stable and attempt.desired.name == attempt.stable.revision:
        return Move("Aborted", "SpecReverted", f"The spec went back to the stable version {attempt.stable.version}.")
    wanted = f"revision {attempt.desired.name}"
    return Move("Superseded", "SpecChanged", f"The spec moved on to {wanted}; revision {attempt.revision} is dropped.")


def _follow_the_person(attempt: Attempt) -> Move | None:
    match attempt.spec.decision:
        case "Abort":
            return Move("Aborted", "AbortedByPerson", "Aborted by a person.", how="Person")
        case "Reject" if attempt.phase == "Baking":
            return Move("RolledBack", "RejectedByPerson", "Rolled back by a person.", how="Person")
        case "Reject":
            return Move("Rejected", "RejectedByPerson", "Rejected by a person.", how="Person")
        case "Promote" if attempt.phase in ("Preparing", "Preflight", *COMPARING) and not attempt.is_first:
            return Move("Promoting", "PromotedByPerson", "Promoted by a person: the new version grows.", how="Person")
        case "Promote" if attempt.phase == "Baking" and not _is_decided_by_person(attempt):
            return replace(promoted(attempt), how="Person")
    return None


def _is_decided_by_person(attempt: Attempt) -> bool:
    """The person's Promote has been followed already: it began the bake and does not end it."""
    decided_by = attempt.rollout.status.decided_by
    return decided_by is not None and decided_by.how == "Person"


def _hold_while_paused(attempt: Attempt) -> Move | None:
    """Weights stay, evidence and deadlines stand still. What a person decided goes on to its end."""
    if not attempt.is_held:
        return None
    return Move(attempt.phase, "Paused", "Paused: weights stay as they are until spec.paused is false.", is_paused=True)


def _wait_for_the_way_back(attempt: Attempt) -> Move | None:
    """Pods of an earlier attempt still serve in stable's place: they must not become this one's canary."""
    if attempt.phase != "Pending" or not find_way_back(attempt.facts, attempt.stable_route, attempt.replicas, {}).pods:
        return None
    return Move("Pending", "Returning", "An earlier attempt is being undone: waiting until the old version is back.")


def _follow_the_strategy(attempt: Attempt) -> Move:
    rule = attempt.strategy.rules.get(attempt.phase)
    if rule is None:
        name = attempt.rollout.name
        raise ValueError(f"Rollout {name}: {attempt.plan.strategy} has nothing to decide in phase {attempt.phase}")
    return rule(attempt)
