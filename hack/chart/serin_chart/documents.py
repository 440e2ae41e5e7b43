"""From the model of the values to what people and Helm read: values.yaml, values.schema.json, the README's table."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from serin_chart.values import ChartValues, WholeSchema

HEADER = "# Generated from hack/chart/serin_chart/values.py by `make generate`. Do not edit.\n"
WIDTH = 116
VALUES_BEGIN = "<!-- values: generated from hack/chart/serin_chart/values.py -->"
VALUES_END = "<!-- end of values -->"

Json = dict[str, Any]


def render_schema() -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Values of the chart serin",
        **_inline(WholeSchema.model_json_schema(by_alias=True)),
    }
    return json.dumps(schema, indent=2) + "\n"


def _inline(schema: Json) -> Json:
    """Without references and titles: Helm 3 drops what stands beside a reference, and each name is its own title."""
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        target = definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else {}
        merged = {**target, **{name: value for name, value in node.items() if name != "$ref"}}
        return {
            name: {key: resolve(child) for key, child in value.items()} if name == "properties" else resolve(value)
            for name, value in merged.items()
            if name != "title"
        }

    resolved: Json = resolve(schema)
    return resolved


def render_values() -> str:
    blocks = []
    for name, field, value in _fields(ChartValues()):
        blocks.append("\n".join(_render_value(name, field, value, indent=0)))
    return HEADER + "\n" + "\n\n".join(blocks) + "\n"


def _fields(part: BaseModel) -> Iterator[tuple[str, FieldInfo, Any]]:
    for name, field in type(part).model_fields.items():
        yield str(field.alias), field, getattr(part, name)


def _render_value(name: str, field: FieldInfo, value: Any, indent: int) -> Iterator[str]:
    space = " " * indent
    if field.description:
        yield from (f"{space}# {line}" for line in textwrap.wrap(field.description, WIDTH - indent))
    if isinstance(value, BaseModel):
        yield f"{space}{name}:"
        for below in _fields(value):
            yield from _render_value(*below, indent=indent + 2)
    else:
        yield textwrap.indent(yaml.safe_dump({name: value}, sort_keys=False, width=WIDTH).rstrip(), space)


def fill_values(readme: str) -> str:
    """The chart's README with the table between its two marks."""
    before, found, rest = readme.partition(VALUES_BEGIN)
    _, ended, after = rest.partition(VALUES_END)
    if not (found and ended):
        raise ValueError(f"charts/serin/README.md: expected the marks {VALUES_BEGIN!r} and {VALUES_END!r}")
    return f"{before}{VALUES_BEGIN}\n{_render_table()}\n{VALUES_END}{after}"


def _render_table() -> str:
    rows = ["| Value | Default | Meaning |", "|---|---|---|", *_rows(ChartValues(), "")]
    return "\n".join(rows)


def _rows(part: BaseModel, path: str) -> Iterator[str]:
    for name, field, value in _fields(part):
        meaning = (field.description or "").replace("|", "\\|")
        if isinstance(value, BaseModel):
            if meaning:
                yield f"| `{path}{name}` | | {meaning} |"
            yield from _rows(value, f"{path}{name}.")
        else:
            yield f"| `{path}{name}` | `{json.dumps(value)}` | {meaning} |"
