"""Baking: the new version serves, and the old one stays at full size to take the requests back at a stroke.

How much is watched depends on the traffic provider. With exact shares the baseline keeps a few percent of the requests,
and the evidence of harm goes on from where the comparison ended. Where shares follow the pods the old version gets
nothing, for a Service has no way to send it a little: then the hard rules alone hold, crashes and pods that are not
ready.

The bake is time on the clock. It ends with a whole look: counters keep what happened while Prometheus was away.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from serin.api.v1alpha1.shared import duration_seconds
from serin.core.evidence.verdict import Outcome
from serin.core.facts import Route
from serin.core.rollout.analysis import next_look_at
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.looking import NoNews, find_crash, take_look
from serin.core.rollout.move import Move
from serin.core.rollout.promoted import promoted
from serin.core.rollout.streams import Engine


def has_bake(attempt: Attempt) -> bool:
    return duration_seconds(attempt.plan.bake) > 0 and not attempt.is_first


def start_bake(attempt: Attempt) -> Move:
    """From the moment at which the new version serves. Its new pods warm up before they are judged."""
    engine = attempt.engine()
    if engine and attempt.facts.splits_exactly:
        engine = engine.begin_again(attempt.facts.now, attempt.variants().places)
    return _go_on(attempt, Move("Baking", "Baking", "", engine=engine))


def bake(attempt: Attempt) -> Move:
    harm = _find_hard_harm(attempt)
    if harm:
        return _roll_back(attempt, harm)
    if not attempt.has_control:
        return _end_or_go_on(attempt, Move("Baking", "Baking", ""))
    engine = attempt.engine() or attempt.begin_engine()
    seen = take_look(attempt, engine)
    verdict = attempt.rollout.status.verdict
    move = Move("Baking", "Baking", "", engine=seen.engine, verdict_state=verdict.state if verdict else None)
    if isinstance(seen, NoNews):
        return _wait_for_news(attempt, move, seen)
    if seen.is_warming_up:
        return _go_on(attempt, move)
    if seen.verdict.outcome is Outcome.REJECT:
        why = seen.verdict.sentence.removeprefix("Rejected: ")
        worse = replace(move, reason="EvidenceBad", message=why, look=seen, verdict_state="Reject")
        return _roll_back(attempt, worse)
    return _end_or_go_on(attempt, replace(move, look=seen))


def _find_hard_harm(attempt: Attempt) -> Move | None:
    """What needs no statistics: a crash loop, or that not one pod is left to answer."""
    crash = find_crash(attempt)
    if crash:
        return Move("Baking", "CanaryCrashed", f"the new version crashes, {crash}.")
    before = attempt.rollout.status.canary
    had_some = before is not None and before.ready_replicas > 0
    if attempt.replicas > 0 and had_some and not _ready_pods(attempt, attempt.canary_route):
        trouble = attempt.trouble()
        return Move(
            "Baking", "CanaryNotReady", f"no pod of the new version is ready{f', {trouble}' if trouble else ''}."
        )
    return None


def _ready_pods(attempt: Attempt, route: Route) -> int:
    return sum(pod.ready and not pod.terminating for pod in attempt.facts.pods_of(route))


def _roll_back(attempt: Attempt, harm: Move) -> Move:
    """All requests back to the old version, which never went away; `harm.message` says why."""
    assert attempt.stable_route is not None
    if not _ready_pods(attempt, attempt.stable_route):
        message = f"No pod of the old version is ready to go back to; {harm.message}"
        return replace(harm, message=message, verdict_state=None, look_again_at=_next_look_at(attempt, harm.engine))
    return replace(harm, phase="RolledBack", message=f"Rolled back: {harm.message}", how="Evidence")


def _wait_for_news(attempt: Attempt, move: Move, seen: NoNews) -> Move:
    """Not even at the end of the bake anything is taken for good that has not been looked at."""
    if not seen.trouble:
        return replace(_go_on(attempt, move), look_again_at=seen.look_again_at)
    message = f"Waiting: {seen.trouble} The bake ends with the next answer, or with spec.decision Promote."
    return replace(
        move,
        reason="MetricsUnavailable",
        message=message,
        look_again_at=seen.look_again_at,
        metrics_trouble=seen.trouble,
    )


def _end_or_go_on(attempt: Attempt, move: Move) -> Move:
    ends_at = attempt.bake_ends_at()
    if attempt.facts.now < ends_at:
        return _go_on(attempt, move)
    if attempt.has_ready(attempt.canary_route, attempt.replicas):
        end = promoted(attempt)
        return replace(move, phase=end.phase, reason=end.reason, message=end.message)
    deadline = ends_at + timedelta(seconds=duration_seconds(attempt.plan.progress_deadline))
    trouble = attempt.trouble()
    what = f"not all pods of the new version are ready{f', {trouble}' if trouble else ''}."
    if attempt.facts.now >= deadline:
        return _roll_back(attempt, replace(move, reason="CanaryNotReady", message=what))
    return replace(move, message=f"The bake goes on: {what}", look_again_at=deadline)


def _go_on(attempt: Attempt, move: Move) -> Move:
    canary, stable, ends_at = attempt.rollout.status.canary, attempt.stable, attempt.bake_ends_at()
    new = f"version {canary.version}" if canary else "the new version"
    old = f"Version {stable.version}" if stable else "The old version"
    message = f"All requests go to {new}. {old} is ready until {ends_at:%H:%M:%S} UTC to take them back."
    if not attempt.facts.splits_exactly or attempt.baseline_route is None:
        message += " It gets none to be compared with: crashes and pods that are not ready are what counts."
    return replace(move, message=message, look_again_at=_next_look_at(attempt, move.engine))


def _next_look_at(attempt: Attempt, engine: Engine | None) -> datetime:
    ends_at = attempt.bake_ends_at()
    if engine is None or not attempt.has_control:
        return ends_at
    return next_look_at(engine, attempt.plan.analysis)
