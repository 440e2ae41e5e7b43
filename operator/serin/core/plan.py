"""The output of one decision: a closed set of actions in the order in which they must happen, and when to look again.

Order carries safety: what a route needs is applied before the route, the route before what it no longer needs is
removed, status comes last and events after it. The executor stops at the first action that fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from serin.api.v1alpha1.traffic import Traffic
from serin.core.facts import Key, Route, Track

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
    kind: Literal[
        "Deployment",
        "Service",
        "ConfigMap",
        "ControllerRevision",
        "Rollout",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    ]
    name: str


@dataclass(frozen=True, slots=True)
class Backend:
    """A route with pods, and the ports at which they answer HTTP and gRPC."""

    route: Route
    port: int
    grpc_port: int | None = None


@dataclass(frozen=True, slots=True)
class Mirror:
    """A share of the requests also goes to this route; nobody gets to see what that answers."""

    route: Route
    percent: float


@dataclass(frozen=True, slots=True)
class TrafficIntent:
    """Who should get which share of the requests, percent per route; a route that is not named gets none.

    `backends` has every route that has pods or is about to, so that a weight never names what a provider does not
    know yet, or no longer. `stable` answers for a route on trial of which no pod can. `salt` differs from attempt to
    attempt: sticky users are dealt out anew with it.
    """

    service: Manifest  # the user Service but for its selector
    weights: Mapping[Route, float]
    settings: Traffic = field(default_factory=Traffic)
    backends: tuple[Backend, ...] = ()
    stable: Route | None = None
    mirror: Mirror | None = None
    salt: str = ""
    takes_users: bool = True  # as the provider observed of its own data plane
    port: int | None = None  # of that data plane, if it has one for every model
    may_stand_aside: bool = False  # nothing is on trial, and users would notice nothing if the data plane went
    nudges: int = 0

    def has_backend(self, route: Route | None) -> bool:
        return any(backend.route == route for backend in self.backends)

    def role(self, route: Route) -> str:
        """What the route is in the attempt that runs."""
        if route == self.stable:
            return "stable"
        return "baseline" if route.track is Track.BASELINE else "canary"


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


@dataclass(frozen=True, slots=True)
class AnnotatePods:
    """The pods with these labels get the annotations, unless they have them."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


Action = Apply | CreateRollout | Delete | SetTraffic | AnnotatePods | WriteStatus | Emit


@dataclass(frozen=True, slots=True)
class Plan:
    key: Key
    actions: tuple[Action, ...] = ()
    look_again_after_seconds: float | None = None
