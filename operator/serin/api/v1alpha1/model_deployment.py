"""The kind ModelDeployment: which model should run, on what, and how a change of it is tried.

`model`, `server` and `pod` make a revision: any change there starts a rollout. All else changes in place.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from serin.api.v1alpha1.plan import CounterSelector, Plan, WhenAbsent
from serin.api.v1alpha1.scaling import Autoscaling, DisruptionBudget
from serin.api.v1alpha1.shared import Conditions, Duration, Opaque, OpaqueList, Rule, Schema
from serin.api.v1alpha1.traffic import Traffic

KIND = "ModelDeployment"
PLURAL = "modeldeployments"

ObjectName = Annotated[str, Field(max_length=253)]
HttpPath = Annotated[str, Field(pattern="^/", max_length=256)]
LabelText = Annotated[str, Field(min_length=1, max_length=63)]
StringMap = Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=64)]
Arguments = Annotated[tuple[Annotated[str, Field(max_length=4096)], ...], Field(max_length=64)]


class Model(Schema):
    """The model to serve."""

    RULES = (
        Rule(
            "self.uri.matches('^(oci|pvc|configmap|https|s3|gs|az|hf|file)://.+')",
            "uri must start with oci://, pvc://, configmap://, https://, s3://, gs://, az://, hf:// or file://",
        ),
        Rule(
            "!self.uri.startsWith('configmap://') || self.uri.matches('^configmap://[a-z0-9.-]+/[-._a-zA-Z0-9]+$')",
            "a configmap uri names the object and its key: configmap://name/key",
        ),
        Rule(
            "!self.uri.startsWith('pvc://') || self.uri.matches('^pvc://[a-z0-9.-]+/.+')",
            "a pvc uri names the claim and the path in it: pvc://claim/path",
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
            description="oci://image[#path], pvc://claim/path, configmap://name/key, https://…, s3://bucket/key, "
            "gs://bucket/key, az://container/key, hf://org/repo/file@revision or file:///path/in/image.",
        ),
    ]
    digest: Annotated[
        str | None,
        Field(
            pattern=r"^sha256:[0-9a-f]{64}$", max_length=71, description="Of the model's file, checked before serving."
        ),
    ] = None


class Ports(Schema):
    """Ports of the server's container."""

    RULES = (Rule("!has(self.grpc) || self.grpc != self.http", "http and grpc must be two ports"),)
    http: Annotated[int, Field(ge=1, le=65535, description="Answers requests, probes and Prometheus.")] = 8080
    grpc: Annotated[
        int | None,
        Field(
            ge=1,
            le=65535,
            description="Answers gRPC without TLS; Serin's own server is told to. No gRPC when left out.",
        ),
    ] = None


class Health(Schema):
    """Where the server tells that it lives and that it can answer."""

    RULES = (Rule("duration(self.startupDeadline) >= duration('1s')", "startupDeadline must be at least 1s"),)
    ready: Annotated[HttpPath, Field(description="Path of the readiness and startup probes.")] = "/v2/health/ready"
    live: Annotated[HttpPath, Field(description="Path of the liveness probe.")] = "/v2/health/live"
    startup_deadline: Annotated[
        Duration, Field(description="A container that is not ready by then is started again.")
    ] = "10m"


