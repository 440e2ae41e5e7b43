"""A model -> the structural schema that the API server takes. Pure.

Pydantic describes a model as JSON schema; a structural schema is the finite part of it: no references, no unions, one
type per node. What cannot be said there is refused with the path of the field, so that nothing comes out that a
cluster would refuse or read otherwise.

A default is written where it applies: an object whose fields have defaults gets `{}` and the API server fills it,
because a default below an absent object does nothing. Null and empty values are no defaults: absent means the same.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from serin.api.v1alpha1.shared import Schema

Json = dict[str, Any]

RULES = "x-kubernetes-validations"
LIST_TYPE = "x-kubernetes-list-type"
INT_OR_STRING = "x-kubernetes-int-or-string"
FREE_FORM = "x-kubernetes-preserve-unknown-fields"

TYPES = ("object", "array", "string", "integer", "number", "boolean")

DEPTH_LIMIT = 32
"""The deepest object of the API has 7 levels: more than this is a model that contains itself."""

_KEPT = (
    "description", "type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems",
    "maxItems", "maxProperties", "required", RULES, LIST_TYPE, INT_OR_STRING, "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
)  # fmt: skip
_TRANSLATED = (
    "title", "default", "const", "exclusiveMinimum", "exclusiveMaximum", "properties", "additionalProperties", "items",
)  # fmt: skip


_EMPTY: tuple[Any, ...] = (None, [], {})


class UnsupportedSchemaError(ValueError):
    """A model uses what a structural schema cannot say."""


def make_structural_schema(model: type[Schema]) -> Json:
    """The structural schema of a model with its `RULES`, those of the models inside it included."""
    described = model.model_json_schema(by_alias=True, schema_generator=_JsonSchemaWithRules)
    return _convert(described, described.get("$defs", {}), model.__name__)


def without_rules_and_defaults(schema: Json) -> Json:
    """The same types and bounds, with nothing that the API server would fill in or weigh."""
    bare = {keyword: value for keyword, value in schema.items() if keyword not in (RULES, "default")}
    if "properties" in bare:
        bare["properties"] = {name: without_rules_and_defaults(child) for name, child in bare["properties"].items()}
    for keyword in ("items", "additionalProperties"):
        if keyword in bare:
            bare[keyword] = without_rules_and_defaults(bare[keyword])
    return bare


class _JsonSchemaWithRules(GenerateJsonSchema):
    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        rules = [{"rule": rule.expression, "message": rule.message} for rule in schema["cls"].RULES]
        return described | {RULES: rules} if rules else described


def _convert(described: Json, definitions: Json, path: str) -> Json:
    """One node and all below it; `path` names the field in errors."""
    if path.count(".") > DEPTH_LIMIT:
        raise UnsupportedSchemaError(f"{path}: deeper than {DEPTH_LIMIT} levels: a model must not contain itself")
    described = _resolve(described, definitions, path)
    unknown = sorted(set(described) - {*_KEPT, *_TRANSLATED})
    if unknown:
        raise UnsupportedSchemaError(f"{path}: {', '.join(unknown)}: a structural schema has no such keyword")
    if INT_OR_STRING not in described and described.get("type") not in TYPES:
        raise UnsupportedSchemaError(f"{path}: type {described.get('type')!r}: expected one of {', '.join(TYPES)}")
    schema = {keyword: described[keyword] for keyword in _KEPT if keyword in described}
    if "const" in described:
        schema["enum"] = [described["const"]]
    schema |= _convert_bounds(described) | _convert_children(described, definitions, path)
    default = _reduce(described.get("default"), schema, path)
    if default not in _EMPTY or (default == {} and _has_defaults(schema)):
        schema["default"] = default
    return schema


def _resolve(described: Json, definitions: Json, path: str) -> Json:
    """The node with a reference or an `X | None` replaced by what it stands for; keywords beside it win."""
    beside = {keyword: value for keyword, value in described.items() if keyword not in ("$ref", "anyOf", "$defs")}
    if "$ref" in described:
        name = described["$ref"].removeprefix("#/$defs/")
        return _resolve(definitions[name] | beside, definitions, path)
    if "anyOf" not in described:
        return beside
    members = [member for member in described["anyOf"] if member != {"type": "null"}]
    if len(members) == 1:
        return _resolve(members[0] | beside, definitions, path)
    if members in ([{"type": "integer"}, {"type": "string"}], [{"type": "string"}, {"type": "integer"}]):
        return beside | {INT_OR_STRING: True}
    raise UnsupportedSchemaError(f"{path}: a union of {members}: expected X | None or int | str")


def _convert_bounds(described: Json) -> Json:
    """Exclusive bounds in the form of OpenAPI 3.0: a flag beside the bound."""
    schema: Json = {}
    for bound, flag in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if flag in described:
            schema |= {bound: described[flag], flag: True}
    return schema


def _convert_children(described: Json, definitions: Json, path: str) -> Json:
    schema: Json = {}
    if "properties" in described:
        schema["properties"] = {
            name: _convert(child, definitions, f"{path}.{name}") for name, child in described["properties"].items()
        }
    values = described.get("additionalProperties", False)
    if values and "properties" in described:
        raise UnsupportedSchemaError(f"{path}: free keys beside named fields: expected one of the two")
    if values is True:
        schema[FREE_FORM] = True
    elif values:
        schema["additionalProperties"] = _convert(values, definitions, f"{path}.*")
    if described.get("type") == "array":
        if "items" not in described:
            raise UnsupportedSchemaError(f"{path}: a list without a type of its items")
        schema["items"] = _convert(described["items"], definitions, f"{path}[]")
        schema.setdefault(LIST_TYPE, described.get(LIST_TYPE, "atomic"))
    return schema


def _reduce(default: Any, schema: Json, path: str) -> Any:
    """The default without nulls and without what the schema below fills in anyway."""
    if isinstance(default, list):
        return [_reduce(item, schema["items"], f"{path}[]") for item in default]
    if not isinstance(default, dict) or "properties" not in schema:
        return default
    reduced = {}
    for name, value in default.items():
        field = schema["properties"][name]
        kept = _reduce(value, field, f"{path}.{name}")
        if "default" not in field:
            if kept not in _EMPTY:
                reduced[name] = kept
        elif kept is None:
            raise UnsupportedSchemaError(f"{path}.{name}: null instead of {field['default']!r}: expected a value")
        # The API server weighs the rules on a default as it stands, before it fills in the fields' own.
        elif kept != field["default"] or RULES in schema:
            reduced[name] = kept
    return reduced


def _has_defaults(schema: Json) -> bool:
    return any("default" in child for child in schema.get("properties", {}).values())
