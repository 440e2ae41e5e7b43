"""Analyzing: canary and baseline get requests, and the evidence says when it is enough for an answer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from serin.api.v1alpha1.rollout import Phase, VerdictState
from serin.core.evidence.verdict import Outcome
from serin.core.facts import MetricReadings, MetricsUnavailable
from serin.core.rollout.analysis import Look, interval_of, learn_history, look, next_look_at, next_moment
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move
from serin.core.rollout.routes import has_converged, wanted_weights
from serin.core.rollout.streams import Engine
from serin.core.rollout.waiting import failed_by_deadline, wait_for_pods

# Three more restarts than the baseline is a crash loop, whatever the requests say.
CRASH_LOOP_RESTARTS = 3

COMPARISON_STARTS: Final = Move("Analyzing", "Comparing", "Canary and baseline are ready and get requests.")


def analyze(attempt: Attempt) -> Move:
    crash = _crash(attempt)
    if crash:
        return Move("Rejected", "CanaryCrashed", f"Rejected: the canary crashes, {crash}.", how="Evidence")
    engine = attempt.engine()
    if engine is None:
        if not has_converged(wanted_weights(attempt, "Analyzing"), attempt.facts.shares):
            return wait_for_pods(attempt, "Waiting until stable, baseline and canary all get requests")
        return _warming_up(attempt, Engine.begin(attempt.facts.now, attempt.variants().all, attempt.plan.analysis))
    unserved_deadline = attempt.unserved_deadline()
    if unserved_deadline and attempt.facts.now >= unserved_deadline:
        return failed_by_deadline(attempt)
    if attempt.paused_since:
        return _between_looks(attempt, engine.resume(attempt.facts.now, attempt.variants().all))
    if attempt.facts.history is not None:
        engine = learn_history(engine, attempt.facts.history, attempt.plan.analysis)
    if attempt.facts.metrics is None:
        return _between_looks(attempt, engine)
    if isinstance(attempt.facts.metrics, MetricsUnavailable):
        return _without_metrics(attempt, engine, attempt.facts.metrics.reason)
    return _look(attempt, engine, attempt.facts.metrics)


def _without_metrics(attempt: Attempt, engine: Engine, reason: str) -> Move:
    is_open = attempt.is_inconclusive
    return Move(
        "Analyzing",
        "MetricsUnavailable",
        f"Waiting: {reason} Weights stay, evidence stands still.",
        look_again_at=next_moment(attempt.facts.now, attempt.plan.analysis),
        engine=engine,
        verdict_state="Inconclusive" if is_open else "ProviderError",
        metrics_trouble=reason,
        needs_person=is_open,
    )


def _look(attempt: Attempt, engine: Engine, readings: MetricReadings) -> Move:
    analysis, now = attempt.plan.analysis, attempt.facts.now
    result = look(engine, readings, attempt.variants(), analysis, now)
    if result.is_warming_up:
        return _warming_up(attempt, result.engine)
    if result.engine is not engine:
        return _follow_the_evidence(attempt, result)
    # One scrape missing is the rhythm of Prometheus; three intervals without any is a fault worth telling.
    if now - engine.looked_at < 3 * interval_of(analysis):
        return replace(_between_looks(attempt, engine), look_again_at=next_moment(now, analysis))
    pods = ", ".join(result.missing_pods[:3]) or "any pod of canary and baseline"
    return _without_metrics(attempt, engine, f"Prometheus has no new scrape of {pods}.")


def _crash(attempt: Attempt) -> str | None:
    """What needs no statistics. The baseline excuses what it suffers itself, such as a node without memory."""
    variants = attempt.variants()
    tolerated = max((pod.restarts for pod in variants.baseline), default=0) + CRASH_LOOP_RESTARTS
    excused = {pod.crash for pod in variants.baseline}
    for pod in variants.canary:
        # A pod on its way out may be of an earlier attempt with the same revision.
        if pod.terminating:
            continue
        if pod.restarts >= tolerated:
            why = f": {pod.trouble}" if pod.trouble else ""
            return f"pod {pod.name} was restarted {pod.restarts} times{why}"
        if pod.crash and pod.crash not in excused:
            return f"pod {pod.name}: {pod.trouble or pod.crash}"
    return None


def _warming_up(attempt: Attempt, engine: Engine) -> Move:
    analysis = attempt.plan.analysis
    return Move(
        "Analyzing",
        "WarmingUp",
        f"Canary and baseline warm up for {analysis.warmup}; what they do now is not judged.",
        look_again_at=next_look_at(engine, analysis),
        engine=engine,
    )


def _between_looks(attempt: Attempt, engine: Engine) -> Move:
    """Something else woke us: the status keeps what the last look said, not that it was paused or refused since."""
    status, verdict = attempt.rollout.status, attempt.rollout.status.verdict
    move = Move(
        "Analyzing",
        status.reason or "Comparing",
        status.message or "",
        look_again_at=next_look_at(engine, attempt.plan.analysis),
        engine=engine,
        verdict_state=verdict.state if verdict else None,
        needs_person=attempt.is_inconclusive,
    )
    if move.reason in _REASONS_OF_LOOKS:
        return move
    reason = "Inconclusive" if attempt.is_inconclusive else "Comparing"
    return replace(move, reason=reason, message=(verdict and verdict.sentence) or "The comparison goes on.")


def _follow_the_evidence(attempt: Attempt, result: Look) -> Move:
    sentence, outcome = result.verdict.sentence, result.verdict.outcome
    if attempt.is_inconclusive and outcome is Outcome.PROMOTE:
        return _leave_open(attempt, result, "After maxDuration the evidence has become good enough for a promotion.")
    if outcome is Outcome.INCONCLUSIVE:
        return _leave_open(attempt, result, sentence)
    if outcome is Outcome.PROMOTE and result.suspicion:
        outcome, sentence = Outcome.ANALYZING, f"No promotion while the comparison is suspect. {result.suspicion}"
    phase, reason, state = _OUTCOME_MOVES[outcome]
    return Move(
        phase,
        reason,
        sentence,
        how="Evidence",
        look_again_at=next_look_at(result.engine, attempt.plan.analysis),
        look=result,
        engine=result.engine,
        verdict_state=state,
    )


def _leave_open(attempt: Attempt, result: Look, sentence: str) -> Move:
    """The time is over. With Pause the evidence goes on, so that a canary that breaks later is still rejected."""
    choice = attempt.plan.on_inconclusive
    phase, consequence = _INCONCLUSIVE_MOVES[choice]
    return Move(
        phase,
        "Inconclusive",
        f"{sentence} {consequence}",
        how="Evidence",
        look_again_at=next_look_at(result.engine, attempt.plan.analysis),
        look=result,
        engine=result.engine,
        verdict_state="Inconclusive",
        needs_person=choice == "Pause",
    )


_OUTCOME_MOVES: Final[Mapping[Outcome, tuple[Phase, str, VerdictState]]] = {
    Outcome.ANALYZING: ("Analyzing", "Comparing", "Analyzing"),
    Outcome.NO_DATA: ("Analyzing", "NoData", "NoData"),
    Outcome.PROMOTE: ("Promoting", "EvidenceGood", "Promote"),
    Outcome.REJECT: ("Rejected", "EvidenceBad", "Reject"),
}

_REASONS_OF_LOOKS: Final = frozenset({"Comparing", "WarmingUp", "NoData", "Inconclusive", "MetricsUnavailable"})

_INCONCLUSIVE_MOVES: Final[Mapping[str, tuple[Phase, str]]] = {
    "Pause": ("Analyzing", "Set spec.decision of this Rollout to Promote, Reject or Abort."),
    "Reject": ("Rejected", "Rejected, because the plan says so for this case."),
    "Promote": ("Promoting", "Promoted, because the plan says so for this case."),
}
