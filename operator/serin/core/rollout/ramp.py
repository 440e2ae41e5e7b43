"""Which share of the requests canary and baseline get: the steps of a rollout and the rule that moves between them.

Pure numbers, so that a simulation runs the very rule of the operator. A step depends on the evidence of the past
alone, and shares that do so keep the error bounds of both tests. Time is time with data: a service without requests
takes no step.

Back goes one step and not all the way: how many requests a verdict needs hardly depends on the share, so at 1 % a
harmful canary fails as many requests, only for longer. docs/verdict.md has what both were measured to cost.
"""

import math
from collections.abc import Set
from dataclasses import dataclass, replace
from functools import lru_cache

NO_APPROVALS: Set[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """Percent of the requests for the canary, and as much for the baseline, for at least `seconds` with data."""

    weight: float
    seconds: float
    needs_approval: bool = False  # by a person, before it begins


@dataclass(frozen=True, slots=True)
class Position:
    """The step in force, counted from 0, and the seconds with data at which it began.

    `is_back`: strong evidence of harm has brought it here from the step after it.
    """

    index: int = 0
    since_seconds: float = 0.0
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """At least one step, and the evidence of harm (E_bad) that holds it or goes back by one.

    `is_required`: no promotion before the last step is over. The steps of a ramp are only the way there.
    """

    steps: tuple[Step, ...]
    hold_above: float = math.inf
    back_above: float = math.inf
    is_required: bool = False

    def at(self, position: Position) -> Step:
        """The step in force, the last one where the schedule became shorter."""
        return self.steps[min(position.index, len(self.steps) - 1)]

    def is_step_over(self, position: Position, data_seconds: float) -> bool:
        """It has lasted as long as it must."""
        return data_seconds - position.since_seconds >= self.at(position).seconds

    def awaited_approval(
        self, position: Position, data_seconds: float, approved: Set[int] = NO_APPROVALS
    ) -> int | None:
        """The index of the next step, if nothing but a person's approval is missing for it."""
        after = position.index + 1
        if after >= len(self.steps) or not self.steps[after].needs_approval or after in approved:
            return None
        return after if self.is_step_over(position, data_seconds) else None


@lru_cache(maxsize=256)
def make_ramp(weights: tuple[float, ...], step_after_seconds: float, hold_above: float, back_above: float) -> Schedule:
    """The schedule in which the evidence chooses: up while nothing speaks against the canary, back while much does."""
    return Schedule(tuple(Step(weight, step_after_seconds) for weight in weights), hold_above, back_above)


def decide_step(
    schedule: Schedule,
    position: Position,
    evidence_bad: float,
    data_seconds: float,
    approved: Set[int] = NO_APPROVALS,
) -> Position:
    """The position after a look at the evidence: at most one step up or down.

    `evidence_bad` is E_bad of all metrics together, `approved` the indexes of the steps that a person has let begin.
    """
    last = len(schedule.steps) - 1
    position = replace(position, index=min(position.index, last))
    if not schedule.is_step_over(position, data_seconds):
        return position
    if evidence_bad >= schedule.back_above and position.index > 0 and not position.is_back:
        return Position(position.index - 1, data_seconds, is_back=True)
    if position.index == last or evidence_bad >= schedule.hold_above:
        return position
    if schedule.awaited_approval(position, data_seconds, approved) is not None:
        return position
    return Position(position.index + 1, data_seconds)
