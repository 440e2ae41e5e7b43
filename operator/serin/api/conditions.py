"""Condition types and reasons, and the one way to change a list of conditions.

kstatus reads them: `Ready` is always there; `Reconciling` only while something moves; `Stalled` only when a person
or a new spec is needed; never both. A reason is a constant with the sentence on when it occurs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from serin.api.v1alpha1.shared import Condition

READY = "Ready"
AVAILABLE = "Available"
RECONCILING = "Reconciling"
STALLED = "Stalled"
PAUSED = "Paused"
TRAFFIC_CONVERGED = "TrafficConverged"
METRICS_AVAILABLE = "MetricsAvailable"
COMPARISON_SUSPECT = "ComparisonSuspect"
CONTRACT_BROKEN = "ContractBroken"
PREDICTION_DRIFT = "PredictionDrift"

MESSAGE_LIMIT = 1024  # metav1.Condition allows 32768; a status that people read needs less


@dataclass(frozen=True, slots=True)
class Mark:
    """A condition as decided, before its transition time is known."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""


def make_conditions(
    before: Iterable[Condition], marks: Iterable[Mark], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The new list: exactly the marks, sorted by type; the transition time moves only when the state does."""
    known = {condition.type: condition for condition in before}
    made = []
    for mark in sorted(marks, key=lambda mark: mark.type):
        old = known.get(mark.type)
        unchanged = old is not None and old.status == mark.status
        made.append(
            Condition(
                type=mark.type,
                status=mark.status,
                reason=mark.reason,
                message=trim(mark.message),
                last_transition_time=old.last_transition_time if unchanged and old else now,
                observed_generation=generation,
            )
        )
    return tuple(made)


def trim(message: str) -> str:
    """A message short enough for a status, its cut visible."""
    return message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"
