"""Kubernetes Events of an attempt: one per thing that happened, each with a reason of its own to alert on."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from serin.api.conditions import COMPARISON_SUSPECT, METRICS_AVAILABLE, PREDICTION_DRIFT
from serin.api.v1alpha1.rollout import Phase
from serin.core.plan import Emit
from serin.core.rollout.analyzing import INCIDENT, describe_incident
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move
from serin.core.rollout.phases import is_terminal

_OF_PHASE: Final[Mapping[Phase, tuple[Literal["Normal", "Warning"], str]]] = {
    "Preparing": ("Normal", "RolloutStarted"),
    "Preflight": ("Normal", "PreflightStarted"),
    "Analyzing": ("Normal", "AnalysisStarted"),
    "Promoting": ("Normal", "PromotionStarted"),
    "AwaitingApproval": ("Normal", "ApprovalWanted"),
    "Baking": ("Normal", "BakeStarted"),
    "Promoted": ("Normal", "RolloutPromoted"),
    "Rejected": ("Warning", "RolloutRejected"),
    "RolledBack": ("Warning", "RolloutRolledBack"),
    "Failed": ("Warning", "RolloutFailed"),
    "Aborted": ("Normal", "RolloutAborted"),
    "Superseded": ("Normal", "RolloutSuperseded"),
}


def make_events(attempt: Attempt, move: Move) -> tuple[Emit, ...]:
    """On the Rollout, and what starts or ends an attempt on the ModelDeployment too, where users look first."""
    events = list(_drift_events(attempt, move))
    if attempt.phase != move.phase:
        kind, reason = _OF_PHASE[move.phase]
        if (attempt.phase, move.phase) == ("AwaitingApproval", "Analyzing"):
            reason = "Approved"
        events.append(Emit("Rollout", attempt.rollout.name, kind, reason, move.message))
        if move.phase in ("Preparing", "AwaitingApproval") or is_terminal(move.phase):
            name = attempt.facts.model_deployment.key.name
            events.append(Emit("ModelDeployment", name, kind, reason, f"{attempt.rollout.name}: {move.message}"))
        if move.contract_breach:
            events.append(Emit("Rollout", attempt.rollout.name, "Warning", "ContractBroken", move.contract_breach))
        return tuple(events)
    for is_new, kind, reason in (
        (move.is_paused and not attempt.paused_since, "Normal", "RolloutPaused"),
        (attempt.paused_since is not None and not move.is_paused, "Normal", "RolloutResumed"),
        (move.verdict_state == "Inconclusive" and not attempt.is_inconclusive, "Warning", "Inconclusive"),
        (bool(move.metrics_trouble) and not _is(attempt, METRICS_AVAILABLE, "False"), "Warning", "MetricsUnavailable"),
        (move.look is not None and _is(attempt, METRICS_AVAILABLE, "False"), "Normal", "MetricsBack"),
    ):
        if is_new:
            events.append(Emit("Rollout", attempt.rollout.name, kind, reason, move.message))
    was_told = INCIDENT in (attempt.rollout.status.message or "")
    if move.look and move.look.has_incident and not was_told:
        events.append(Emit("Rollout", attempt.rollout.name, "Warning", "SharedIncident", describe_incident(attempt)))
    suspicion = move.look.suspicion if move.look else None
    if suspicion and not _is(attempt, COMPARISON_SUSPECT, "True"):
        events.append(Emit("Rollout", attempt.rollout.name, "Warning", "ComparisonSuspect", suspicion))
    return tuple(events)


def _drift_events(attempt: Attempt, move: Move) -> Iterator[Emit]:
    """Also with the look that promotes: a drift that only warns is found when it is found."""
    warnings = move.look.verdict.warnings if move.look else ()
    if warnings and not _is(attempt, PREDICTION_DRIFT, "True"):
        yield Emit("Rollout", attempt.rollout.name, "Warning", "PredictionDrift", " ".join(warnings))


def _is(attempt: Attempt, condition: str, status: str) -> bool:
    return any(c.type == condition and c.status == status for c in attempt.rollout.status.conditions)
