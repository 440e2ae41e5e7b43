"""How a model becomes a structural schema, and what is refused before a cluster sees it."""

from datetime import datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field
from serin.api.structural_schema import (
    Json,
    UnsupportedSchemaError,
    make_structural_schema,
    without_rules_and_defaults,
)
from serin.api.v1alpha1.shared import Rule, Schema


class Inner(Schema):
    """An inner object."""

    size: int = 3
    note: str | None = None


class Ruled(Schema):
    RULES = (Rule("self.low <= self.high", "low must not be above high"),)
    low: int = 1
    high: int = 2


def properties(model: type[Schema]) -> Json:
    made: Json = make_structural_schema(model)["properties"]
    return made


def test_a_reference_is_written_out_with_its_description() -> None:
    class Outer(Schema):
        inner: Inner = Inner()

    inner = properties(Outer)["inner"]
    assert inner["type"] == "object"
    assert inner["description"] == "An inner object."
    assert inner["properties"] == {"size": {"type": "integer", "default": 3}, "note": {"type": "string"}}


def test_a_description_at_the_field_wins_over_that_of_the_object() -> None:
    class Outer(Schema):
        inner: Annotated[Inner | None, Field(description="This one.")] = None

    assert properties(Outer)["inner"]["description"] == "This one."


def test_an_object_is_defaulted_to_empty_so_that_the_defaults_inside_apply() -> None:
    class Outer(Schema):
        inner: Inner = Inner()
        several: tuple[Inner, ...] = (Inner(), Inner(size=4))

    assert properties(Outer)["inner"]["default"] == {}
    assert properties(Outer)["several"]["default"] == [{}, {"size": 4}]


def test_a_default_that_differs_from_the_inner_ones_says_only_the_difference() -> None:
    class Outer(Schema):
        inner: Inner = Inner(size=4)

    assert properties(Outer)["inner"]["default"] == {"size": 4}


def test_a_default_that_rules_weigh_is_written_in_full() -> None:
    class Outer(Schema):
        ruled: Ruled = Ruled()

    assert properties(Outer)["ruled"]["default"] == {"low": 1, "high": 2}


def test_null_and_empty_are_no_defaults() -> None:
    class Bare(Schema):
        text: str | None = None
        items: tuple[str, ...] = ()
        labels: dict[str, str] = Field(default={})

    class Outer(Schema):
        bare: Bare = Bare()

    assert all("default" not in field for field in properties(Bare).values())
    assert "default" not in properties(Outer)["bare"]


def test_an_empty_list_is_a_default_where_the_field_would_be_filled() -> None:
    class Listed(Schema):
        items: tuple[str, ...] = ("a",)

    class Outer(Schema):
        listed: Listed = Listed(items=())

    assert properties(Outer)["listed"]["default"] == {"items": []}


def test_rules_stand_at_the_object_that_they_hold_for() -> None:
    class Outer(Schema):
        ruled: Ruled = Ruled()

    schema = make_structural_schema(Outer)
    assert "x-kubernetes-validations" not in schema
    assert schema["properties"]["ruled"]["x-kubernetes-validations"] == [
        {"rule": "self.low <= self.high", "message": "low must not be above high"}
    ]


@pytest.mark.parametrize(
    ("annotation", "wanted"),
    [
        pytest.param(Literal["A"], {"type": "string", "enum": ["A"]}, id="a constant is an enum of one"),
        pytest.param(Literal["A", "B"], {"type": "string", "enum": ["A", "B"]}, id="a choice is an enum"),
        pytest.param(datetime, {"type": "string", "format": "date-time"}, id="a time is a text with a format"),
        pytest.param(int | str, {"x-kubernetes-int-or-string": True}, id="a number or a share has no type"),
        pytest.param(
            Annotated[float, Field(gt=0, lt=1)],
            {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1, "exclusiveMaximum": True},
            id="an exclusive bound is a flag beside the bound",
        ),
        pytest.param(
            tuple[str, ...],
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "atomic"},
            id="a list has one owner",
        ),
        pytest.param(
            dict[str, Any],
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            id="a free-form object keeps its fields",
        ),
        pytest.param(
            Annotated[dict[str, int], Field(max_length=2)],
            {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 2},
            id="a map is bounded by its keys",
        ),
        pytest.param(
            Annotated[dict[str, Any], Field(json_schema_extra={"x-kubernetes-map-type": "atomic"})],
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "x-kubernetes-map-type": "atomic"},
            id="what a field adds for Kubernetes is kept",
        ),
    ],
)
def test_a_type_becomes(annotation: Any, wanted: Json) -> None:
    model = type("Toy", (Schema,), {"__annotations__": {"field": annotation}})
    assert properties(model)["field"] == wanted


class Node(Schema):
    child: "Node | None" = None


class OtherObject(Schema):
    other: int


class FreeKeys(Schema, extra="allow"):
    field: int


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        pytest.param(Inner | OtherObject, r"^Toy\.field: a union of", id="a union of objects"),
        pytest.param(int | bool, r"^Toy\.field: a union of", id="a union of types"),
        pytest.param(tuple[int, str], r"^Toy\.field: prefixItems: ", id="a list with a type per place"),
        pytest.param(set[str], r"^Toy\.field: uniqueItems: ", id="a set"),
        pytest.param(Any, r"^Toy\.field: type None: expected one of object, ", id="anything"),
        pytest.param(list[Any], r"^Toy\.field\[\]: type None", id="a list of anything"),
        pytest.param(FreeKeys, r"^Toy\.field: free keys beside named fields", id="free keys beside named ones"),
        pytest.param(Node, r"^Toy\.field\.child\..*: deeper than 32 levels", id="an object that contains itself"),
    ],
)
def test_what_a_structural_schema_cannot_say_is_refused_with_the_field(annotation: Any, message: str) -> None:
    model = type("Toy", (Schema,), {"__annotations__": {"field": annotation}})
    with pytest.raises(UnsupportedSchemaError, match=message):
        make_structural_schema(model)


def test_a_null_that_the_api_server_would_fill_is_refused() -> None:
    class Filled(Schema):
        text: str | None = "filled"

    class Outer(Schema):
        filled: Filled = Filled(text=None)

    with pytest.raises(UnsupportedSchemaError, match=r"^Outer\.filled\.text: null instead of 'filled'"):
        make_structural_schema(Outer)


def test_a_bare_schema_keeps_types_and_bounds_and_a_field_called_default() -> None:
    class Outer(Schema):
        default: Annotated[int, Field(ge=1)] = 1
        listed: tuple[Ruled, ...] = (Ruled(),)
        mapped: dict[str, Inner] = Field(default={})

    bare = without_rules_and_defaults(make_structural_schema(Outer))["properties"]
    assert bare["default"] == {"type": "integer", "minimum": 1}
    assert bare["listed"]["items"]["properties"] == {"low": {"type": "integer"}, "high": {"type": "integer"}}
    assert "x-kubernetes-validations" not in bare["listed"]["items"]
    assert bare["mapped"]["additionalProperties"]["properties"]["size"] == {"type": "integer"}
