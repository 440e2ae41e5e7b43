"""What happens next to an attempt: pure, one `Move` per look.

Read `decide_move` top to bottom: what the ModelDeployment wants now, what a person decided, whether somebody paused,
then the phase's own rule. Evidence never overrides a person, and a person never overrides the spec.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from serin.api.v1alpha1.rollout import Phase, VerdictState
from serin.core.evidence.verdict import Outcome
from serin.core.facts import MetricReadings, MetricsUnavailable, PodFacts, Refusal
from serin.core.model_deployment.names import deployment_name
from serin.core.rollout.analysis import Look, interval_of, learn_history, look, next_look_at
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.routes import has_converged, wanted_weights
from serin.core.rollout.streams import Engine

# Three more restarts than the baseline is a crash loop, whatever the requests say.
CRASH_LOOP_RESTARTS = 3

# The plan that switches the traffic is carried out after this look, and the echo of our own write wakes nobody.
SWITCH_SECONDS = 0.1


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


_FIRST_IS_READY: Final = Move("Promoted", "FirstRevision", "The first version is ready and serves all traffic.")


def decide_move(attempt: Attempt) -> Move:
    return (
        _stay_frozen(attempt)
        or _follow_the_spec(attempt)
        or _follow_the_person(attempt)
        or _hold_while_paused(attempt)
        or _PHASE_RULES[attempt.phase](attempt)
    )


def decide_refused(attempt: Attempt, refusal: Refusal) -> Move:
    """After the API server or somebody's object stood in the way of the last plan."""
    pods = {deployment_name(route) for route in (attempt.canary_route, attempt.baseline_route) if route}
    is_about_pods = refusal.reason == "InvalidSpec" and refusal.kind == "Deployment" and refusal.name in pods
    if is_about_pods and attempt.phase != "Pending":
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
        if attempt.phase == "Promoting":
            return _promoted(attempt)
        if attempt.phase == "Preparing" and attempt.rollout.status.stable is None:
            return _FIRST_IS_READY
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
        case "Reject":
            return Move("Rejected", "RejectedByPerson", "Rejected by a person.", how="Person")
        case "Promote" if attempt.phase in ("Preparing", "Analyzing") and not attempt.is_first:
            return Move("Promoting", "PromotedByPerson", "Promoted by a person: the new version grows.", how="Person")
    return None


def _hold_while_paused(attempt: Attempt) -> Move | None:
    """Weights stay, evidence and deadlines stand still. What a person decided goes on to its end."""
    if not attempt.is_held:
        return None
    return Move(attempt.phase, "Paused", "Paused: weights stay as they are until spec.paused is false.", is_paused=True)


def _begin(attempt: Attempt) -> Move:
    if attempt.is_first:
        return Move("Preparing", "FirstRevision", "The first version starts and becomes stable directly.")
    return Move("Preparing", "Started", f"Starting {attempt.size} pod(s) each of the new version and of the baseline.")


def _prepare(attempt: Attempt) -> Move:
    if attempt.has_ready(attempt.canary_route, attempt.canary_size) and attempt.has_ready(
        attempt.baseline_route, attempt.size
    ):
        if attempt.is_first:
            return _FIRST_IS_READY
        leaving = _pods_of_others(attempt)
        if not leaving:
            return Move("Analyzing", "Comparing", "Canary and baseline are ready and get requests.")
        return Move("Preparing", "Preparing", f"Waiting until {len(leaving)} pod(s) of an earlier attempt are gone.")
    return _wait_for_pods(attempt, "Waiting for pods of the new version")


def _wait_for_pods(attempt: Attempt, what: str) -> Move:
    if attempt.facts.now >= attempt.deadline():
        return _failed_by_deadline(attempt)
    trouble = attempt.trouble()
    return Move(
        attempt.phase,
        attempt.phase,
        f"{what}; {trouble}." if trouble else f"{what}.",
        look_again_at=attempt.deadline(),
    )


