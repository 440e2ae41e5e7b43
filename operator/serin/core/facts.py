"""The frozen input of one decision: all that was observed about one ModelDeployment and its children.

Gathered by `runtime/observation.py`, decided on by `model_deployment/decide.py`. A fact that could not be
observed is `Unknown` and never taken for an absent one: the observation then ends before a decision is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from serin.api.v1alpha1.model_deployment import (
    Metrics,
    ModelDeploymentSpec,
    ModelDeploymentStatus,
    RevisionContent,
)
from serin.api.v1alpha1.rollout import RolloutSpec, RolloutStatus
from serin.core.contract.golden_requests import Answer, GoldenRequest
from serin.core.evidence.categories import CategoryReading
from serin.core.evidence.counters import Reading
from serin.core.metric_presets import FailedCounter, FailedSeries


class Key(NamedTuple):
    """Names one ModelDeployment, or with an empty name what those of a namespace share. All that a queue carries."""

    namespace: str
    name: str

    @property
    def is_shared(self) -> bool:
        return not self.name

    @property
    def of_namespace(self) -> "Key":
        return Key(self.namespace, "")

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Track(StrEnum):
    """The pods of a revision itself, of the copy of stable that it is compared with, or of the comparer of a shadow."""

    PRIMARY = "primary"
    BASELINE = "baseline"
    COMPARER = "comparer"


class Route(NamedTuple):
    """Pods that can get requests: one track of one revision. A comparer gets copies of them."""

    revision: str
    track: Track


@dataclass(frozen=True, slots=True)
class InvalidSpec:
    """A spec that the models of `serin.api` refuse; `message` names the field."""

    message: str


@dataclass(frozen=True, slots=True)
class ModelDeploymentFacts:
    key: Key
    uid: str
    generation: int
    resource_version: str
    deleting: bool
    spec: ModelDeploymentSpec | InvalidSpec
    status: ModelDeploymentStatus


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """A ControllerRevision: what the user wrote, and the pod template rendered from it on that day.

    The template is kept, not rendered again: a newer operator with other defaults restarts no pod.
    """

    name: str
    number: int
    content: RevisionContent
    template: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """`ready` counts the pods that can answer; `settled` is false until its controller has seen the last change."""

    name: str
    route: Route
    replicas: int
    ready: int
    settled: bool
    role: str  # by its label: the last witness of who serves when a status or a Rollout was lost
    trouble: str | None = None  # why its pods are not even made: a quota, an admission rule

    @property
    def is_stable(self) -> bool:
        return self.role == "stable"


@dataclass(frozen=True, slots=True)
class PodFacts:
    name: str
    uid: str
    route: Route
    ready: bool
    terminating: bool
    created_at: datetime
    finished: bool = False  # evicted, say: nothing of it runs or comes back
    restarts: int = 0
    address: str | None = None  # None until it has one
    trouble: str | None = None  # why it does not get ready, in the words of Kubernetes and the container
    crash: Literal["CrashLoopBackOff", "OOMKilled"] | None = None  # also of a container that runs again


@dataclass(frozen=True, slots=True)
class RolloutFacts:
    name: str
    uid: str
    generation: int
    resource_version: str
    created_at: datetime
    owned: bool  # false: made by hand and not yet tied to its ModelDeployment
    deleting: bool
    spec: RolloutSpec | InvalidSpec
    status: RolloutStatus


class Endpoint(NamedTuple):
    """One pod as routers know it: what they count at its address belongs to it since it is there."""

    address: str
    pod: str
    since_seconds: float


@dataclass(frozen=True, slots=True)
class MetricQuestion:
    """What to count of some pods for one metric.

    With `endpoints` `pods` are those of routers, and what each counts of each endpoint is read.

    A Ratio has `requests` and `failed`, a Histogram `buckets`, whose label `le` is in units of `bucket_seconds`; all
    its bounds are read when `bounds`, in seconds, is empty, so that some can be chosen. Categories have `predictions`
    with a `class_label`, or `buckets` of numbers. Pods of different servers have a question each, with the same name.
    """

    name: str
    pods: tuple[str, ...]
    type: Literal["Ratio", "Histogram", "Categories"] = "Ratio"
    requests: str = ""
    failed: FailedSeries | FailedCounter | None = None
    buckets: str = ""
    bucket_seconds: float = 1.0
    bounds: tuple[float, ...] = ()
    predictions: str = ""
    class_label: str = ""
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class CounterRequest:
    """The latest scrape of the counters of some pods."""

    key: Key
    questions: tuple[MetricQuestion, ...]
    window_seconds: float


@dataclass(frozen=True, slots=True)
class MetricReadings:
    """What Prometheus answered, by stream: the latest scrape of each place that has one.

    What a stream is: core/rollout/streams.py; a place: core/evidence/places.py.
    """

    by_stream: Mapping[str, Mapping[str, Reading]]
    # Of metrics of type Categories, by metric. One that could not be read is missing: the others are judged without.
    categories: Mapping[str, Mapping[str, CategoryReading]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """The counters of some pods over a past time, one reading per step."""

    key: Key
    questions: tuple[MetricQuestion, ...]
    start: datetime
    end: datetime
    step_seconds: float


@dataclass(frozen=True, slots=True)
class MetricHistory:
    """By stream and place: readings in the order of time, on a grid that all places share."""

    by_stream: Mapping[str, Mapping[str, tuple[Reading, ...]]]


@dataclass(frozen=True, slots=True)
class MetricsUnavailable:
    """Prometheus could not be asked, or its answer is not whole: evidence stands still."""

    reason: str


@dataclass(frozen=True, slots=True)
class PodAddress:
    """Where one pod's server listens."""

    pod: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class ModelQuestion:
    """A request to one pod's server; a GET when it has no body."""

    address: str
    port: int
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nobody answered; `reason` is a sentence without its full stop."""

    reason: str


@dataclass(frozen=True, slots=True)
class InvalidGolden:
    """Golden requests that cannot be used, until a person changes them."""

    message: str


@dataclass(frozen=True, slots=True)
class PreflightFacts:
    """What the new version answered before any user asked it. `answers` go with the golden requests, one for one."""

    candidate_pod: str
    golden: tuple[GoldenRequest, ...] | InvalidGolden | NoAnswer
    answers: tuple[Answer | NoAnswer, ...]
    stable_metadata: Answer | NoAnswer | None  # None: the strategy has taken its pods away already
    candidate_metadata: Answer | NoAnswer


@dataclass(frozen=True, slots=True)
class RouterPod:
    """One of the pods through which the requests go, if the traffic provider has such."""

    name: str
    ready: bool


@dataclass(frozen=True, slots=True)
class TrafficFacts:
    """What the traffic provider's data plane does now.

    `shares`: percent of the requests per route, nothing while not all of the data plane does the same.
    `takes_users`: whether it may stand between users and pods; a provider without one of its own always may.
    `holds_users`: whether it does, as far as new connections go.
    `port`: at which it takes the users of this model, where that is not the same for every model.
    `look_again_after_seconds`: when it may have changed without an event that tells of it.
    `is_serving`: whether users are served in this way at all, be it by earlier weights; `obstacle`: what a person must
    put right before they are, as a sentence. `url`: where users reach the model, if that is not the user Service.
    `no_mirror`: why it cannot send copies of requests to a candidate, and what to do about it; `no_partial_mirror`: why
    not copies of a share of them. `no_sticky`: why it cannot keep a user with one version.
    """

    shares: Mapping[Route, float] = field(default_factory=dict)
    splits_exactly: bool = False
    takes_users: bool = True
    holds_users: bool = False
    port: int | None = None
    look_again_after_seconds: float | None = None
    nudges: int = 0  # how often the data plane was to be reminded of what it should do
    trouble: str | None = None
    routers: tuple[RouterPod, ...] | None = None  # None: requests go through none
    is_serving: bool = True
    obstacle: str | None = None
    url: str | None = None
    no_mirror: str | None = None
    no_partial_mirror: str | None = None
    no_sticky: str | None = None

    @property
    def has_lost_users(self) -> bool:
        """New connections are led to a data plane that is gone."""
        return self.holds_users and not self.takes_users

    def why_no_mirror(self, percent: float) -> str | None:
        """Why it cannot copy so many of the requests, as a sentence; None: it can."""
        return self.no_mirror or (self.no_partial_mirror if percent < 100 else None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API server, or an object of somebody else, stood in the way of the last plan."""

    kind: str
    name: str
    reason: str  # NameTaken | InvalidSpec
    message: str


