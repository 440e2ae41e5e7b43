"""ABTest: users are dealt out to the new version and to as many pods of the old one, stay there, and a business metric
says which of the two serves them better.

Shares are fixed: they say nothing about the versions, and a user who changed sides would count for both.
"""

from dataclasses import replace
from typing import Final

from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin.api.v1alpha1.plan import Plan
from serin.core.rollout import preparing
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move
from serin.core.rollout.strategies.canary import CANARY
from serin.core.rollout.streams import Engine, begin_counters
from serin.core.rollout.trials import TrialWatch


def begin(attempt: Attempt) -> Move:
    """Where users cannot be kept, nothing starts until they can."""
    trouble = None if attempt.is_first else _find_obstacle(attempt)
    if trouble:
        return Move(
            "Pending", "NotSticky", f"An ABTest needs users who stay where they are. {trouble}", needs_person=True
        )
    return preparing.begin(attempt)


def _find_obstacle(attempt: Attempt) -> str | None:
    if attempt.facts.traffic.no_sticky:
        return attempt.facts.traffic.no_sticky
    spec = attempt.facts.model_deployment.spec
    assert isinstance(spec, ModelDeploymentSpec)
    sticky = spec.traffic.sticky
    if sticky.cookie or sticky.header is not None:
        return None
    return "Set spec.traffic.sticky: the header that names a user, or cookie: true."


def _weight(plan: Plan) -> float:
    return plan.ab_test.weight if plan.ab_test else 0.0


def _follow_business(engine: Engine, attempt: Attempt) -> Engine:
    plan = attempt.plan
    if plan.ab_test is None:
        return engine
    counters = begin_counters(attempt.facts.now, attempt.variants().places)
    return replace(engine, trial=TrialWatch(plan.ab_test.minimum_effect, counters))


AB_TEST: Final = replace(
    CANARY,
    rules={**CANARY.rules, "Pending": begin},
    has_steps=False,
    fixed_weight=_weight,
    extend_engine=_follow_business,
)
