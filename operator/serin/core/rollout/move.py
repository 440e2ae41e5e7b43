"""What a decision about an attempt says: the answer type of every rule of motion."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from serin.api.v1alpha1.rollout import Phase, VerdictState
from serin.core.rollout.analysis import Look
from serin.core.rollout.streams import Engine


@dataclass(frozen=True, slots=True)
class Move:
    """The phase to be in, why, and what else the status should tell. The same phase again means: go on waiting."""

    phase: Phase
    reason: str
    message: str
    look_again_at: datetime | None = None
    how: Literal["Evidence", "Person", "Operator"] = "Operator"
    look: Look | None = None
    engine: Engine | None = None
    verdict_state: VerdictState | None = None
    metrics_trouble: str | None = None
    is_paused: bool = False
    needs_person: bool = False
    contract_breach: str | None = None  # found by the preflight, where the plan says that it only warns
