"""The kinds of Kubernetes objects that Serin touches, and whose business an object is.

Serin's own kinds are read unrestricted. Of everybody's kinds only what carries Serin's labels is listed and watched,
so the operator's memory grows with its own objects and not with the cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serin.core.facts import Key
from serin.core.model_deployment.names import MANAGED_BY_LABEL, MANAGER, MODEL_DEPLOYMENT_LABEL

GATEWAY_GROUP = "gateway.networking.k8s.io"
MANAGED_BY_SERIN = f"{MANAGED_BY_LABEL}={MANAGER}"


@dataclass(frozen=True, slots=True)
class Kind:
    """`label_selector` None: every object of the kind. `is_optional`: not every cluster knows it."""

    name: str
    group: str
    version: str
    plural: str
    label_selector: str | None = None
    is_optional: bool = False
    is_namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """Path at the API server of one object, of a namespace's objects, or of all."""
        parts = ["/apis" if self.group else "/api", self.api_version]
        if namespace is not None and self.is_namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name is not None:
            parts.append(name)
        return "/".join(parts)


WATCHED = {
    kind.name: kind
    for kind in (
        Kind("ModelDeployment", "serin.dev", "v1alpha1", "modeldeployments"),
        Kind("Rollout", "serin.dev", "v1alpha1", "rollouts"),
        Kind("ControllerRevision", "apps", "v1", "controllerrevisions", MANAGED_BY_SERIN),
        Kind("Deployment", "apps", "v1", "deployments", MANAGED_BY_SERIN),
        Kind("Service", "", "v1", "services", MANAGED_BY_SERIN),
        Kind("ConfigMap", "", "v1", "configmaps", MANAGED_BY_SERIN),
        Kind("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", MANAGED_BY_SERIN),
        Kind("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers", MANAGED_BY_SERIN),
        Kind("Pod", "", "v1", "pods", MODEL_DEPLOYMENT_LABEL),
        Kind("HTTPRoute", GATEWAY_GROUP, "v1", "httproutes", MANAGED_BY_SERIN, is_optional=True),
    )
}

EVENT = Kind("Event", "", "v1", "events")

# Of other people, and read when a provider of traffic has to know.
GATEWAY = Kind("Gateway", GATEWAY_GROUP, "v1", "gateways", is_optional=True)
GATEWAY_CLASS = Kind("GatewayClass", GATEWAY_GROUP, "v1", "gatewayclasses", is_optional=True, is_namespaced=False)

KINDS: Mapping[str, Kind] = {**WATCHED, **{kind.name: kind for kind in (EVENT, GATEWAY, GATEWAY_CLASS)}}


def owner_key(kind: str, live: Mapping[str, Any]) -> Key | None:
    """The ModelDeployment whose business this object is, or all of the namespace; None when it does not say."""
    metadata = live["metadata"]
    if kind == "ModelDeployment":
        name = metadata["name"]
    elif kind == "Rollout":
        name = live.get("spec", {}).get("modelDeployment")
    else:
        name = (metadata.get("labels") or {}).get(MODEL_DEPLOYMENT_LABEL)
    return None if name is None else Key(metadata["namespace"], name)


def controller_of(live: Mapping[str, Any]) -> Mapping[str, Any]:
    """The owner reference of the one that answers for it; empty without one."""
    references = live["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), {})
