"""Gates: which there are, and how strategies without a comparison pass them.

There both stand before the first user's request, for it is the promotion.
"""

from dataclasses import replace
from typing import Final, Literal

from serin.api.v1alpha1.plan import Gate
from serin.api.v1alpha1.rollout import GateStatus
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.awaiting import is_closed, wait_for
from serin.core.rollout.looking import reject_crash
from serin.core.rollout.move import Move

GATES: Final[tuple[Gate, Gate]] = ("BeforeTraffic", "BeforePromotion")


def make_gates_status(attempt: Attempt) -> tuple[GateStatus, ...]:
    """Every gate and step that the plan wants approved, in the order in which they are met."""
    plan, before = attempt.plan, {gate.name: gate for gate in attempt.rollout.status.gates}
    steps = [f"Step{index}" for index, step in enumerate(plan.steps, start=1) if step.approval]
    first, last = GATES
    names = [*([first] if first in plan.approval else ()), *steps, *([last] if last in plan.approval else ())]
    found = (GateStatus(name=name, state=_state(attempt, name), since=attempt.facts.now) for name in names)
    # `since` is from when the state changed.
    return tuple(
        known if (known := before.get(gate.name)) is not None and known.state == gate.state else gate for gate in found
    )


def _state(attempt: Attempt, name: str) -> Literal["Waiting", "Open"]:
    return "Open" if name in attempt.spec.approvals else "Waiting"


def pass_gates(attempt: Attempt, ready: str, move: Move) -> Move:
    """The move, told after the sentence `ready`; but waiting while a person has not let it begin."""
    closed = next((gate for gate in GATES if is_closed(attempt, gate)), None)
    if closed is None:
        return replace(move, message=f"{ready} {move.message}")
    told = f"{ready} Before any user gets to it, it {wait_for(attempt, closed)}"
    return Move("AwaitingApproval", "AwaitingApproval", told)


def await_gates(attempt: Attempt) -> Move:
    return reject_crash(attempt) or attempt.strategy.begin_trial(attempt)