class Metrics(Schema):
    """Where Prometheus finds the server's counters, and their names; becomes the pods' prometheus.io annotations."""

    RULES = (
        Rule(
            "self.preset == 'Custom' ? has(self.total) && has(self.failed)"
            " : !(has(self.total) || has(self.failed) || has(self.latencyBuckets) || has(self.failedWhenAbsent))",
            "preset Custom needs total and failed; these, latencyBuckets and failedWhenAbsent go only there",
        ),
    )
    preset: Annotated[
        Literal["Serin", "Triton", "MLServer", "Router", "Istio", "Custom"],
        Field(
            description="Whose counters they are. Router: those of the traffic provider Router, for servers that have "
            "none of their own. Istio: those of the sidecar, whatever the server. Custom: the ones named here. "
            "Selectors of a plan's metric come first."
        ),
    ] = "Serin"
    path: Annotated[
        HttpPath, Field(description="Path of the counters; with Istio /metrics stands for /stats/prometheus.")
    ] = "/metrics"
    port: Annotated[
        int | None,
        Field(
            ge=1,
            le=65535,
            description="Port of the counters; when left out 8002 for Triton, 8082 for MLServer, 15020 for Istio, else "
            "the HTTP port.",
        ),
    ] = None
    total: Annotated[
        CounterSelector | None,
        Field(description='Custom: counter of all requests, such as requests_total{handler="/predict"}.'),
    ] = None
    failed: Annotated[
        CounterSelector | None,
        Field(description='Custom: counter of failed ones, such as requests_total{handler="/predict",code=~"5.."}.'),
    ] = None
    failed_when_absent: Annotated[
        WhenAbsent | None,
        Field(
            description="Custom: what it means that a pod has counted requests and has no series of failed ones. Zero "
            "failures, or a wrong selector: wait. Left out: Zero when both name one counter, Wait when they name two."
        ),
    ] = None
    latency_buckets: Annotated[
        CounterSelector | None,
        Field(description="Custom: buckets of a histogram of latencies; in seconds, unless its name has a unit."),
    ] = None


class Server(Schema):
    """The program that serves the model: Serin's own ONNX server unless `image` says otherwise."""

    image: Annotated[
        str | None, Field(min_length=1, max_length=512, description="Serin's ONNX server when left out.")
    ] = None
    command: Annotated[Arguments, Field(description="Entry point; the image's own when left out.")] = ()
    args: Annotated[Arguments, Field(description="Arguments of the entry point.")] = ()
    env: Annotated[OpaqueList, Field(description="Environment, as in a container of a Pod.")] = ()
    resources: Annotated[Opaque, Field(description="Requests and limits, as in a container of a Pod.")] = {}
    ports: Ports = Ports()
    health: Health = Health()
    metrics: Metrics = Metrics()


class Pod(Schema):
    """What the pods carry beside the server; handed to the Deployment as it is."""

    labels: Annotated[StringMap, Field(description="Added to Serin's own labels.")] = {}
    annotations: Annotated[StringMap, Field(description="Added to Serin's own annotations.")] = {}
    node_selector: Annotated[StringMap, Field(description="As in a Pod.")] = {}
    tolerations: Annotated[OpaqueList, Field(description="As in a Pod.")] = ()
    affinity: Annotated[Opaque, Field(description="As in a Pod.")] = {}
    topology_spread_constraints: Annotated[OpaqueList, Field(description="As in a Pod.")] = ()
    service_account_name: Annotated[ObjectName | None, Field(description="As in a Pod.")] = None
    image_pull_secrets: Annotated[OpaqueList, Field(description="As in a Pod.")] = ()
    priority_class_name: Annotated[ObjectName | None, Field(description="As in a Pod.")] = None
    runtime_class_name: Annotated[ObjectName | None, Field(description="As in a Pod.")] = None
    volumes: Annotated[OpaqueList, Field(description="As in a Pod, beside Serin's own.")] = ()
    volume_mounts: Annotated[OpaqueList, Field(description="As in a container of a Pod.")] = ()


class RevisionContent(Schema):
    """The part of the spec that makes pods. Two contents are the same revision when they are equal as values."""

    model: Model
    server: Server = Server()
    pod: Pod = Pod()


class Service(Schema):
    """The Service that users call."""

    type: Annotated[Literal["ClusterIP", "NodePort", "LoadBalancer"], Field(description="As in a Service.")] = (
        "ClusterIP"
    )
    port: Annotated[int, Field(ge=1, le=65535, description="Leads to the HTTP port of the pods.")] = 80
    grpc_port: Annotated[
        int | None,
        Field(
            ge=1,
            le=65535,
            description="Leads to the gRPC port of the pods, if server.ports.grpc is given; the same number when left "
            "out.",
        ),
    ] = None
    annotations: Annotated[StringMap, Field(description="Of the Service.")] = {}