@dataclass(frozen=True, slots=True)
class Facts:
    now: datetime
    model_deployment: ModelDeploymentFacts
    default_server_image: str
    revisions: tuple[RevisionFacts, ...] = ()
    deployments: tuple[DeploymentFacts, ...] = ()
    pods: tuple[PodFacts, ...] = ()
    rollouts: tuple[RolloutFacts, ...] = ()
    services: frozenset[str] = frozenset()
    # Names of what scales the pods and guards them, as far as it is this ModelDeployment's own.
    autoscalers: frozenset[str] = frozenset()
    disruption_budgets: frozenset[str] = frozenset()
    traffic: TrafficFacts = field(default_factory=TrafficFacts)
    # None: nobody asked, because no comparison is due.
    metrics: MetricReadings | MetricsUnavailable | None = None
    # What the stable pods did before the comparison; None: nobody asked.
    history: MetricHistory | MetricsUnavailable | None = None
    # What the new version answered to the preflight; None: nobody asked.
    preflight: PreflightFacts | None = None
    refusal: Refusal | None = None

    @property
    def shares(self) -> Mapping[Route, float]:
        """Percent of the requests that each route gets now, as the traffic provider sees it."""
        return self.traffic.shares

    @property
    def splits_exactly(self) -> bool:
        """Whether the traffic provider gives each route the very share that it should have."""
        return self.traffic.splits_exactly

    def deployment(self, route: Route) -> DeploymentFacts | None:
        return next((found for found in self.deployments if found.route == route), None)

    def revision(self, name: str) -> RevisionFacts | None:
        return next((found for found in self.revisions if found.name == name), None)

    def metrics_of(self, revision: str) -> Metrics:
        """What the servers of a revision count."""
        found = self.revision(revision)
        return found.content.server.metrics if found else Metrics()

    def pods_of(self, route: Route) -> tuple[PodFacts, ...]:
        return tuple(pod for pod in self.pods if pod.route == route)
