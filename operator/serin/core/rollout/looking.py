"""A look at the evidence while canary and baseline get requests, or why there is nothing new to see."""

from dataclasses import dataclass
from datetime import datetime

from serin.core.facts import MetricsUnavailable
from serin.core.rollout.analysis import Look, interval_of, learn_history, look, next_look_at, next_moment
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move
from serin.core.rollout.streams import Engine

# Three more restarts than the baseline is a crash loop, whatever the requests say.
CRASH_LOOP_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class NoNews:
    """The evidence stands still until `look_again_at`; `trouble` is a fault that people should know of."""

    engine: Engine
    look_again_at: datetime
    trouble: str | None = None


def take_look(attempt: Attempt, engine: Engine) -> Look | NoNews:
    analysis, now = attempt.plan.analysis, attempt.facts.now
    if attempt.paused_since:
        engine = engine.resume(now, attempt.variants().places)
        return NoNews(engine, next_look_at(engine, analysis))
    if attempt.facts.history is not None:
        engine = learn_history(engine, attempt.facts.history, analysis)
    metrics, soon = attempt.facts.metrics, next_moment(now, analysis)
    if metrics is None:
        return NoNews(engine, next_look_at(engine, analysis))
    if isinstance(metrics, MetricsUnavailable):
        return NoNews(engine, soon, metrics.reason)
    result = look(engine, metrics, attempt.variants(), analysis, now)
    if result.engine is not engine:
        return result
    # One scrape missing is the rhythm of Prometheus; three intervals without any is a fault worth telling.
    if now - engine.looked_at < 3 * interval_of(analysis):
        return NoNews(engine, soon)
    pods = ", ".join(result.missing_pods[:3]) or "any pod of canary and baseline"
    return NoNews(engine, soon, f"Prometheus has no new scrape of {pods}.")


def reject_crash(attempt: Attempt) -> Move | None:
    """Of a strategy that compares nothing."""
    crash = find_crash(attempt)
    if crash is None:
        return None
    return Move("Rejected", "CanaryCrashed", f"Rejected: the new version crashes, {crash}.", how="Evidence")


def find_crash(attempt: Attempt) -> str | None:
    """Which pod of the canary crashes, as a part of a sentence: what needs no statistics.

    Pods of the old version excuse what they suffer themselves, such as a node without memory.
    """
    variants = attempt.variants()
    # Restarts of the baseline alone: it is as young as the canary.
    tolerated = max((pod.restarts for pod in variants.baseline), default=0) + CRASH_LOOP_RESTARTS
    excused = {pod.crash for pod in variants.baseline or variants.stable}
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