def _failed_by_deadline(attempt: Attempt) -> Move:
    why = attempt.trouble() or _no_reason(attempt)
    return Move("Failed", "ProgressDeadlineExceeded", f"Not ready within {attempt.plan.progress_deadline}: {why}.")


def _no_reason(attempt: Attempt) -> str:
    found = attempt.facts.deployment(attempt.canary_route)
    ready = f"{found.ready} of {found.replicas}" if found else "none"
    return f"{ready} pods of the new version are ready and Kubernetes gives no reason"


def _pods_of_others(attempt: Attempt) -> tuple[PodFacts, ...]:
    """Pods of superseded or rejected revisions: behind the same Service they would get requests of the comparison.

    Only ready ones count: an evicted pod can stay in the cluster for ever.
    """
    ours = {attempt.canary_route, attempt.stable_route, attempt.baseline_route}
    return tuple(pod for pod in attempt.facts.pods if pod.route not in ours and pod.ready and not pod.terminating)


def _analyze(attempt: Attempt) -> Move:
    crash = _crash_loop(attempt)
    if crash:
        return Move("Rejected", "CanaryCrashed", f"Rejected: the canary crashes, {crash}.", how="Evidence")
    engine = attempt.engine()
    if engine is None:
        if not has_converged(wanted_weights(attempt, "Analyzing"), attempt.facts.shares):
            return _wait_for_pods(attempt, "Waiting until stable, baseline and canary all get requests")
        return _warming_up(attempt, Engine.begin(attempt.facts.now, attempt.variants().all, attempt.plan.analysis))
    unserved_deadline = attempt.unserved_deadline()
    if unserved_deadline and attempt.facts.now >= unserved_deadline:
        return _failed_by_deadline(attempt)
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
        look_again_at=attempt.facts.now + interval_of(attempt.plan.analysis),
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
        return replace(_between_looks(attempt, engine), look_again_at=now + interval_of(analysis))
    pods = ", ".join(result.missing_pods[:3]) or "any pod of canary and baseline"
    return _without_metrics(attempt, engine, f"Prometheus has no new scrape of {pods}.")


def _crash_loop(attempt: Attempt) -> str | None:
    variants = attempt.variants()
    tolerated = max((pod.restarts for pod in variants.baseline), default=0) + CRASH_LOOP_RESTARTS
    for pod in variants.canary:
        # A pod on its way out may be of an earlier attempt with the same revision.
        if pod.restarts >= tolerated and not pod.terminating:
            why = f": {pod.trouble}" if pod.trouble else ""
            return f"pod {pod.name} was restarted {pod.restarts} times{why}"
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


def _promote(attempt: Attempt) -> Move:
    if not attempt.has_ready(attempt.canary_route, attempt.replicas):
        return _wait_for_pods(attempt, f"The new version grows to {attempt.replicas} pod(s), the old one keeps serving")
    if has_converged({attempt.canary_route: 100.0}, attempt.facts.shares):
        return _promoted(attempt)
    switched_at = attempt.facts.now + timedelta(seconds=SWITCH_SECONDS)
    return Move("Promoting", "Switching", "All requests go over to the new version.", look_again_at=switched_at)


def _promoted(attempt: Attempt) -> Move:
    verdict, decided_by = attempt.rollout.status.verdict, attempt.rollout.status.decided_by
    by_evidence = decided_by is not None and decided_by.how == "Evidence"
    sentence = verdict.sentence if verdict and by_evidence else None
    return Move("Promoted", "Promoted", sentence or "Promoted by a person: the new version serves all traffic.")


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


def _no_rule(attempt: Attempt) -> Move:
    raise ValueError(f"Rollout {attempt.rollout.name} has ended as {attempt.phase}: nothing is left to decide")


_PHASE_RULES: Final[Mapping[Phase, Callable[[Attempt], Move]]] = {
    "Pending": _begin,
    "Preparing": _prepare,
    "Analyzing": _analyze,
    "Promoting": _promote,
    "Promoted": _no_rule,
    "Rejected": _no_rule,
    "Aborted": _no_rule,
    "Superseded": _no_rule,
    "Failed": _no_rule,
}
