"""The CustomResourceDefinition of each kind: its names, its columns, its subresources and its schema. Pure.

`hack/generate.py` writes the result to `crds/`. The status has no rules and no defaults but `observedGeneration: -1`:
only the operator writes it, what it has not written is not known, and -1 tells that it has written nothing yet.
"""

from dataclasses import dataclass

from serin.api.structural_schema import Json, make_structural_schema, without_rules_and_defaults
from serin.api.v1alpha1 import model_deployment, rollout
from serin.api.v1alpha1.shared import GROUP, VERSION, Schema


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; a wide one is shown by `-o wide` alone."""

    name: str
    type: str
    path: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """What a definition tells beside the schema."""

    name: str
    plural: str
    short_name: str
    model: type[Schema]
    columns: tuple[Column, ...]
    scalable: bool = False


_AGE = Column("Age", "date", ".metadata.creationTimestamp")
_MESSAGE = Column("Message", "string", ".status.message", wide=True)

MODEL_DEPLOYMENT = Kind(
    name=model_deployment.KIND,
    plural=model_deployment.PLURAL,
    short_name="md",
    model=model_deployment.ModelDeployment,
    columns=(
        Column("Stable", "string", ".status.stable.version"),
        Column("Candidate", "string", ".status.candidate.version"),
        Column("Weight", "integer", ".status.candidate.weight"),
        Column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
        Column("Phase", "string", ".status.phase"),
        Column("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason'),
        _AGE,
        _MESSAGE,
    ),
    scalable=True,
)
ROLLOUT = Kind(
    name=rollout.KIND,
    plural=rollout.PLURAL,
    short_name="mro",
    model=rollout.Rollout,
    columns=(
        Column("Deployment", "string", ".spec.modelDeployment"),
        Column("Version", "string", ".status.canary.version"),
        Column("Phase", "string", ".status.phase"),
        Column("Weight", "number", ".status.weights.effective.canary"),
        Column("Good", "string", ".status.verdict.good"),
        Column("Bad", "string", ".status.verdict.bad"),
        Column("ETA", "string", ".status.verdict.eta"),
        _AGE,
        Column("Verdict", "string", ".status.verdict.state", wide=True),
        Column("Proven", "string", ".status.verdict.proven", wide=True),
        _MESSAGE,
    ),
)
KINDS = (MODEL_DEPLOYMENT, ROLLOUT)


def make_crd(kind: Kind) -> Json:
    """The whole definition of a kind, ready for `kubectl apply`."""
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "shortNames": [kind.short_name],
        "categories": ["serin"],
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_make_column(column) for column in kind.columns],
        "subresources": _make_subresources(kind),
        "schema": {"openAPIV3Schema": _make_object_schema(kind.model)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def _make_column(column: Column) -> Json:
    made: Json = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return made | {"priority": 1} if column.wide else made


def _make_subresources(kind: Kind) -> Json:
    subresources: Json = {"status": {}}
    if kind.scalable:
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    return subresources


def _make_object_schema(model: type[Schema]) -> Json:
    schema = make_structural_schema(model)
    properties = schema["properties"]
    status = without_rules_and_defaults(properties["status"])
    kubernetes_own = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        # The API server knows metadata by itself and refuses a definition that says more than its type.
        "metadata": {"type": "object"},
    }
    parts = kubernetes_own | {"spec": properties["spec"], "status": status | {"default": {"observedGeneration": -1}}}
    return schema | {"properties": parts, "required": ["spec"]}
