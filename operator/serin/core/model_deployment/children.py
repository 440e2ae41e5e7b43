"""Pure makers of the child objects. Only fields that Serin owns are in them: they are applied server-side."""

from collections.abc import Mapping
from typing import Any

from serin.api.v1alpha1.model_deployment import KIND, ModelDeploymentSpec
from serin.api.v1alpha1.rollout import KIND as ROLLOUT_KIND
from serin.api.v1alpha1.rollout import RolloutSpec
from serin.api.v1alpha1.scaling import Autoscaling
from serin.api.v1alpha1.shared import API_VERSION
from serin.core.facts import ModelDeploymentFacts, RevisionFacts, Route
from serin.core.model_deployment.names import (
    MODEL_DEPLOYMENT_LABEL,
    ROLE_LABEL,
    child_labels,
    deployment_name,
    pod_labels,
    service_name,
)
from serin.core.model_deployment.pod_template import SERVER_CONTAINER, label_template
from serin.core.plan import Manifest

DEFAULT_CPU_UTILIZATION = 70


def owner_reference(owner: ModelDeploymentFacts) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": owner.key.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _metadata(owner: ModelDeploymentFacts, name: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": owner.key.namespace,
        "labels": {**child_labels(owner.key.name), **(labels or {})},
        "ownerReferences": [owner_reference(owner)],
    }


def make_controller_revision(owner: ModelDeploymentFacts, revision: RevisionFacts) -> Manifest:
    """What the user wrote and the template made of it: a ControllerRevision's data cannot be changed later."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": _metadata(owner, revision.name),
        "revision": revision.number,
        "data": {"content": revision.content.to_wire(), "template": revision.template},
    }


def make_deployment(
    owner: ModelDeploymentFacts, revision: RevisionFacts, route: Route, role: str, replicas: int
) -> Manifest:
    labels = pod_labels(owner.key.name, route)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(owner, deployment_name(route), {**labels, ROLE_LABEL: role}),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "revisionHistoryLimit": 1,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": label_template(revision.template, labels),
        },
    }


def make_user_service(owner: ModelDeploymentFacts, spec: ModelDeploymentSpec) -> Manifest:
    """The Service that users call, but for its selector: that is the traffic provider's."""
    service = spec.service
    metadata = _metadata(owner, service_name(owner.key.name))
    if service.annotations:
        metadata["annotations"] = dict(service.annotations)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"type": service.type, "ports": _ports(spec)},
    }


def make_variant_service(
    owner: ModelDeploymentFacts, variant: str, route: Route, spec: ModelDeploymentSpec
) -> Manifest:
    """A headless Service for one variant of a rollout: to try the canary by hand, to scrape it, to route to it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(owner, service_name(owner.key.name, variant)),
        "spec": {"clusterIP": "None", "selector": pod_labels(owner.key.name, route), "ports": _ports(spec)},
    }


def _ports(spec: ModelDeploymentSpec) -> list[dict[str, Any]]:
    ports = [{"name": "http", "port": spec.service.port, "targetPort": "http", "protocol": "TCP"}]
    if spec.server.ports.grpc:
        port = spec.service.grpc_port or spec.server.ports.grpc
        # Gateways and meshes must be told that HTTP/2 begins without an upgrade.
        h2c = "kubernetes.io/h2c"
        ports.append({"name": "grpc", "port": port, "targetPort": "grpc", "protocol": "TCP", "appProtocol": h2c})
    return ports


def make_autoscaler(owner: ModelDeploymentFacts, autoscaling: Autoscaling) -> Manifest:
    """It writes the ModelDeployment's own `replicas`, by its scale subresource."""
    spec: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": API_VERSION, "kind": KIND, "name": owner.key.name},
        "minReplicas": autoscaling.min_replicas,
        "maxReplicas": autoscaling.max_replicas,
        "metrics": list(autoscaling.metrics) or [_cpu_metric(autoscaling.target_cpu_utilization)],
    }
    if autoscaling.behavior:
        spec["behavior"] = autoscaling.behavior
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(owner, service_name(owner.key.name)),
        "spec": spec,
    }


def _cpu_metric(percent: int | None) -> dict[str, Any]:
    """Of the server's container: a sidecar that requests nothing would make the pod's own unknown."""
    target = {"type": "Utilization", "averageUtilization": percent or DEFAULT_CPU_UTILIZATION}
    return {
        "type": "ContainerResource",
        "containerResource": {"name": "cpu", "container": SERVER_CONTAINER, "target": target},
    }


def make_disruption_budget(owner: ModelDeploymentFacts, serving: Route, max_unavailable: int | str) -> Manifest:
    """Of the pods that serve, and of no others: a canary that crashes must not keep a node from being drained."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(owner, service_name(owner.key.name)),
        "spec": {
            "maxUnavailable": max_unavailable,
            "selector": {"matchLabels": pod_labels(owner.key.name, serving)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def make_rollout(owner: ModelDeploymentFacts, name: str, spec: RolloutSpec) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": ROLLOUT_KIND,
        "metadata": _metadata(owner, name),
        "spec": spec.to_wire(),
    }


def make_rollout_tie(owner: ModelDeploymentFacts, name: str) -> Manifest:
    """Ties a Rollout made by hand to its ModelDeployment, so that it goes when the ModelDeployment goes."""
    return {
        "apiVersion": API_VERSION,
        "kind": ROLLOUT_KIND,
        "metadata": {
            "name": name,
            "namespace": owner.key.namespace,
            "labels": {MODEL_DEPLOYMENT_LABEL: owner.key.name},
            "ownerReferences": [owner_reference(owner)],
        },
    }