class ModelDeploymentSpec(RevisionContent):
    """The desired state."""

    RULES = (
        Rule(
            "!has(self.server.ports.grpc)"
            " || (has(self.service.grpcPort) ? self.service.grpcPort : self.server.ports.grpc) != self.service.port",
            "service.port and the port for gRPC (service.grpcPort, else server.ports.grpc) must be two ports",
        ),
        Rule(
            "self.server.metrics.preset in ['Serin', 'MLServer', 'Istio'] || has(self.server.metrics.latencyBuckets)"
            " || self.rollout.analysis.metrics.all(metric, metric.type != 'Histogram' || has(metric.buckets))",
            "rollout.analysis.metrics: this server.metrics.preset has no histogram of latencies, give each metric of "
            "type Histogram its buckets",
        ),
        Rule(
            "self.server.metrics.preset == 'Serin' || self.rollout.analysis.metrics.all(metric,"
            " metric.type != 'Categories' || has(metric.predictions) || has(metric.buckets))",
            "rollout.analysis.metrics: this server.metrics.preset has no counter of predictions, give each metric of "
            "type Categories its predictions or buckets",
        ),
        Rule(
            "self.rollout.strategy != 'ABTest' || self.traffic.sticky.cookie || has(self.traffic.sticky.header)",
            "rollout.strategy ABTest needs users who stay where they are: give traffic.sticky a header or cookie: true",
        ),
        Rule(
            "self.server.metrics.preset != 'Router' || self.traffic.provider == 'Router'",
            "server.metrics.preset Router reads the counters of spec.traffic.provider Router, choose that provider or "
            "the preset of the server",
        ),
        Rule(
            "self.server.metrics.preset != 'Router' || self.rollout.strategy != 'Shadow'"
            " || self.rollout.analysis.metrics.all(metric, has(metric.total) || has(metric.buckets)"
            " || has(metric.predictions))",
            "rollout.strategy Shadow: copies of requests are counted by no router, so with server.metrics.preset "
            "Router give each metric of rollout.analysis its own counters",
        ),
    )

    replicas: Annotated[
        int, Field(ge=0, le=1000, description="Pods of the stable revision. With autoscaling the autoscaler writes it.")
    ] = 1
    autoscaling: Annotated[
        Autoscaling | None, Field(description="An autoscaler writes `replicas`; docs/scaling.md.")
    ] = None
    disruption_budget: DisruptionBudget = DisruptionBudget()
    service: Service = Service()
    traffic: Traffic = Traffic()
    rollout: Plan = Plan()
    paused: Annotated[bool, Field(description="Freezes everything but health.")] = False
    history_limit: Annotated[int, Field(ge=0, le=100, description="Finished rollouts and old revisions kept.")] = 10

    @property
    def content(self) -> RevisionContent:
        return RevisionContent(model=self.model, server=self.server, pod=self.pod)

    @property
    def wanted_replicas(self) -> int:
        """Pods of stable. None at all switches an autoscaler off, which is Kubernetes' own rule."""
        if self.autoscaling is None or self.replicas == 0:
            return self.replicas
        return min(max(self.replicas, self.autoscaling.min_replicas), self.autoscaling.max_replicas)


class StableStatus(Schema):
    """The revision that users get."""

    revision: str
    version: str
    since: Annotated[datetime, Field(description="When it became stable.")]
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
    phase: Literal["Rejected", "RolledBack", "Failed", "Aborted"]
    message: str


class ModelDeploymentStatus(Schema):
    """The observed state, written only by the operator."""

    observed_generation: Annotated[int, Field(description="The generation that this status tells of.")] = -1
    phase: Annotated[
        Literal["Pending", "Healthy", "Progressing", "AwaitingApproval", "Paused", "Degraded"] | None,
        Field(description="All conditions in one word."),
    ] = None
    message: Annotated[str | None, Field(description="What is going on, in one sentence.")] = None
    stable: StableStatus | None = None
    candidate: CandidateStatus | None = None
    previous: PreviousStatus | None = None
    rejected: RejectedStatus | None = None
    attempts: Annotated[int, Field(description="Rollouts begun so far; numbers the next one.")] = 0
    url: Annotated[
        str | None,
        Field(description="Where users reach the model: its Service inside the cluster, or the name at its Gateway."),
    ] = None
    replicas: Annotated[int, Field(description="Pods of the revision that serves, for the scale subresource.")] = 0
    selector: Annotated[str | None, Field(description="Of these pods, for the scale subresource.")] = None
    conditions: Conditions = ()


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
