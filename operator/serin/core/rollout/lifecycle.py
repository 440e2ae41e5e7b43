"""The status of a Rollout: the only place that sets its conditions, stages and numbers.

kstatus: in progress while it moves; Promoted is Ready; Rejected, RolledBack and Failed are Stalled; Aborted and
Superseded carry none of the three, because nothing is left to wait for and nothing went live.
"""

from collections.abc import Mapping
from typing import Final

from serin.api.conditions import (
    COMPARISON_SUSPECT,
    CONTRACT_BROKEN,
    METRICS_AVAILABLE,
    PAUSED,
    PREDICTION_DRIFT,
    READY,
    RECONCILING,
    STALLED,
    TRAFFIC_CONVERGED,
    Mark,
    make_conditions,
    trim,
)
from serin.api.v1alpha1.rollout import (
    DecidedBy,
    Phase,
    RevisionStatus,
    RolloutStatus,
    Shares,
    StageStatus,
    StepStatus,
    VerdictStatus,
    WeightsStatus,
)
from serin.api.v1alpha1.shared import format_duration
from serin.core.evidence.combination import Verdict
from serin.core.facts import Route
from serin.core.model_deployment.pod_template import version_of
from serin.core.rollout.analysis import Look
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.gates import make_gates_status
from serin.core.rollout.metrics_status import make_metrics_status
from serin.core.rollout.move import Move
from serin.core.rollout.phases import COMPARING, check_transition, is_terminal
from serin.core.rollout.routes import has_been_compared, has_converged

_DECIDING_PHASES: Final[frozenset[Phase]] = frozenset(
    {"Promoting", "Promoted", "Rejected", "RolledBack", "Aborted", "Failed"}
)


def make_rollout_status(attempt: Attempt, move: Move) -> RolloutStatus:
    """The whole status after a move. Raises ValueError for a move that the table of phases does not know."""
    check_transition(attempt.phase, move.phase)
    before, now = attempt.rollout.status, attempt.facts.now
    has_moved = before.phase != move.phase
    weights = _make_weights(attempt, move)
    return RolloutStatus(
        observed_generation=attempt.rollout.generation,
        phase=move.phase,
        reason=move.reason,
        message=trim(move.message),
        stable=_make_stable(attempt),
        canary=_make_revision(attempt, attempt.canary_route),
        baseline=_make_revision(attempt, attempt.baseline_route) if not is_terminal(move.phase) else None,
        weights=None if is_terminal(move.phase) else weights,  # nobody would bring them up to date any more
        step=_make_step(attempt, move),
        verdict=_make_verdict(attempt, move),
        metrics=make_metrics_status(attempt.plan.analysis, move.look.verdict) if move.look else before.metrics,
        gates=make_gates_status(attempt),
        stages=_make_stages(attempt, move),
        plan=attempt.plan,
        started_at=before.started_at or now,
        finished_at=before.finished_at or (now if is_terminal(move.phase) else None),
        decided_by=DecidedBy(how=move.how)
        if has_moved and move.phase in _DECIDING_PHASES and not _only_completes(attempt, move)
        else before.decided_by,
        engine=move.engine.to_json() if move.engine else before.engine,
        conditions=make_conditions(before.conditions, _marks(attempt, move, weights), attempt.rollout.generation, now),
    )


def _only_completes(attempt: Attempt, move: Move) -> bool:
    """Who decided stands when the growing begins; that it is complete is no decision, unless a person ends the bake."""
    is_known = attempt.rollout.status.decided_by is not None
    return move.phase == "Promoted" and is_known and move.how != "Person"


def _make_stable(attempt: Attempt) -> RevisionStatus | None:
    """What the attempt began beside, also when the promotion has just made its own revision stable."""
    if attempt.stable_route == attempt.canary_route:
        return attempt.rollout.status.stable
    return _make_revision(attempt, attempt.stable_route)


