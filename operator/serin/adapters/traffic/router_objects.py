"""The Kubernetes objects of a router: a Deployment of Envoys, its ConfigMap, what goes with it.

Pure. The Services of the routes are headless and never change whom they select: a promotion moves weights, not names,
so no answer of the DNS can be an old one of another version.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from serin.adapters.traffic.router_bootstrap import DRAIN_HEADER, render_bootstrap
from serin.adapters.traffic.router_config import (
    CONFIG_FOLDER,
    DRAIN_PATH,
    DRAIN_SECONDS,
    STATS_PORT,
    USERS_PORT,
    RouterConfig,
)
from serin.core.model_deployment.names import (
    COMPONENT_LABEL,
    LISTENER,
    MODEL_DEPLOYMENT_LABEL,
    TRAFFIC,
    deployment_name,
    listener_name,
    pod_labels,
    router_labels,
    router_name,
)
from serin.core.model_deployment.pod_template import make_scrape_annotations
from serin.core.plan import Backend, Manifest, TrafficIntent

VERSION_ANNOTATION: Final = "serin.dev/router-config"
"""On the ConfigMap and, as a nudge, on the router's pods: a changed pod makes its kubelet renew the files at once."""

NUDGE_ANNOTATION: Final = "serin.dev/router-nudge"

SETTINGS_ANNOTATION: Final = "serin.dev/router-settings"
"""On a model's part of a shared router: the replicas and resources that it asks for."""

_LATE_ANSWERS: Final = 6
"""To the probe until a router leaves the Service. An Envoy that ends is noticed without; and on a node without a
processor to spare all routers are late at once: to take them out would make refused connections of slow answers."""

GRACE_SECONDS: Final = 2 * DRAIN_SECONDS
WORKERS: Final = 2


def owner_name(intent: TrafficIntent) -> str:
    name: str = intent.service["metadata"]["labels"][MODEL_DEPLOYMENT_LABEL]
    return name


def make_route_service(intent: TrafficIntent, backend: Backend) -> Manifest:
    ports = [("http", backend.port), *([("grpc", backend.grpc_port)] if backend.grpc_port else [])]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(intent, deployment_name(backend.route)),
        "spec": {
            "clusterIP": "None",
            "selector": pod_labels(owner_name(intent), backend.route),
            "ports": [{"name": name, "port": port, "targetPort": name, "protocol": "TCP"} for name, port in ports],
        },
    }


def make_config_map(intent: TrafficIntent, config: RouterConfig) -> Manifest:
    metadata = _metadata(intent, router_name(owner_name(intent)))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**metadata, "annotations": {VERSION_ANNOTATION: config.version}},
        "data": dict(config.files),
    }


def make_listener_part(intent: TrafficIntent, config: RouterConfig) -> Manifest:
    """What the routers that a namespace shares are to do for this model, and what it asks of them."""
    settings = intent.settings.router
    asked = {"replicas": settings.replicas, "resources": settings.resources}
    metadata = _metadata(intent, listener_name(owner_name(intent)))
    annotations = {
        VERSION_ANNOTATION: config.version,
        SETTINGS_ANNOTATION: json.dumps(asked, sort_keys=True, separators=(",", ":")),
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            **metadata,
            "labels": {**metadata["labels"], COMPONENT_LABEL: LISTENER},
            "annotations": annotations,
        },
        "data": dict(config.files),
    }


def make_disruption_budget(intent: TrafficIntent) -> Manifest:
    name = owner_name(intent)
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(intent, router_name(name)),
        "spec": render_budget_spec(router_labels(name)),
    }


def render_budget_spec(labels: Mapping[str, str]) -> dict[str, Any]:
    selector = {"matchLabels": dict(labels)}
    return {"maxUnavailable": 1, "selector": selector, "unhealthyPodEvictionPolicy": "AlwaysAllow"}


def make_router_deployment(intent: TrafficIntent, image: str) -> Manifest:
    name = owner_name(intent)
    settings = intent.settings.router
    token = make_drain_token(intent.service["metadata"]["ownerReferences"][0]["uid"])
    ports = [{"name": "http", "containerPort": USERS_PORT, "protocol": "TCP"}]
    container = render_container(image, render_bootstrap(token), token, settings.resources, ports)
    spec = render_deployment_spec(settings.replicas, router_labels(name), container, router_name(name))
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(intent, router_name(name)),
        "spec": spec,
    }


def render_deployment_spec(
    replicas: int, labels: Mapping[str, str], container: Mapping[str, Any], config_map: str
) -> dict[str, Any]:
    return {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "revisionHistoryLimit": 1,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": labels, "annotations": make_scrape_annotations(STATS_PORT)},
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": GRACE_SECONDS,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "affinity": _render_affinity(labels),
                "containers": [container],
                "volumes": [{"name": "config", "configMap": {"name": config_map}}],
            },
        },
    }


def render_container(
    image: str,
    bootstrap: Mapping[str, Any],
    token: str,
    resources: Mapping[str, Any],
    ports: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """`ports` beside that for metrics."""
    drain = {
        "path": DRAIN_PATH,
        "port": "stats",
        "scheme": "HTTP",
        "httpHeaders": [{"name": DRAIN_HEADER, "value": token}],
    }
    return {
        "name": "router",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        # The entry points of Envoy's images differ, the program's place does not.
        "command": ["/usr/local/bin/envoy"],
        "args": [
            "--config-yaml",
            json.dumps(bootstrap, sort_keys=True, separators=(",", ":")),
            "--concurrency",
            str(_workers(resources)),
            "--drain-time-s",
            str(DRAIN_SECONDS // 2),
            "--drain-strategy",
            "immediate",
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ],
        "ports": [
            *ports,
            {"name": "stats", "containerPort": STATS_PORT, "protocol": "TCP"},
        ],
        "resources": resources,
        "readinessProbe": _ask_ready(2, _LATE_ANSWERS),
        "livenessProbe": _ask_ready(10, 6),
        "lifecycle": {"preStop": {"httpGet": drain}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True}],
    }


def _ask_ready(period_seconds: int, failures: int) -> dict[str, Any]:
    get = {"path": "/ready", "port": "stats", "scheme": "HTTP"}
    return {"httpGet": get, "periodSeconds": period_seconds, "failureThreshold": failures, "timeoutSeconds": 2}


def _render_affinity(labels: Mapping[str, str]) -> dict[str, Any]:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": dict(labels)}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _workers(resources: Mapping[str, Any]) -> int:
    """Threads: as many as whole CPUs of the limit. Envoy's own choice is one for every CPU of the node."""
    limit = str((resources.get("limits") or {}).get("cpu") or WORKERS)
    try:
        cpus = float(limit.removesuffix("m")) / (1000 if limit.endswith("m") else 1)
    except ValueError:
        return WORKERS  # the API server will say what is wrong with it
    return max(1, math.ceil(cpus))


def make_drain_token(uid: str) -> str:
    """Known to who may read the pod, so that nobody else can send a router away."""
    return hashlib.sha256(f"drain {uid}".encode()).hexdigest()[:32]


def _metadata(intent: TrafficIntent, name: str) -> dict[str, Any]:
    """Owned like the user Service, marked as the provider's: what it no longer renders is removed."""
    of_service = intent.service["metadata"]
    return {
        "name": name,
        "namespace": of_service["namespace"],
        "labels": {**of_service["labels"], COMPONENT_LABEL: TRAFFIC},
        "ownerReferences": of_service["ownerReferences"],
    }
