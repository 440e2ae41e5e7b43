"""Promoting: the new version grows to full size, then gets all requests. The old one serves until then."""

from datetime import timedelta

from serin.core.rollout.attempt import Attempt
from serin.core.rollout.baking import has_bake, start_bake
from serin.core.rollout.move import Move
from serin.core.rollout.promoted import promoted
from serin.core.rollout.routes import has_converged
from serin.core.rollout.waiting import wait_for_pods

# The plan that switches the traffic is carried out after this look, and the echo of our own write wakes nobody.
SWITCH_SECONDS = 0.1


def promote(attempt: Attempt) -> Move:
    if not attempt.has_ready(attempt.canary_route, attempt.replicas):
        return wait_for_pods(attempt, f"The new version grows to {attempt.replicas} pod(s), the old one keeps serving")
    return switch(attempt) or (start_bake(attempt) if has_bake(attempt) else promoted(attempt))


def switch(attempt: Attempt) -> Move | None:
    """While requests still go elsewhere than to the new version; None when all of them have come."""
    if has_converged({attempt.canary_route: 100.0}, attempt.facts.shares):
        return None
    switched_at = attempt.facts.now + timedelta(seconds=SWITCH_SECONDS)
    return Move("Promoting", "Switching", "All requests go over to the new version.", look_again_at=switched_at)
