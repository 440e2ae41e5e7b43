"""What is forgotten: finished Rollouts and retired revisions beyond `historyLimit`, the oldest first."""

from collections.abc import Collection
from typing import TypeVar

from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin.core.facts import Facts
from serin.core.model_deployment.pods import retired_deployments
from serin.core.plan import Delete
from serin.core.rollout.phases import is_terminal

_T = TypeVar("_T")


def decide_cleanup(facts: Facts, spec: ModelDeploymentSpec, in_use: Collection[str]) -> tuple[Delete, ...]:
    """Deletions; `in_use` are the names of revisions that serve, are wanted or can be returned to."""
    finished = sorted(
        (r for r in facts.rollouts if r.owned and not r.deleting and is_terminal(r.status.phase)),
        key=lambda rollout: (rollout.created_at, rollout.name),
    )
    retired = sorted((r for r in facts.revisions if r.name not in in_use), key=lambda revision: revision.number)
    deletions = [Delete("Rollout", rollout.name) for rollout in _beyond(finished, spec.history_limit)]
    for revision in _beyond(retired, spec.history_limit):
        deletions += [*retired_deployments(facts, revision.name), Delete("ControllerRevision", revision.name)]
    return tuple(deletions)


def _beyond(oldest_first: list[_T], limit: int) -> list[_T]:
    return oldest_first[: max(0, len(oldest_first) - limit)]
