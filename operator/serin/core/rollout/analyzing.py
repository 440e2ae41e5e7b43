"""Analyzing: canary and baseline get requests, and the evidence says when it is enough for an answer.

The same rule goes on in AwaitingApproval, where a person lets the next step begin: a canary that breaks meanwhile is
rejected all the same.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from serin.api.v1alpha1.rollout import Phase, VerdictState
from serin.core.evidence.verdict import Outcome
from serin.core.rollout.analysis import Look, next_look_at
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.awaiting import ask_for_approval, begin_comparison, hold_promotion, is_closed
from serin.core.rollout.looking import NoNews, find_crash, take_look
from serin.core.rollout.move import Move
from serin.core.rollout.ramp import decide_step
from serin.core.rollout.routes import has_converged
from serin.core.rollout.streams import Engine
from serin.core.rollout.waiting import failed_by_deadline, wait_for_pods

INCIDENT: Final = "Incident at"


def analyze(attempt: Attempt) -> Move:
    crash = find_crash(attempt)
    if crash:
        return Move("Rejected", "CanaryCrashed", f"Rejected: the canary crashes, {crash}.", how="Evidence")
    engine = attempt.engine()
    if engine is None:
        if not has_converged(attempt.strategy.wanted_weights(attempt, "Analyzing", None), attempt.facts.shares):
            return wait_for_pods(attempt, "Waiting until stable, baseline and canary all get requests")
        return _warming_up(attempt, attempt.begin_engine())
    unserved_deadline = attempt.unserved_deadline()
    if unserved_deadline and attempt.facts.now >= unserved_deadline:
        return failed_by_deadline(attempt)
    seen = take_look(attempt, engine)
    if isinstance(seen, NoNews):
        return _without_metrics(attempt, seen, seen.trouble) if seen.trouble else _between_looks(attempt, seen)
    if seen.is_warming_up:
        return _warming_up(attempt, seen.engine)
    return _follow_the_evidence(attempt, _with_step(attempt, seen))


def await_approval(attempt: Attempt) -> Move:
    engine, verdict = attempt.engine(), attempt.rollout.status.verdict
    if engine is None:
        return begin_comparison(attempt)
    if verdict and verdict.state == "Promote" and not is_closed(attempt, "BeforePromotion"):
        # What was once good enough stays so: the promotion need not wait for the next look.
        return Move("Promoting", "EvidenceGood", verdict.sentence or "Approved.", how="Evidence")
    position = decide_step(attempt.schedule, engine.position, 0.0, engine.data_seconds, attempt.approved_steps)
    if position.index > engine.position.index:
        told = f"Step {position.index + 1} of {len(attempt.schedule.steps)} begins: it is approved."
        return Move("Analyzing", "Comparing", told, engine=replace(engine, position=position))
    return analyze(attempt)


def _with_step(attempt: Attempt, result: Look) -> Look:
    """The look with the step that the evidence allows from now on."""
    position = decide_step(
        attempt.schedule,
        result.engine.position,
        result.verdict.evidence_bad,
        result.engine.data_seconds,
        attempt.approved_steps,
    )
    return replace(result, engine=replace(result.engine, position=position))


def _without_metrics(attempt: Attempt, seen: NoNews, reason: str) -> Move:
    is_open = attempt.is_inconclusive
    return Move(
        attempt.phase,
        "MetricsUnavailable",
        f"Waiting: {reason} Weights stay, evidence stands still.",
        look_again_at=seen.look_again_at,
        engine=seen.engine,
        verdict_state="Inconclusive" if is_open else "ProviderError",
        metrics_trouble=reason,
        needs_person=is_open,
    )


def _warming_up(attempt: Attempt, engine: Engine) -> Move:
    analysis = attempt.plan.analysis
    return Move(
        attempt.phase,
        "WarmingUp",
        f"Canary and baseline warm up for {analysis.warmup}; only a canary that is plainly broken is rejected now.",
        look_again_at=next_look_at(engine, analysis),
        engine=engine,
    )


def _between_looks(attempt: Attempt, seen: NoNews) -> Move:
    """Something else woke us: the status keeps what the last look said, not that it was paused or refused since."""
    status, verdict = attempt.rollout.status, attempt.rollout.status.verdict
    move = Move(
        attempt.phase,
        status.reason or "Comparing",
        status.message or "",
        look_again_at=seen.look_again_at,
        engine=seen.engine,
        verdict_state=verdict.state if verdict else None,
        needs_person=attempt.is_inconclusive,
    )
    if move.reason in _REASONS_OF_LOOKS:
        return move
    reason = "Inconclusive" if attempt.is_inconclusive else "Comparing"
    return replace(move, reason=reason, message=(verdict and verdict.sentence) or "The comparison goes on.")


def _follow_the_evidence(attempt: Attempt, result: Look) -> Move:
    sentence, outcome = result.verdict.sentence, result.verdict.outcome
    steps_left = _steps_left(attempt, result)
    if steps_left and outcome in (Outcome.PROMOTE, Outcome.INCONCLUSIVE):
        found = "Good enough for a promotion" if outcome is Outcome.PROMOTE else "Not yet good enough for a promotion"
        outcome, sentence = Outcome.ANALYZING, f"{found}; {steps_left}."
    if attempt.is_inconclusive and outcome is Outcome.PROMOTE:
        return _leave_open(attempt, result, "After maxDuration the evidence has become good enough for a promotion.")
    if outcome is Outcome.INCONCLUSIVE:
        return _leave_open(attempt, result, sentence)
    if outcome is Outcome.PROMOTE and result.suspicion:
        outcome, sentence = Outcome.ANALYZING, f"No promotion while the comparison is suspect. {result.suspicion}"
    phase, reason, state = _OUTCOME_MOVES[outcome]
    move = Move(
        phase,
        reason,
        sentence,
        how="Evidence",
        look_again_at=next_look_at(result.engine, attempt.plan.analysis),
        look=result,
        engine=result.engine,
        verdict_state=state,
    )
    if result.has_incident and phase != "Rejected":
        move = replace(move, message=f"{sentence} {describe_incident(attempt)}")
    question = ask_for_approval(attempt, result.engine) if phase == "Analyzing" else None
    if question:
        return replace(move, phase="AwaitingApproval", reason="AwaitingApproval", message=f"{question} {move.message}")
    return hold_promotion(attempt, move)


def describe_incident(attempt: Attempt) -> str:
    return f"{INCIDENT} {attempt.facts.now:%H:%M} hit baseline and canary alike; no evidence against the canary."


def _steps_left(attempt: Attempt, result: Look) -> str | None:
    """Which of the steps that a person chose are still to be gone through, as a part of a sentence."""
    schedule, position = attempt.schedule, result.engine.position
    is_last = position.index >= len(schedule.steps) - 1
    if not schedule.is_required or (is_last and schedule.is_step_over(position, result.engine.data_seconds)):
        return None
    return f"step {position.index + 1} of {len(schedule.steps)} goes on"


def _leave_open(attempt: Attempt, result: Look, sentence: str) -> Move:
    """The time is over. With Pause the evidence goes on, so that a canary that breaks later is still rejected."""
    choice = attempt.plan.on_inconclusive
    phase, consequence = _INCONCLUSIVE_MOVES[choice]
    move = Move(
        phase,
        result.verdict.open_reason,
        f"{sentence} {consequence}",
        how="Evidence",
        look_again_at=next_look_at(result.engine, attempt.plan.analysis),
        look=result,
        engine=result.engine,
        verdict_state="Inconclusive",
        needs_person=choice == "Pause",
    )
    return hold_promotion(attempt, move)


_OUTCOME_MOVES: Final[Mapping[Outcome, tuple[Phase, str, VerdictState]]] = {
    Outcome.ANALYZING: ("Analyzing", "Comparing", "Analyzing"),
    Outcome.NO_DATA: ("Analyzing", "NoData", "NoData"),
    Outcome.PROMOTE: ("Promoting", "EvidenceGood", "Promote"),
    Outcome.REJECT: ("Rejected", "EvidenceBad", "Reject"),
}

_REASONS_OF_LOOKS: Final = frozenset(
    {"Comparing", "WarmingUp", "NoData", "Inconclusive", "NoDifference", "MetricsUnavailable", "AwaitingApproval"}
)

_INCONCLUSIVE_MOVES: Final[Mapping[str, tuple[Phase, str]]] = {
    "Pause": ("Analyzing", "Set spec.decision of this Rollout to Promote, Reject or Abort."),
    "Reject": ("Rejected", "Rejected, because the plan says so for this case."),
    "Promote": ("Promoting", "Promoted, because the plan says so for this case."),
}
