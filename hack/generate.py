"""Writes what follows from the sources: crds/, the field reference docs/reference/api.md, the phases in the docs.

Run `make generate` after a change below operator/serin/api or of core/rollout/phases.py; the same sources give the
same bytes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from serin.api.crd import KINDS, Kind, make_crd
from serin.api.structural_schema import FREE_FORM, INT_OR_STRING, RULES
from serin.api.v1alpha1.shared import DURATION_PATTERN
from serin.core.rollout.phases import TRANSITIONS, is_terminal

ROOT = Path(__file__).parents[1]

CRD_HEADER = "# Generated from operator/serin/api by hack/generate.py. Do not edit.\n"

REFERENCE_HEADER = """\
<!-- Generated from operator/serin/api by hack/generate.py. Do not edit. -->
# The API: every field

Group `serin.dev`, version `v1alpha1`; both kinds live in a namespace. What a bound or a rule refuses never reaches the
operator: `kubectl apply` shows the message. An empty list or map means the same as none.

Bounds are intervals: `[0, 1)` holds 0 and not 1. Of a string they are its length, of a list or map its size. A duration
is a text such as `90s`, `5m` or `1h30m`.
"""

PLAN_TWINS = ("spec.plan", "status.plan")
"""Listed once, as `spec.rollout` of the ModelDeployment."""

PHASES_BEGIN = "<!-- phases: generated from core/rollout/phases.py by hack/generate.py -->"
PHASES_END = "<!-- end of phases -->"

Json = dict[str, Any]


@dataclass(frozen=True)
class Field:
    path: str
    schema: Json
    required: bool = False


class PlainDumper(yaml.SafeDumper):
    """Every value written out: no reader expects anchors in a definition."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (the base names it)
        return True


def make_files() -> dict[str, str]:
    """Path below the root -> text, of all that is generated."""
    architecture = "docs/architecture.md"
    files = {
        "docs/reference/api.md": make_reference(),
        architecture: fill_phases((ROOT / architecture).read_text(encoding="utf-8")),
    }
    for kind in KINDS:
        text = yaml.dump(make_crd(kind), Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=120)
        files[f"crds/{kind.plural}.yaml"] = CRD_HEADER + text
    return files


def render_phases() -> str:
    """The table of phases as a diagram."""
    lines = ["```mermaid", "stateDiagram-v2", "  direction LR", "  [*] --> Pending"]
    for before, afters in TRANSITIONS.items():
        lines += [f"  {before} --> {after}" for after in TRANSITIONS if after in afters]
        if is_terminal(before):
            lines.append(f"  {before} --> [*]")
    return "\n".join([*lines, "```"])


def fill_phases(document: str) -> str:
    """The architecture page with the diagram between its two marks."""
    before, found, rest = document.partition(PHASES_BEGIN)
    _, ended, after = rest.partition(PHASES_END)
    if not (found and ended):
        raise ValueError(f"docs/architecture.md: expected the marks {PHASES_BEGIN!r} and {PHASES_END!r}")
    return f"{before}{PHASES_BEGIN}\n{render_phases()}\n{PHASES_END}{after}"


def make_reference() -> str:
    return "\n".join([REFERENCE_HEADER, *(section for kind in KINDS for section in make_sections(kind))])


def make_sections(kind: Kind) -> Iterator[str]:
    schema = make_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    yield f"## {kind.name}\n\n{schema['description']} Short name: `{kind.short_name}`.\n"
    yield f"### {kind.name}: spec\n"
    yield make_table(spec, "spec", with_defaults=True)
    yield f"### {kind.name}: rules\n"
    yield make_rules({**schema, "properties": {"spec": spec}})
    yield f"### {kind.name}: status\n\n{status['description']}\n"
    yield make_table(status, "status", with_defaults=False)


def make_table(schema: Json, path: str, with_defaults: bool) -> str:
    heads = ["Field", "Type", "Default", "Meaning"] if with_defaults else ["Field", "Type", "Meaning"]
    rows = [heads, ["---"] * len(heads)]
    for field in walk(schema, path):
        if "[]" in field.path.rsplit(".", 1)[-1]:
            continue
        default = [render_default(field)] if with_defaults else []
        rows.append([f"`{field.path}`", escape(render_type(field.schema)), *default, escape(render_meaning(field))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def make_rules(schema: Json) -> str:
    fields = [Field("metadata", schema), *walk(schema, "")]
    rules = [(field.path, rule["message"]) for field in fields for rule in field.schema.get(RULES, [])]
    return "\n".join(f"- `{path}`: {message}." for path, message in rules) + "\n"


def walk(schema: Json, path: str) -> Iterator[Field]:
    """Every field below an object in the order of the model; the item of a list of objects is a field `path[]`."""
    for name, child in schema.get("properties", {}).items():
        field = Field(f"{path}.{name}".lstrip("."), child, name in schema.get("required", []))
        yield field
        if field.path in PLAN_TWINS:
            continue
        yield from walk(child, field.path)
        if "properties" in child.get("items", {}):
            yield Field(f"{field.path}[]", child["items"])
            yield from walk(child["items"], f"{field.path}[]")


def render_meaning(field: Field) -> str:
    meaning: str = field.schema.get("description", "")
    same = " Fields and rules: as `spec.rollout` of a ModelDeployment." if field.path in PLAN_TWINS else ""
    return meaning + same


def render_default(field: Field) -> str:
    if field.required:
        return "required"
    if "default" not in field.schema or isinstance(field.schema["default"], dict | list):
        return ""  # what the fields below say
    return f"`{json.dumps(field.schema['default']).strip(chr(34))}`"


def render_type(schema: Json) -> str:
    if INT_OR_STRING in schema:
        return "integer or string"
    if schema.get("pattern") == DURATION_PATTERN:
        return "duration"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        return f"list{render_range(schema, 'minItems', 'maxItems')} of {render_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map{render_range(schema, '', 'maxProperties')} of {render_type(schema['additionalProperties'])}"
    if FREE_FORM in schema:
        return "free-form object"
    word = "time" if schema.get("format") == "date-time" else schema["type"]
    pattern = f" `{schema['pattern']}`" if "pattern" in schema else ""
    return word + render_range(schema, "minimum", "maximum") + render_range(schema, "minLength", "maxLength") + pattern


def render_range(schema: Json, low: str, high: str) -> str:
    """The bounds as an interval: `[0, 1)` holds 0 and not 1."""
    if low not in schema and high not in schema:
        return ""
    first = f"{'(' if 'exclusiveMinimum' in schema else '['}{schema.get(low, 0)}"
    last = f"{schema.get(high, '')}{')' if 'exclusiveMaximum' in schema or high not in schema else ']'}"
    return f" {first}, {last}"


def escape(text: str) -> str:
    """A bar would end the cell of the table, even inside code."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for path, text in make_files().items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
