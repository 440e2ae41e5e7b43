"""What the runtime needs of the outside world. Each port has one real implementation in `adapters`.

Reads answer Found, Absent or Unknown: "could not look" is never "is not there". Writes return the object as the
API server stored it, or raise an error of `runtime/outcomes.py`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from serin.api.v1alpha1.traffic import Traffic
from serin.core.contract.golden_requests import Answer
from serin.core.facts import (
    CounterRequest,
    HistoryRequest,
    Key,
    MetricHistory,
    MetricReadings,
    MetricsUnavailable,
    ModelQuestion,
    NoAnswer,
    PodFacts,
    TrafficFacts,
)
from serin.core.model_deployment.names import service_name
from serin.core.plan import AnnotatePods, Apply, Delete, Emit, TrafficIntent

JsonObject = dict[str, Any]


class ObjectRef(NamedTuple):
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    object: JsonObject


@dataclass(frozen=True, slots=True)
class Absent:
    """`is_kind_known` False: the cluster does not even know the kind."""

    is_kind_known: bool = True


@dataclass(frozen=True, slots=True)
class Unknown:
    """Could not look; `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind as they were together at `resource_version`."""

    objects: Sequence[JsonObject]
    resource_version: int


class Cluster(Protocol):
    """The Kubernetes API, raw JSON. Kinds are those of `runtime/kinds.py`."""

    async def get(self, ref: ObjectRef) -> Found | Absent | Unknown: ...

    async def list(self, kind: str) -> Listing:
        """Every object of the kind that Serin made or that is of its own kinds. Raises an outcome error.

        Of an optional kind that the cluster does not know there are none.
        """
        ...

    def watch(self, kind: str, namespace: str | None, version: int) -> AsyncIterator[tuple[str, JsonObject]]:
        """Changes after this version, ADDED, MODIFIED or DELETED, until the API server ends it.

        `namespace` None: of all. Raises an outcome error.
        """
        ...

    async def apply(self, manifest: Mapping[str, Any]) -> JsonObject:
        """Server-side apply, field manager `serin`, force."""
        ...

    async def apply_status(self, manifest: Mapping[str, Any]) -> JsonObject:
        """Server-side apply of the status subresource; `metadata.resourceVersion` is a precondition."""
        ...

    async def create(self, manifest: Mapping[str, Any]) -> JsonObject: ...

    async def annotate(self, ref: ObjectRef, uid: str, annotations: Mapping[str, str]) -> JsonObject:
        """Adds annotations to exactly the object with that uid."""
        ...

    async def delete(self, ref: ObjectRef, uid: str) -> None:
        """Background deletion of exactly the object with that uid; already gone is success."""
        ...


class MetricSource(Protocol):
    async def read_counters(self, request: CounterRequest) -> MetricReadings | MetricsUnavailable: ...

    async def read_history(self, request: HistoryRequest) -> MetricHistory | MetricsUnavailable: ...


def find_named(objects: Sequence[JsonObject], name: str) -> JsonObject | None:
    return next((live for live in objects if live["metadata"]["name"] == name), None)


@dataclass(frozen=True, slots=True)
class TrafficView:
    """What a traffic provider may look at: the live objects of one ModelDeployment, and its pods as facts.

    `shared` has those of its namespace, which belong to several.
    """

    key: Key
    settings: Traffic
    objects: Mapping[str, Sequence[JsonObject]]
    pods: Sequence[PodFacts]
    shared: Mapping[str, Sequence[JsonObject]] = field(default_factory=dict)

    def find(self, kind: str, name: str) -> JsonObject | None:
        return find_named(self.objects[kind], name)

    @property
    def user_service(self) -> JsonObject | None:
        return self.find("Service", service_name(self.key.name))


class TrafficProvider(Protocol):
    """Rendering is pure; the executor carries out what it gives, and removes what an earlier rendering left."""

    def render(self, intent: TrafficIntent) -> Sequence[Apply | AnnotatePods]: ...

    async def observe(self, view: TrafficView) -> TrafficFacts:
        """What the data plane does. Never raises: what could not be learned is in `trouble`."""
        ...


@dataclass(frozen=True, slots=True)
class SharedModel:
    """A ModelDeployment with a part in what its namespace shares. `part` is a ConfigMap of its own."""

    owner: JsonObject
    part: JsonObject
    user_service: JsonObject | None


@dataclass(frozen=True, slots=True)
class SharedView:
    """`objects`: those that belong to several ModelDeployments of the namespace."""

    namespace: str
    models: Sequence[SharedModel]
    objects: Mapping[str, Sequence[JsonObject]]

    def find(self, kind: str, name: str) -> JsonObject | None:
        return find_named(self.objects[kind], name)


@dataclass(frozen=True, slots=True)
class SharedPlan:
    """`news`: by ModelDeployment what it must look again for when it changes."""

    actions: tuple[Apply | AnnotatePods | Delete, ...]
    look_again_after_seconds: float | None
    news: Mapping[str, object]


class SharedDataPlane(Protocol):
    """What the models of a namespace share to split their requests."""

    def plan_shared(self, view: SharedView) -> SharedPlan: ...

    def tell_refusal(self, namespace: str, why: str | None) -> None:
        """Why the last plan could not be carried out, as a sentence; None: it was."""
        ...


class ModelClient(Protocol):
    async def ask(self, question: ModelQuestion) -> Answer | NoAnswer:
        """One request to one pod, not repeated. Never raises: no answer is an answer, too."""
        ...


class EventSink(Protocol):
    async def emit(self, event: Emit, regarding: JsonObject) -> None:
        """Post a Kubernetes Event about the object. Never raises: an event is not worth a retry of the plan."""
        ...


class Meter(Protocol):
    """The operator's numbers about itself."""

    def count_reconcile(self, outcome: str, seconds: float) -> None: ...

    def count_write(self, kind: str, verb: str) -> None: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall time in UTC, for facts."""
        ...

    def monotonic_seconds(self) -> float:
        """For waiting."""
        ...

    async def sleep(self, seconds: float) -> None: ...