def _make_revision(attempt: Attempt, route: Route | None) -> RevisionStatus | None:
    if route is None:
        return None
    revision = attempt.facts.revision(route.revision) or attempt.desired
    deployment = attempt.facts.deployment(route)
    return RevisionStatus(
        revision=route.revision,
        version=version_of(revision.content, route.revision),
        replicas=deployment.replicas if deployment else 0,
        ready_replicas=deployment.ready if deployment else 0,
    )


def _make_weights(attempt: Attempt, move: Move) -> WeightsStatus:
    wanted, effective = _wanted_weights(attempt, move), attempt.facts.shares

    def shares_of(weights: dict[Route, float]) -> Shares:
        def percent(route: Route | None) -> float:
            return round(weights.get(route, 0.0), 1) if route else 0.0

        return Shares(
            stable=percent(attempt.stable_route),
            baseline=percent(attempt.baseline_route),
            canary=percent(attempt.canary_route),
        )

    return WeightsStatus(
        nominal=shares_of(dict(wanted)),
        effective=shares_of(dict(effective)),
        converged=has_converged(wanted, effective) and not _lacks_requests(attempt, move, wanted),
    )


def _wanted_weights(attempt: Attempt, move: Move) -> Mapping[Route, float]:
    return attempt.weights_after(move.phase, move.engine)


def _lacks_requests(attempt: Attempt, move: Move, wanted: Mapping[Route, float]) -> bool:
    """Pods that got requests are not there to get any: what is wanted meanwhile is no state to stay in."""
    is_compared = move.phase in COMPARING and has_been_compared(attempt, move.phase)
    if attempt.strategy.wanted_mirror(attempt, move.phase) is not None:
        return False
    return is_compared and wanted.get(attempt.canary_route, 0.0) == 0.0


def _make_step(attempt: Attempt, move: Move) -> StepStatus | None:
    """None where there is but one: the shares then follow the pods, or the plan."""
    steps = attempt.schedule.steps
    if not attempt.strategy.has_steps or move.phase not in COMPARING or len(steps) == 1:
        return None
    position = move.engine.position if move.engine else attempt.position
    index, before = min(position.index, len(steps) - 1) + 1, attempt.rollout.status.step
    since = before.since if before and before.index == index else attempt.facts.now
    return StepStatus(index=index, of=len(steps), since=since)


def _make_stages(attempt: Attempt, move: Move) -> tuple[StageStatus, ...]:
    """One entry per phase, each with when it was and how much of it was paused."""
    stages, now = list(attempt.rollout.status.stages), attempt.facts.now
    if stages and attempt.paused_since and not move.is_paused:
        stages[-1] = stages[-1].model_copy(update={"held_seconds": attempt.held_seconds()})
    if stages and stages[-1].phase == move.phase:
        return tuple(stages)
    if stages:
        stages[-1] = stages[-1].model_copy(update={"finished": now})
    finished = now if is_terminal(move.phase) else None
    return (*stages, StageStatus(phase=move.phase, started=now, finished=finished))


def _describe_proven(result: Look) -> str | None:
    """Such as "≤ +0.7 pp": of the metric that is proven least; None while one of them is not proven at all."""
    judged = [judgement for streams in result.verdict.judgements.values() for judgement in streams.values()]
    proven = [judgement.proven_worse_at_most for judgement in judged]
    known = [margin for margin in proven if margin is not None]
    return f"≤ +{100 * max(known):.2g} pp" if known and len(known) == len(proven) else None


def _make_verdict(attempt: Attempt, move: Move) -> VerdictStatus | None:
    before = attempt.rollout.status.verdict
    if move.look is None:
        if before is None or move.verdict_state is None:
            return before
        return before.model_copy(update={"state": move.verdict_state})
    verdict = move.look.verdict
    is_over = move.phase not in COMPARING
    eta = verdict.eta_seconds
    return VerdictStatus(
        state=move.verdict_state or "Analyzing",
        good=f"{verdict.good:.0%}",
        bad=f"{verdict.bad:.0%}",
        proven=_describe_proven(move.look),
        eta=None if is_over or eta is None else format_duration(eta),
        sentence=trim(_sentence(attempt, move, verdict)),
    )


