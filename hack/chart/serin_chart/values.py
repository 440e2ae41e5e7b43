"""The values of the Helm chart: the one source of values.yaml, values.schema.json and the table in the chart's README.

A value is here because somebody who installs Serin has to decide it; what a template needs beside that it derives.
Parts that Helm hands on to Kubernetes unread (`Opaque`, `Objects`) are checked there.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from serin.adapters.settings import DEFAULT_PROMETHEUS_URL

Opaque = dict[str, Any]
Objects = list[dict[str, Any]]
Texts = dict[str, str]
Name = Annotated[str, Field(pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$")]
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
Duration = Annotated[str, Field(pattern=r"^([0-9]+(ms|s|m|h))*$")]
Port = Annotated[int, Field(ge=1, le=65535)]


class Values(BaseModel):
    """A part of the values. Unknown names are refused: a misspelt value would be one that does nothing."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


def a_repository(default: str) -> Any:
    """Of images; a function, because a field that is defined again loses its bounds."""
    return Field(default, min_length=1, description="With the registry in front, where it is not the nodes' default.")


class Image(Values):
    repository: str
    tag: str = Field("", pattern=r"^([\w][\w.-]{0,127})?$", description="Empty: the chart's appVersion.")
    digest: str = Field(
        "", pattern=r"^(sha256:[0-9a-f]{64})?$", description="`sha256:…`; when set, it decides and the tag is left out."
    )


class OperatorImage(Image):
    repository: str = a_repository("serin/operator")
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        "IfNotPresent", description="Of the operator's pod."
    )


class ServerImage(Image):
    repository: str = a_repository("serin/server")


class RouterImage(Image):
    repository: str = a_repository("envoyproxy/envoy")
    tag: str = Field(
        "distroless-v1.40.0", pattern=r"^[\w][\w.-]{0,127}$", description="Of Envoy 1.40, with or without a shell."
    )


class PullSecret(Values):
    name: Annotated[str, Field(min_length=1)]


class Crds(Values):
    install: bool = Field(True, description="Whether the chart brings the definitions of ModelDeployment and Rollout.")
    keep: bool = Field(
        True,
        description="Whether they, and with them every ModelDeployment, survive `helm uninstall`.",
    )
    annotations: Texts = Field({}, description="Further annotations of the definitions.")


class SecretKey(Values):
    name: Name = Field("", description="Empty: none.")
    key: str = Field("token", min_length=1, description="Of the Secret's data.")


class CaBundle(Values):
    name: Name = Field("", description="Empty: the system's authorities.")
    key: str = Field("ca.crt", min_length=1, description="Of the ConfigMap's data.")


class Prometheus(Values):
    url: str = Field(
        DEFAULT_PROMETHEUS_URL,
        pattern=r"^https?://[^/]",
        description="Where the serving pods' counters are read: Prometheus, Thanos, Mimir, VictoriaMetrics.",
    )
    tenant: str = Field("", description="Sent as `X-Scope-OrgID`.")
    token_secret: SecretKey = Field(SecretKey(), description="Secret in the release's namespace with a bearer token.")
    ca_config_map: CaBundle = Field(
        CaBundle(), description="ConfigMap in the release's namespace with the authorities (PEM) to trust."
    )


class ServiceAccount(Values):
    create: bool = Field(True, description="`false`: `name` is there already.")
    name: Name = Field("", description="Empty: the full name of the release.")
    annotations: Texts = {}


class Rbac(Values):
    create: bool = Field(True, description="Whether the operator's rights come with the chart: exactly what it uses.")
    aggregate: bool = Field(
        True, description="Whether the cluster's roles view, edit and admin hold ModelDeployments and Rollouts, too."
    )


class Egress(Values):
    enabled: bool = Field(
        False, description="Whether the operator may reach only DNS, the API server, Prometheus and models."
    )
    api_server_ports: list[Port] = Field([443, 6443], description="Where the API server listens behind its Service.")
    prometheus_ports: list[Port] = Field([9090], description="Where Prometheus listens behind its Service.")
    extra: Objects = Field([], description="Further egress rules.")


class NetworkPolicy(Values):
    enabled: bool = Field(True, description="Whether the operator's pod takes nothing but requests for its metrics.")
    metrics_from: Objects = Field([], description="Who may ask for them (peers of a NetworkPolicy). Empty: anybody.")
    egress: Egress = Egress()


class Monitor(Values):
    enabled: bool = Field(False, description="Needs the definitions of the Prometheus Operator in the cluster.")
    labels: Texts = Field({}, description="What your Prometheus selects monitors by.")
    interval: Duration = Field("", description="Empty: as Prometheus does by default.")
    scrape_timeout: Duration = Field("", description="The same.")


class ChartValues(Values):
    """Everything that can be set."""

    watch_namespaces: list[Namespace] = Field(
        [],
        json_schema_extra={"uniqueItems": True},
        description="Namespaces with ModelDeployments. Empty: all, by a ClusterRole. Else a Role in each of them, and "
        "no right beyond.",
    )
    image: OperatorImage = Field(OperatorImage(), description="The operator's.")
    server_image: ServerImage = Field(
        ServerImage(), description="Of ModelDeployments that name none. A change reaches new revisions only."
    )
    router_image: RouterImage = Field(
        RouterImage(), description="Envoy, for the traffic provider Router. A change replaces router pods one by one."
    )
    image_pull_secrets: list[PullSecret] = Field(
        [], description="For the operator's pod. Those of the models' pods are in `spec.pod.imagePullSecrets`."
    )
    prometheus: Prometheus = Prometheus()
    crds: Crds = Crds()
    service_account: ServiceAccount = ServiceAccount()
    rbac: Rbac = Rbac()
    network_policy: NetworkPolicy = NetworkPolicy()
    service_monitor: Monitor = Field(Monitor(), description="For the operator's own metrics.")
    pod_monitor: Monitor = Field(
        Monitor(), description="For the models' pods: the counters that rollouts are judged by."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="`debug` has a line for every reconcile."
    )
    log_format: Literal["json", "console"] = "json"
    workers: Annotated[int, Field(ge=1, le=256)] = Field(
        16, description="ModelDeployments that are worked on at the same time."
    )
    extra_env: Objects = Field(
        [], description="Further variables of the operator (docs/operator.md). One of a name that the chart sets wins."
    )
    resources: Opaque = {"requests": {"cpu": "50m", "memory": "150Mi"}, "limits": {"memory": "512Mi"}}
    priority_class_name: Name = Field("", description="Of the operator's pod, such as `system-cluster-critical`.")
    node_selector: Texts = {}
    tolerations: Objects = []
    affinity: Opaque = {}
    pod_labels: Texts = {}
    pod_annotations: Texts = Field(
        {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/metrics"},
        description="Of the operator's pod. Set one to null to leave it out.",
    )
    common_labels: Texts = Field({}, description="On every object of the chart.")
    name_override: Name = Field("", description="In place of the chart's name.")
    fullname_override: Name = Field("", description="In place of the names made from the release's name.")
    extra_objects: list[Opaque | str] = Field(
        [], description="Further manifests of yours, as objects or texts; templates in them are rendered."
    )


class WholeSchema(ChartValues):
    """With what Helm itself adds to the values of a chart inside another one."""

    global_: Opaque = Field(
        {}, alias="global", description="Helm's own: the values that all charts of a release share."
    )
    enabled: bool = Field(True, description="Read by charts that hold this one, in their `condition`.")
