"""What people without Helm apply, rendered from the chart: manifests/install.yaml and the folders of Kustomize.

Labels that say that Helm manages an object go: here it does not.
"""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from serin_chart.definitions import PlainDumper

NAMESPACE = "serin-system"
HEADER = "# Generated from charts/serin by `make generate`. Do not edit.\n"
INSTALL_HEADER = f"""\
{HEADER}# Serin for all namespaces: kubectl apply -f manifests/install.yaml
# To change the images, the address of Prometheus or anything else, build on manifests/kustomize/all-namespaces, or use
# the chart.
"""
HELMS_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by")
HELMS_ANNOTATION = "helm.sh/resource-policy"

Manifest = dict[str, Any]


def render_files(helm: Path, chart: Path) -> Iterator[tuple[str, str]]:
    """Path below manifests/ and text."""
    everything = render_chart(helm, chart)
    definitions = [manifest for manifest in everything if manifest["kind"] == "CustomResourceDefinition"]
    operator = [manifest for manifest in everything if manifest["kind"] != "CustomResourceDefinition"]
    namespace = make_namespace()
    one_namespace = render_chart(
        helm, chart, f"watchNamespaces={{{NAMESPACE}}}", "crds.install=false", "rbac.aggregate=false"
    )
    yield "install.yaml", INSTALL_HEADER + dump([namespace, *definitions, *operator])
    yield "kustomize/definitions/definitions.yaml", HEADER + dump(definitions)
    yield "kustomize/definitions/kustomization.yaml", kustomization("The two kinds.", ["definitions.yaml"])
    yield "kustomize/all-namespaces/operator.yaml", HEADER + dump([namespace, *operator])
    yield (
        "kustomize/all-namespaces/kustomization.yaml",
        kustomization("The whole of Serin, as manifests/install.yaml.", ["../definitions", "operator.yaml"]),
    )
    yield "kustomize/one-namespace/operator.yaml", HEADER + dump(one_namespace)
    yield (
        "kustomize/one-namespace/kustomization.yaml",
        kustomization(
            "An operator for the namespace that it is in, without any right in the cluster. Build on it and set\n"
            "# `namespace`; whoever runs the cluster applies ../definitions once.",
            ["operator.yaml"],
        ),
    )


def render_chart(helm: Path, chart: Path, *settings: str) -> list[Manifest]:
    """The chart's objects as they are without Helm, tests left out."""
    command = [str(helm), "template", "serin", str(chart), "--namespace", NAMESPACE, "--no-hooks"]
    command += [argument for setting in settings for argument in ("--set", setting)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    manifests = [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]
    return [_without_helm(manifest) for manifest in manifests]


def _without_helm(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_helm(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {name: _without_helm(value) for name, value in node.items()}
    if isinstance(kept.get("labels"), dict):
        for label in HELMS_LABELS:
            kept["labels"].pop(label, None)
    if isinstance(kept.get("annotations"), dict) and kept["annotations"].pop(HELMS_ANNOTATION, None):
        kept = {name: value for name, value in kept.items() if name != "annotations" or value}
    return kept


def make_namespace() -> Manifest:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def dump(manifests: Sequence[Manifest]) -> str:
    return yaml.dump_all(manifests, Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=120)


def kustomization(what: str, resources: Sequence[str]) -> str:
    content = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(resources)}
    return f"{HEADER}# {what}\n{dump([content])}"