def _sentence(attempt: Attempt, move: Move, verdict: Verdict) -> str:
    """Of the evidence alone; the message of a move that waits for a person also says what that person can do."""
    before = attempt.rollout.status.verdict
    if move.phase == "Baking":
        # What the promotion was founded on stays to be read while the new version bakes.
        founded = before.sentence if before and has_been_compared(attempt, move.phase) else None
        found = verdict.sentence.removeprefix("Promoted: ")
        return founded or found[:1].upper() + found[1:]
    return verdict.sentence if move.phase == "AwaitingApproval" else move.message


def _marks(attempt: Attempt, move: Move, weights: WeightsStatus) -> list[Mark]:
    if move.phase == "Promoted":
        return [Mark(READY, "True", move.reason, move.message), *_drift_marks(attempt, move)]
    if move.phase in ("Aborted", "Superseded"):
        return []
    if move.phase in ("Rejected", "RolledBack", "Failed"):
        return [Mark(READY, "False", move.reason, move.message), Mark(STALLED, "True", move.reason, move.message)]
    marks = [
        Mark(READY, "False", move.reason, move.message),
        Mark(STALLED if move.needs_person else RECONCILING, "True", move.reason, move.message),
        Mark(TRAFFIC_CONVERGED, "True", "Converged")
        if weights.converged
        else Mark(TRAFFIC_CONVERGED, "False", "Waiting"),
    ]
    if move.is_paused:
        marks.append(Mark(PAUSED, "True", move.reason, move.message))
    return [
        *marks,
        *_metrics_marks(attempt, move),
        *_suspicion_marks(attempt, move),
        *_contract_marks(attempt, move),
        *_drift_marks(attempt, move),
    ]


def _contract_marks(attempt: Attempt, move: Move) -> list[Mark]:
    """There from the preflight to the end of the attempt."""
    if move.contract_breach:
        return [Mark(CONTRACT_BROKEN, "True", "Preflight", move.contract_breach)]
    known = attempt.rollout.status.conditions
    return [Mark(c.type, c.status, c.reason, c.message) for c in known if c.type == CONTRACT_BROKEN]


def _drift_marks(attempt: Attempt, move: Move) -> list[Mark]:
    """From the look that finds it on, and beyond a promotion: it stays true of the version that now serves."""
    if move.look is not None and move.look.verdict.warnings:
        return [Mark(PREDICTION_DRIFT, "True", "BeyondLimit", " ".join(move.look.verdict.warnings))]
    known = attempt.rollout.status.conditions
    return [Mark(c.type, c.status, c.reason, c.message) for c in known if c.type == PREDICTION_DRIFT]


def _suspicion_marks(attempt: Attempt, move: Move) -> list[Mark]:
    """There only while the last look found the baseline not to be believed."""
    if move.look is not None:
        suspicion = move.look.suspicion
        return [Mark(COMPARISON_SUSPECT, "True", "BaselineDiffers", suspicion)] if suspicion else []
    known = attempt.rollout.status.conditions
    return [Mark(c.type, c.status, c.reason, c.message) for c in known if c.type == COMPARISON_SUSPECT]


def _metrics_marks(attempt: Attempt, move: Move) -> list[Mark]:
    """What the last question to Prometheus brought; a look at something else leaves it as it was."""
    if move.metrics_trouble:
        return [Mark(METRICS_AVAILABLE, "False", "Unavailable", move.metrics_trouble)]
    if move.look is not None:
        return [Mark(METRICS_AVAILABLE, "True", "Scraped")]
    known = attempt.rollout.status.conditions
    return [Mark(c.type, c.status, c.reason, c.message) for c in known if c.type == METRICS_AVAILABLE]
