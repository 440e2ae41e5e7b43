"""From what a user wrote to the pod template of a revision.

Rendered once, when the revision is made, and kept in its ControllerRevision: a newer operator renders new revisions
in its own way and leaves the pods of old ones alone. Pods meet the restricted Pod Security Standard.
"""

from collections.abc import Mapping
from typing import Any

from serin.api.v1alpha1.model_deployment import Health, Pod, RevisionContent, Server
from serin.api.v1alpha1.shared import duration_seconds
from serin.core.metric_presets import is_scraped, metrics_path, metrics_port, preset_of

SERVER_CONTAINER = "server"
MODEL_MOUNT = "/models"
DEFAULT_IMAGE_MODEL = "model.onnx"
PROBE_PERIOD_SECONDS = 2
# A Service keeps sending to a deleted pod until every node has heard of it; Serin's server waits for that itself.
DRAIN_SECONDS = 5
GRACE_PERIOD_SECONDS = 40


def make_pod_template(
    model_deployment: str, revision: str, content: RevisionContent, default_server_image: str
) -> dict[str, Any]:
    """The template without the labels of a track, which `label_template` adds per Deployment."""
    uri, model_volumes, model_mounts = _place_model(content.model.uri)
    server, pod = content.server, content.pod
    spec: dict[str, Any] = {
        "automountServiceAccountToken": bool(pod.service_account_name),
        # Variables like SERIN_HTTP_PORT=tcp://… of a Service named serin-http would be taken for settings.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_PERIOD_SECONDS,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": SERVER_CONTAINER,
                "image": server.image or default_server_image,
                "imagePullPolicy": "IfNotPresent",
                "env": [*_model_env(model_deployment, revision, content, uri), *server.env],
                "ports": _ports(server),
                "volumeMounts": [*model_mounts, {"name": "tmp", "mountPath": "/tmp"}, *pod.volume_mounts],  # noqa: S108 (the pod's own)
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    **({} if server.image else {"readOnlyRootFilesystem": True}),
                },
                **_probes(server.health),
                **_as_written(server),
            }
        ],
        "volumes": [*model_volumes, {"name": "tmp", "emptyDir": {}}, *pod.volumes],
        **_placement(pod),
    }
    annotations = {**_scrape_annotations(server), **pod.annotations}
    return {"metadata": {"labels": dict(pod.labels), "annotations": annotations}, "spec": spec}


def _scrape_annotations(server: Server) -> dict[str, str]:
    return make_scrape_annotations(metrics_port(server), metrics_path(server)) if is_scraped(server) else {}


def make_scrape_annotations(port: int, path: str = "/metrics") -> dict[str, str]:
    """By which Prometheus finds a pod, as is the custom."""
    return {"prometheus.io/scrape": "true", "prometheus.io/port": str(port), "prometheus.io/path": path}


def label_template(template: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """The revision's template with Serin's labels over the user's: Services and selectors rest on ours."""
    metadata = template["metadata"]
    return {
        "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **labels}},
        "spec": template["spec"],
    }


def _place_model(uri: str) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]]]:
    """Where the server finds the model, and the volume that brings it there."""
    scheme, _, rest = uri.partition("://")
    mount = {"name": "model", "mountPath": MODEL_MOUNT, "readOnly": True}
    if scheme == "configmap":
        name, _, key = rest.partition("/")
        volume = {"name": "model", "configMap": {"name": name, "items": [{"key": key, "path": key}]}}
        return f"file://{MODEL_MOUNT}/{key}", [volume], [mount]
    if scheme == "pvc":
        claim, _, path = rest.partition("/")
        volume = {"name": "model", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
        return f"file://{MODEL_MOUNT}/{path}", [volume], [mount]
    if scheme == "oci":
        image, _, path = rest.partition("#")
        volume = {"name": "model", "image": {"reference": image, "pullPolicy": "IfNotPresent"}}
        return f"file://{MODEL_MOUNT}/{path.lstrip('/') or DEFAULT_IMAGE_MODEL}", [volume], [mount]
    return uri, [], []


def _model_env(model_deployment: str, revision: str, content: RevisionContent, uri: str) -> list[dict[str, Any]]:
    """Settings as environment: they reach Serin's server whatever image, command or mirror it runs from."""
    model = content.model
    env = {
        "SERIN_MODEL_URI": uri,
        "SERIN_MODEL_NAME": model.name or model_deployment,
        "SERIN_MODEL_VERSION": version_of(content, revision),
        "SERIN_MODEL_DIGEST": model.digest,
        "SERIN_HTTP_PORT": str(content.server.ports.http),
        "SERIN_GRPC_PORT": str(content.server.ports.grpc) if content.server.ports.grpc else None,
        "SERIN_DRAIN_SECONDS": str(DRAIN_SECONDS),
    }
    return [{"name": name, "value": value} for name, value in env.items() if value is not None]


def version_of(content: RevisionContent, revision: str) -> str:
    """The version that people read: as written, else the hash at the end of the revision's name."""
    return content.model.version or revision.rpartition("-")[2]


def _ports(server: Server) -> list[dict[str, Any]]:
    ports = {"http": server.ports.http}
    if server.ports.grpc:
        ports["grpc"] = server.ports.grpc
    if metrics_port(server) != server.ports.http and not preset_of(server.metrics).is_in_sidecar:
        ports["metrics"] = metrics_port(server)
    return [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports.items()]


def _probes(health: Health) -> dict[str, Any]:
    def get(path: str) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": "http"}, "timeoutSeconds": 2}

    attempts = max(1, round(duration_seconds(health.startup_deadline) / PROBE_PERIOD_SECONDS))
    return {
        "startupProbe": {**get(health.ready), "periodSeconds": PROBE_PERIOD_SECONDS, "failureThreshold": attempts},
        "readinessProbe": {**get(health.ready), "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**get(health.live), "periodSeconds": 10, "failureThreshold": 3},
    }


def _as_written(server: Server) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if server.command:
        written["command"] = list(server.command)
    if server.args:
        written["args"] = list(server.args)
    if server.resources:
        written["resources"] = server.resources
    if server.image:
        # Another image may stop at once on SIGTERM, while Services still send to it.
        written["lifecycle"] = {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}}
    return written


def _placement(pod: Pod) -> dict[str, Any]:
    written = pod.to_written()
    names = (
        "nodeSelector",
        "tolerations",
        "affinity",
        "topologySpreadConstraints",
        "serviceAccountName",
        "imagePullSecrets",
        "priorityClassName",
        "runtimeClassName",
    )
    return {name: written[name] for name in names if name in written}
