"""Objects on their way to the API server and back: nothing is lost, and both sides fill in the same defaults."""

import re
from datetime import UTC
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serin.api.crd import KINDS, Kind, make_crd
from serin.api.structural_schema import FREE_FORM, INT_OR_STRING, Json
from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin.api.v1alpha1.rollout import RolloutSpec

TEXTS = (
    "a",
    "1.0-rc",
    "5m",
    "1h30m",
    "Step2",
    "/v1/ready",
    'requests_total{code=~"5.."}',
    "sha256:" + "0" * 64,
    "configmap://golden",
)
"""One at least for every pattern of the schema, and forms that people write elsewhere."""

MINIMAL: Json = {"model": {"uri": "oci://models/weather:1"}}

quickly = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

parts = pytest.mark.parametrize(
    ("kind", "part"),
    [(kind, part) for kind in KINDS for part in ("spec", "status")],
    ids=[f"{kind.name}.{part}" for kind in KINDS for part in ("spec", "status")],
)


@cache
def part_schema(kind: Kind, part: str) -> Json:
    schema: Json = make_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part]
    return schema


@cache
def part_values(kind: Kind, part: str) -> st.SearchStrategy[Any]:
    return values(part_schema(kind, part))


def part_model(kind: Kind, part: str) -> Any:
    return kind.model.model_fields[part].annotation


def values(schema: Json) -> st.SearchStrategy[Any]:
    """Any value that the schema admits."""
    if schema.get("type") == "array":
        high = min(schema.get("maxItems", 2), 2)
        return st.lists(values(schema["items"]), min_size=schema.get("minItems", 0), max_size=high)
    if FREE_FORM in schema:
        amounts = st.dictionaries(st.sampled_from(["cpu", "memory"]), st.integers(0, 9), max_size=2)
        return st.dictionaries(st.sampled_from(["requests", "limits"]), amounts, max_size=2)
    if "additionalProperties" in schema:
        return st.dictionaries(st.sampled_from(["team", "serin.dev/x"]), values(schema["additionalProperties"]))
    if "properties" in schema:
        fields = {name: values(child) for name, child in schema["properties"].items()}
        required = {name: fields.pop(name) for name in schema.get("required", [])}
        return st.fixed_dictionaries(required, optional=fields)
    return scalars(schema)


def scalars(schema: Json) -> st.SearchStrategy[Any]:
    if INT_OR_STRING in schema:
        return st.integers(1, 1000) | st.sampled_from(["1%", "25%", "100%"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("format") == "date-time":
        return st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat().replace("+00:00", "Z"))
    fits = [text for text in TEXTS if len(text) <= schema.get("maxLength", 99)]
    kinds = {
        "string": st.sampled_from([text for text in fits if re.match(schema.get("pattern", ""), text)]),
        "boolean": st.booleans(),
        "integer": st.integers(schema.get("minimum", -1), schema.get("maximum", 2**31)),
        "number": st.floats(
            schema.get("minimum", 0),
            schema.get("maximum", 1e6),
            exclude_min="exclusiveMinimum" in schema,
            exclude_max="exclusiveMaximum" in schema,
        ),
    }
    return kinds[schema["type"]]


def fill(schema: Json, value: Any) -> Any:
    """What the API server makes of a value: defaults put in, unknown fields dropped."""
    if isinstance(value, list):
        return [fill(schema["items"], item) for item in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    filled = {}
    for name, child in schema["properties"].items():
        if name in value or "default" in child:
            filled[name] = fill(child, value[name] if name in value else child["default"])
    return filled


@parts
@given(data=st.data())
@quickly
def test_an_object_comes_back_from_the_api_server_as_it_went(kind: Kind, part: str, data: st.DataObject) -> None:
    schema, model = part_schema(kind, part), part_model(kind, part)
    value = data.draw(part_values(kind, part))

    sent = model.model_validate(value)
    received = model.model_validate(fill(schema, sent.to_wire()))

    assert received == sent


@parts
@given(data=st.data())
@quickly
def test_a_client_that_writes_little_gets_the_defaults_that_the_operator_would_assume(
    kind: Kind, part: str, data: st.DataObject
) -> None:
    schema, model = part_schema(kind, part), part_model(kind, part)
    value = data.draw(part_values(kind, part))

    assert model.model_validate(fill(schema, value)) == model.model_validate(value)


def test_fields_are_camel_case_on_the_wire_and_unset_ones_are_left_out() -> None:
    wire = ModelDeploymentSpec.model_validate(MINIMAL).to_wire()
    assert wire["historyLimit"] == 10
    assert wire["rollout"]["analysis"]["minDuration"] == "5m"
    assert wire["model"] == MINIMAL["model"]


def test_what_is_written_holds_no_defaults() -> None:
    written_out = MINIMAL | {"replicas": 1, "server": {"ports": {"http": 8080}}, "rollout": {"size": 1}}
    spec = ModelDeploymentSpec.model_validate(written_out)
    assert spec.to_written() == MINIMAL
    assert spec == ModelDeploymentSpec.model_validate(MINIMAL)


def test_what_is_written_holds_every_difference() -> None:
    spec = MINIMAL | {"replicas": 2, "server": {"ports": {"http": 9000}}, "rollout": {"size": "25%"}}
    assert ModelDeploymentSpec.model_validate(spec).to_written() == spec


def test_a_field_of_a_newer_version_is_no_error() -> None:
    assert RolloutSpec.model_validate({"modelDeployment": "weather", "newer": 1}).model_deployment == "weather"


def test_a_change_beside_model_server_and_pod_is_no_new_content() -> None:
    before = ModelDeploymentSpec.model_validate(MINIMAL)
    after = ModelDeploymentSpec.model_validate(MINIMAL | {"replicas": 5, "paused": True, "service": {"port": 81}})
    other = ModelDeploymentSpec.model_validate(MINIMAL | {"pod": {"labels": {"team": "a"}}})
    assert before.content == after.content
    assert before.content != other.content
