"""BlueGreen: the new version at full size beside the old one, all requests at once, and back as fast.

Before the switch no user meets the new version: its preflight and its gates are passed without requests. After it the
old version stays at full size for the bake. With exact shares a small baseline of the old version keeps a few percent
of the requests meanwhile, so that the new one is judged like for like; `baseline: false` gives these up, too.
"""

from collections.abc import Mapping
from typing import Final

from serin.api.v1alpha1.rollout import Phase
from serin.core.facts import Route
from serin.core.model_deployment.names import service_name
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.baking import bake, has_bake
from serin.core.rollout.gates import await_gates, pass_gates
from serin.core.rollout.move import Move
from serin.core.rollout.preflight import check_contract
from serin.core.rollout.preparing import begin, prepare
from serin.core.rollout.promoting import promote
from serin.core.rollout.routes import wanted_weights
from serin.core.rollout.strategy import Strategy


def _begin(attempt: Attempt) -> Move:
    if attempt.is_first:
        return begin(attempt)
    beside = f", and {attempt.size} of a baseline for the bake" if attempt.baseline_route else ""
    return Move("Preparing", "Started", f"Starting {_full(attempt)} pod(s) of the new version beside the old{beside}.")


def _begin_switch(attempt: Attempt) -> Move:
    ready = f"The new version is ready at full size, preview it at {_preview_url(attempt)}."
    return pass_gates(
        attempt, ready, Move("Promoting", "Switching", "All requests go over to the new version at once.")
    )


def _preview_url(attempt: Attempt) -> str:
    """The Service has no address of its own, so the port is that of the pods."""
    key = attempt.facts.model_deployment.key
    revision = attempt.facts.revision(attempt.revision) or attempt.desired
    return f"http://{service_name(key.name, 'canary')}.{key.namespace}.svc:{revision.content.server.ports.http}"


def _wanted_pods(attempt: Attempt, phase: Phase) -> Mapping[Route, int]:
    """The full size from the beginning to the end: what was previewed is what serves."""
    if attempt.is_first:
        return {attempt.canary_route: attempt.replicas}
    if phase not in ("Preparing", "Preflight", "AwaitingApproval", "Promoting", "Baking"):
        return {}
    pods = {attempt.canary_route: _full(attempt)}
    return {**pods, attempt.baseline_route: attempt.size} if attempt.baseline_route else pods


def _full(attempt: Attempt) -> int:
    """Also a model that is scaled to zero is previewed."""
    return max(attempt.replicas, 1)


def _has_baseline(attempt: Attempt) -> bool:
    """Where a Service splits by pods the old version can be sent nothing of a bake."""
    return attempt.plan.baseline and attempt.facts.splits_exactly and has_bake(attempt)


BLUE_GREEN: Final = Strategy(
    rules={
        "Pending": _begin,
        "Preparing": prepare,
        "Preflight": check_contract,
        "AwaitingApproval": await_gates,
        "Promoting": promote,
        "Baking": bake,
    },
    begin_trial=_begin_switch,
    wanted_pods=_wanted_pods,
    wanted_weights=wanted_weights,
    has_baseline=_has_baseline,
)
