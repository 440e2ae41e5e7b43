"""Builders of raw objects as an API server would answer them; what a test does not name does not matter."""

import copy
from typing import Any

OWNER = {
    "apiVersion": "serin.dev/v1alpha1",
    "kind": "ModelDeployment",
    "name": "weather",
    "uid": "uid-of-weather",
    "controller": True,
    "blockOwnerDeletion": True,
}


def make_live(kind: str, name: str = "weather", version: int = 10, **parts: Any) -> dict[str, Any]:
    """An object with Serin's labels; `metadata` is merged over, every other part replaces."""
    metadata = {
        "namespace": "ml",
        "name": name,
        "uid": f"uid-of-{name}",
        "resourceVersion": str(version),
        "labels": {"serin.dev/model-deployment": "weather", "app.kubernetes.io/managed-by": "serin"},
        **parts.pop("metadata", {}),
    }
    api_version = {"ModelDeployment": "serin.dev/v1alpha1", "Rollout": "serin.dev/v1alpha1", "Pod": "v1"}
    return {"apiVersion": api_version.get(kind, "apps/v1"), "kind": kind, "metadata": metadata, **parts}


def make_manifest(kind: str = "Deployment", name: str = "weather-1", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "labels": {"serin.dev/model-deployment": "weather", "app.kubernetes.io/managed-by": "serin"},
            "ownerReferences": [copy.deepcopy(OWNER)],
        },
        "spec": spec or {"replicas": 2},
    }
