"""Approvals: which gate or step waits for a person, and how that person lets it begin.

Without an approval weights stay as they are. The pods are ready and stay so; nothing but time is lost.
"""

import json
from dataclasses import replace

from serin.api.v1alpha1.plan import Gate
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move
from serin.core.rollout.streams import Engine


def begin_comparison(attempt: Attempt) -> Move:
    """Canary and baseline are ready: they get requests, once a person lets the first step begin if the plan says so."""
    if is_closed(attempt, "BeforeTraffic"):
        told = "The new version is ready; before it gets a user's request, it"
        return Move("AwaitingApproval", "AwaitingApproval", f"{told} {wait_for(attempt, 'BeforeTraffic')}")
    if attempt.schedule.steps[0].needs_approval and 0 not in attempt.approved_steps:
        return Move("AwaitingApproval", "AwaitingApproval", _ask(attempt, 0))
    limit, most = attempt.bearable_weight, max((step.weight for step in attempt.schedule.steps), default=0.0)
    told = "Canary and baseline are ready and get requests."
    if attempt.facts.splits_exactly and limit <= most < 50:
        told += f" Each gets {limit:.3g} % at most: its {attempt.size} of {attempt.replicas} pods bear no more (size)."
    return Move("Analyzing", "Comparing", told)


def ask_for_approval(attempt: Attempt, engine: Engine) -> str | None:
    """What to tell the person without whom the next step does not begin; None when nobody is asked."""
    step = attempt.schedule.awaited_approval(engine.position, engine.data_seconds, attempt.approved_steps)
    return None if step is None else _ask(attempt, step)


def is_closed(attempt: Attempt, gate: Gate) -> bool:
    return gate in attempt.plan.approval and gate not in attempt.spec.approvals


def hold_promotion(attempt: Attempt, move: Move) -> Move:
    """The move, but for a promotion that a person has not let begin."""
    if move.phase != "Promoting" or not is_closed(attempt, "BeforePromotion"):
        return move
    told = f"{move.message} The promotion {wait_for(attempt, 'BeforePromotion')}"
    return replace(move, phase="AwaitingApproval", reason="AwaitingApproval", message=told)


def _ask(attempt: Attempt, step: int) -> str:
    schedule = attempt.schedule
    told = f"Step {step + 1} of {len(schedule.steps)}, {schedule.steps[step].weight:g} % of the requests,"
    return f"{told} {wait_for(attempt, f'Step{step + 1}')}"


def wait_for(attempt: Attempt, gate: str) -> str:
    """As the end of a sentence, with the command that opens it."""
    # A merge patch replaces the whole list, and approvals only grow.
    patch = json.dumps({"spec": {"approvals": [*attempt.spec.approvals, gate]}}, separators=(",", ":"))
    return f"waits for an approval: kubectl patch mro {attempt.rollout.name} --type merge -p '{patch}'"
