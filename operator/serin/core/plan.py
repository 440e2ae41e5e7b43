"""The output of one decision: a closed set of actions in the order in which they must happen, and when to look again.

Order carries safety: what a route needs is applied before the route, the route before what it no longer needs is
removed, status comes last and events after it. The executor stops at the first action that fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from serin.core.facts import Key, Route

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of a child. An object of that name that Serin does not own is never taken over."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class CreateRollout:
    """A Rollout's spec is written once, so it is created and never applied again."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    kind: Literal["Deployment", "Service", "ControllerRevision", "Rollout"]
    name: str


@dataclass(frozen=True, slots=True)
class TrafficIntent:
    """Who should get which share of the requests, percent per route; a route that is not named gets none."""

    service: Manifest  # the user Service but for its selector
    weights: Mapping[Route, float]


@dataclass(frozen=True, slots=True)
class SetTraffic:
    intent: TrafficIntent


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Written only if it differs, and only if the object is still at `resource_version`."""

    kind: Literal["ModelDeployment", "Rollout"]
    name: str
    resource_version: str
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Emit:
    """A Kubernetes Event on the named object."""

    kind: Literal["ModelDeployment", "Rollout"]
    name: str
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


Action = Apply | CreateRollout | Delete | SetTraffic | WriteStatus | Emit


@dataclass(frozen=True, slots=True)
class Plan:
    key: Key
    actions: tuple[Action, ...] = ()
    look_again_after_seconds: float | None = None
