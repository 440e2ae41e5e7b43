"""Shadow: the new version and young pods of the old one get copies of requests, and a comparer holds their answers
against each other. Users get the answers of stable alone, until the new version is promoted.

Baseline and canary get the same copies, so failures and latencies are compared as those of a canary are.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from serin.api.v1alpha1.plan import Shadow
from serin.api.v1alpha1.rollout import Phase
from serin.core.facts import Route
from serin.core.metric_presets import preset_of
from serin.core.plan import Mirror
from serin.core.rollout import preparing, routes
from serin.core.rollout.agreements import AgreementWatch
from serin.core.rollout.analyzing import await_approval
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move
from serin.core.rollout.phases import COMPARING
from serin.core.rollout.preflight import check_contract
from serin.core.rollout.questions import has_own_selectors
from serin.core.rollout.ramp import Position
from serin.core.rollout.strategies.canary import CANARY
from serin.core.rollout.streams import Engine
from serin.core.rollout.waiting import wait_for_pods

_WITH_COMPARER: Final[tuple[Phase, ...]] = ("Preparing", "Preflight", *COMPARING)


def copied_percent(attempt: Attempt) -> float:
    """Of the users' requests. Canary and baseline get each copy, so they bear no more than as many stable pods do."""
    fraction = (attempt.plan.shadow or Shadow()).fraction
    return min(fraction, 100.0 * attempt.size / attempt.replicas) if attempt.replicas else fraction


def begin(attempt: Attempt) -> Move:
    """A provider that cannot copy requests is told, and nothing starts until it can."""
    trouble = attempt.facts.traffic.why_no_mirror(copied_percent(attempt))
    if trouble and not attempt.is_first:
        return Move("Pending", "CannotMirror", f"A Shadow needs copies of requests. {trouble}", needs_person=True)
    uncounted = None if attempt.is_first else _find_uncounted(attempt)
    if uncounted:
        told = (
            f"Metric {uncounted} has the preset Router, and routers do not see what becomes of copies: name counters."
        )
        return Move("Pending", "CannotCount", told, needs_person=True)
    return preparing.begin(attempt)


def _find_uncounted(attempt: Attempt) -> str | None:
    """The first metric that only routers would count: they send the copies to the comparer, not to the versions."""
    revisions = (attempt.revision, attempt.stable.revision if attempt.stable else attempt.revision)
    if not any(preset_of(attempt.facts.metrics_of(revision)).is_in_router for revision in revisions):
        return None
    metrics = attempt.plan.analysis.metrics
    return next((metric.name for metric in metrics if not has_own_selectors(metric)), None)


def prepare(attempt: Attempt) -> Move:
    comparer = attempt.comparer_route
    if comparer is not None and not attempt.has_ready(comparer, 1):
        return wait_for_pods(attempt, "Waiting for the comparer of answers")
    return preparing.prepare(attempt)


def wanted_pods(attempt: Attempt, phase: Phase) -> Mapping[Route, int]:
    pods, comparer = routes.wanted_pods(attempt, phase), attempt.comparer_route
    return {**pods, comparer: 1} if comparer is not None and phase in _WITH_COMPARER else pods


def wanted_weights(attempt: Attempt, phase: Phase, position: Position | None = None) -> Mapping[Route, float]:
    """Of a canary's shares only those in which stable has none: after the switch."""
    weights, stable = routes.wanted_weights(attempt, phase, position), attempt.stable_route
    return {stable: 100.0} if stable is not None and stable in weights else weights


def wanted_mirror(attempt: Attempt, phase: Phase) -> Mirror | None:
    comparer = attempt.comparer_route
    if comparer is None or phase not in COMPARING or not routes.has_been_compared(attempt, phase):
        return None
    if not all(attempt.has_ready(route, 1) for route in (comparer, attempt.canary_route, attempt.baseline_route)):
        return None
    return Mirror(comparer, copied_percent(attempt))


def _with_copies_told(rule: Callable[[Attempt], Move]) -> Callable[[Attempt], Move]:
    def tell(attempt: Attempt) -> Move:
        move = rule(attempt)
        if move.phase != "Analyzing" or attempt.phase == "Analyzing":
            return move
        percent = copied_percent(attempt)
        told = f"Canary and baseline get copies of {percent:.3g} % of the requests; users get the answers of stable."
        if percent < (attempt.plan.shadow or Shadow()).fraction:
            told += f" More would be more than {attempt.size} of {attempt.replicas} pods bear (size)."
        return replace(move, message=told)

    return tell


def _follow_agreement(engine: Engine, attempt: Attempt) -> Engine:
    return replace(engine, agreement=AgreementWatch((attempt.plan.shadow or Shadow()).compare.agreement))


SHADOW: Final = replace(
    CANARY,
    rules={
        **CANARY.rules,
        "Pending": begin,
        "Preparing": _with_copies_told(prepare),
        "Preflight": _with_copies_told(check_contract),
        "AwaitingApproval": _with_copies_told(await_approval),
    },
    wanted_pods=wanted_pods,
    wanted_weights=wanted_weights,
    has_steps=False,
    wanted_mirror=wanted_mirror,
    fixed_weight=lambda _: 0.0,
    extend_engine=_follow_agreement,
    has_comparer=True,
)
