"""The kind ModelDeployment: which model should run, on what, and how a change of it is tried.

`model`, `server` and `pod` make a revision: any change there starts a rollout. All else changes in place.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from serin.api.v1alpha1.plan import Plan
from serin.api.v1alpha1.shared import Condition, Duration, Opaque, Rule, Schema

KIND = "ModelDeployment"
PLURAL = "modeldeployments"

LabelText = Annotated[str, Field(min_length=1, max_length=63)]
StringMap = Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=64)]
OpaqueList = Annotated[tuple[Opaque, ...], Field(max_length=64)]


class Model(Schema):
    """The model to serve."""

    RULES = (
        Rule(
            "self.uri.matches('^(oci|https|file|configmap)://.+')",
            "uri must start with oci://, configmap://, https:// or file://",
        ),
        Rule(
            "!self.uri.startsWith('configmap://') || self.uri.matches('^configmap://[a-z0-9.-]+/[-._a-zA-Z0-9]+$')",
            "a configmap uri names the object and its key: configmap://name/key",
        ),
    )
    name: Annotated[LabelText | None, Field(description="Served name; the object's name when left out.")] = None
    version: Annotated[
        LabelText | None,
        Field(
            pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$",
            description="Free text, label of the metrics; the revision's hash when left out.",
        ),
    ] = None
    uri: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1024,
            description="oci://image[#path], configmap://name/key, https://… or file:///path/in/image.",
        ),
    ]
    digest: Annotated[
        str | None, Field(pattern=r"^sha256:[0-9a-f]{64}$", description="Of the model's file, checked before serving.")
    ] = None


class Ports(Schema):
    """Ports of the server's container."""

    http: Annotated[int, Field(ge=1, le=65535)] = 8080


class Health(Schema):
    """Where the server tells that it lives and that it can answer."""

    ready: Annotated[str, Field(pattern="^/", max_length=256)] = "/v2/health/ready"
    live: Annotated[str, Field(pattern="^/", max_length=256)] = "/v2/health/live"
    startup_deadline: Annotated[
        Duration, Field(description="A container that is not ready by then is started again.")
    ] = "10m"


class Metrics(Schema):
    """Where Prometheus finds the server's counters; becomes the pods' prometheus.io annotations."""

    path: Annotated[str, Field(pattern="^/", max_length=256)] = "/metrics"


class Server(Schema):
    """The program that serves the model: Serin's own ONNX server unless `image` says otherwise."""

    image: Annotated[str | None, Field(min_length=1, max_length=512)] = None
    command: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    args: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    env: OpaqueList = ()
    resources: Opaque = {}
    ports: Ports = Ports()
    health: Health = Health()
    metrics: Metrics = Metrics()


class Pod(Schema):
    """What the pods carry beside the server; handed to the Deployment as it is."""

    labels: StringMap = {}
    annotations: StringMap = {}
    node_selector: StringMap = {}
    tolerations: OpaqueList = ()
    affinity: Opaque = {}
    topology_spread_constraints: OpaqueList = ()
    service_account_name: Annotated[str | None, Field(max_length=253)] = None
    image_pull_secrets: OpaqueList = ()
    priority_class_name: Annotated[str | None, Field(max_length=253)] = None
    runtime_class_name: Annotated[str | None, Field(max_length=253)] = None
    volumes: OpaqueList = ()
    volume_mounts: OpaqueList = ()


class RevisionContent(Schema):
    """The part of the spec that makes pods. Two contents are the same revision when they are equal as values."""

    model: Model
    server: Server = Server()
    pod: Pod = Pod()


class Service(Schema):
    """The Service that users call."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    port: Annotated[int, Field(ge=1, le=65535)] = 80
    annotations: StringMap = {}


class Traffic(Schema):
    """Who splits the requests. Replicas: the user Service itself, by the number of pods."""

    provider: Literal["Replicas"] = "Replicas"


class ModelDeploymentSpec(RevisionContent):
    """The desired state."""

    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    service: Service = Service()
    traffic: Traffic = Traffic()
    rollout: Plan = Plan()
    paused: Annotated[bool, Field(description="Freezes everything but health.")] = False
    history_limit: Annotated[int, Field(ge=0, le=100, description="Finished rollouts and old revisions kept.")] = 10

    @property
    def content(self) -> RevisionContent:
        return RevisionContent(model=self.model, server=self.server, pod=self.pod)


class StableStatus(Schema):
    """The revision that users get."""

    revision: str
    version: str
    since: datetime
    replicas: int = 0
    ready_replicas: int = 0


class CandidateStatus(Schema):
    """The revision on trial."""

    revision: str
    version: str
    rollout: str
    weight: Annotated[int, Field(description="Percent of the requests meant for it.")] = 0


class PreviousStatus(Schema):
    """The revision that was stable before."""

    revision: str
    version: str


class RejectedStatus(Schema):
    """A revision that is not tried again until the spec changes or a Rollout asks for it."""

    revision: str
    version: str
    rollout: str
    phase: Literal["Rejected", "Failed", "Aborted"]
    message: str


class ModelDeploymentStatus(Schema):
    """The observed state, written only by the operator."""

    observed_generation: int = -1
    phase: Literal["Pending", "Healthy", "Progressing", "Paused", "Degraded"] | None = None
    message: str | None = None
    stable: StableStatus | None = None
    candidate: CandidateStatus | None = None
    previous: PreviousStatus | None = None
    rejected: RejectedStatus | None = None
    attempts: int = 0
    url: str | None = None
    replicas: int = 0
    selector: str | None = None
    conditions: tuple[Condition, ...] = ()


class ModelDeployment(Schema):
    """Which model should run; a change of it is tried beside the old one, and traffic decides."""

    RULES = (
        Rule(
            "self.metadata.name.size() <= 45 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "metadata.name names Services and labels: at most 45 characters, lower case letters, digits and '-',"
            " starting with a letter",
        ),
    )
    api_version: str
    kind: str
    metadata: dict[str, Any]
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus = ModelDeploymentStatus()
