"""Flux, as a team uses it: the samples of manifests/flux with the team's own addresses, and what it says of them."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from cluster.kubectl import Json, Kubectl
from cluster.waiting import wait_until
from gitops.guide import run_guide

SAMPLES = Path(__file__).parents[2] / "manifests" / "flux"
KUSTOMIZATION = "kustomizations.kustomize.toolkit.fluxcd.io/models"
REQUEST = "reconcile.fluxcd.io/requestedAt"

_requests = itertools.count(1)


class Flux:
    """One source and one Kustomization, both named `models`, in the namespace that the models go to."""

    def __init__(self, kubectl: Kubectl, sample: str, source: Mapping[str, Any]) -> None:
        """`sample` is a file of manifests/flux, `source` what the spec of its source has here."""
        self._kubectl = kubectl
        reader, kustomization = yaml.safe_load_all((SAMPLES / sample).read_text(encoding="utf-8"))
        self._source = f"{reader['kind'].lower()}/models"
        reader["spec"].update(source)
        kustomization["spec"]["targetNamespace"] = kubectl.namespace
        for manifest in (reader, kustomization):
            manifest["metadata"]["namespace"] = kubectl.namespace
            kubectl.apply(manifest)

    def fetch(self) -> None:
        """Looks at the source now, so that no test waits for the interval."""
        run_guide("flux-now", {"flux-system": self._kubectl.namespace, "gitrepository/models": self._source})

    def reconcile(self) -> None:
        """As `flux reconcile kustomization` does; returns when Flux has applied and judged everything once more."""
        token = f"again-{next(_requests)}"
        self._kubectl.run("annotate", "--overwrite", KUSTOMIZATION, f"{REQUEST}={token}")
        wait_until(f"Flux has handled {token}", lambda: self._status().get("lastHandledReconcileAt") == token)

    def why(self) -> str:
        """The state of everything, as the guide shows it."""
        return run_guide("flux-why", {"flux-system": self._kubectl.namespace, "-n ml": f"-n {self._kubectl.namespace}"})

    def until_ready(self, revision: str) -> None:
        """Until the Kustomization is Ready with what has this hash."""

        def look() -> bool:
            status = self._status()
            ready = self._condition("Ready")
            return (
                status.get("lastAppliedRevision", "").endswith(revision)
                and ready is not None
                and ready["status"] == "True"
            )

        wait_until(f"the Kustomization is Ready at {revision}\n{self._status()}", look)

    def until_not_ready(self, revision: str) -> Json:
        """Until it has tried this revision and given up; its condition Ready."""

        def look() -> Json | None:
            ready = self._condition("Ready")
            has_tried = self._status().get("lastAttemptedRevision", "").endswith(revision)
            return ready if has_tried and ready is not None and ready["status"] == "False" else None

        return wait_until(f"the Kustomization has failed at {revision}", look)

    def _status(self) -> Json:
        return dict(self._kubectl.read("get", KUSTOMIZATION).get("status") or {})

    def _condition(self, kind: str) -> Json | None:
        return next((c for c in self._status().get("conditions") or () if c["type"] == kind), None)
