"""Run in the environment of requirements/packaging.lock: manifests by source on standard input, faults by source out.

Kubernetes' own kinds are held against their published schemas, strictly; those of the Prometheus Operator against
models made from its definitions, where a field that the model does not keep is one that does not exist.
"""

import json
import sys
from typing import Any

import kubernetes_validate
from cloudcoil.models.prometheus_operator import v1 as prometheus_operator

VERSION = "1.37"


def find_fault(manifest: Any) -> str | None:
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        kept = getattr(prometheus_operator, manifest["kind"]).model_validate(manifest)
        written = kept.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return None if written == manifest else f"fields that do not exist: {manifest} is read as {written}"
    try:
        kubernetes_validate.validate(manifest, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message}"
    return None


if __name__ == "__main__":
    found = {
        source: [f"{it['kind']} {it['metadata']['name']}: {fault}" for it in manifests if (fault := find_fault(it))]
        for source, manifests in json.load(sys.stdin).items()
    }
    json.dump(found, sys.stdout)
