"""The definitions as they are installed: structural at every node, small, and in step with the models."""

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from serin.api.crd import KINDS, MODEL_DEPLOYMENT, ROLLOUT, Kind, make_crd
from serin.api.structural_schema import FREE_FORM, INT_OR_STRING, LIST_TYPE, RULES, TYPES, Json

ROOT = Path(__file__).parents[3]
SIZE_LIMIT_BYTES = 128 * 1024  # of the 256 KiB that all annotations of an object may have together

FORBIDDEN = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "const", "title", "uniqueItems", "prefixItems", "nullable"}

each_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])


def object_schema(kind: Kind) -> Json:
    schema: Json = make_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: Json, path: str) -> Iterator[tuple[str, Json]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for keyword, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if keyword in schema:
            yield from nodes(schema[keyword], path + mark)


def holds_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(holds_null(inner) for inner in value.values())
    if isinstance(value, list):
        return any(holds_null(inner) for inner in value)
    return value is None


@each_kind
def test_every_node_has_one_type_and_no_forbidden_keyword(kind: Kind) -> None:
    for path, schema in nodes(object_schema(kind), kind.name):
        assert (schema.get("type") in TYPES) != (INT_OR_STRING in schema), path
        assert not FORBIDDEN & set(schema), path


@each_kind
def test_free_keys_never_stand_beside_named_fields(kind: Kind) -> None:
    for path, schema in nodes(object_schema(kind), kind.name):
        ways = [keyword for keyword in ("properties", "additionalProperties", FREE_FORM) if keyword in schema]
        bare_metadata = path == f"{kind.name}.metadata"
        assert len(ways) == (1 if schema.get("type") == "object" and not bare_metadata else 0), path


@each_kind
def test_every_list_says_how_it_is_merged(kind: Kind) -> None:
    for path, schema in nodes(object_schema(kind), kind.name):
        if schema.get("type") != "array":
            continue
        if path.endswith(".conditions"):
            assert schema[LIST_TYPE] == "map", path
            assert schema["x-kubernetes-list-map-keys"] == ["type"], path
            assert "type" in schema["items"]["required"], path
        else:
            assert schema[LIST_TYPE] == "atomic", path


@each_kind
def test_no_default_holds_a_null(kind: Kind) -> None:
    for path, schema in nodes(object_schema(kind), kind.name):
        assert "default" not in schema or not holds_null(schema["default"]), path


@each_kind
def test_every_list_map_and_text_of_the_spec_is_bounded(kind: Kind) -> None:
    for path, schema in nodes(object_schema(kind)["properties"]["spec"], "spec"):
        if schema.get("type") == "array":
            assert "maxItems" in schema, path
        elif "additionalProperties" in schema:
            assert "maxProperties" in schema, path
        elif schema.get("type") == "string":
            assert {"maxLength", "enum"} & set(schema), path


@each_kind
def test_every_field_of_the_spec_says_what_it_means(kind: Kind) -> None:
    for path, schema in nodes(object_schema(kind)["properties"]["spec"], "spec"):
        if not path.endswith(("[]", ".*")):
            assert schema.get("description"), path


@each_kind
def test_the_status_has_no_rules_and_its_only_default_is_that_nothing_was_observed(kind: Kind) -> None:
    status = object_schema(kind)["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    for path, schema in nodes(status, "status"):
        assert RULES not in schema, path
        assert "default" not in schema or path == "status", path


@each_kind
def test_every_rule_has_a_message_that_fits_one_line(kind: Kind) -> None:
    for path, schema in nodes(object_schema(kind), kind.name):
        for rule in schema.get(RULES, []):
            assert rule["message"].strip(), path
            assert "\n" not in rule["message"], path


def test_the_kinds_are_known_by_their_short_names_and_one_category() -> None:
    names = {kind.name: make_crd(kind)["spec"]["names"] for kind in KINDS}
    assert {name: entry["shortNames"] for name, entry in names.items()} == {
        "ModelDeployment": ["md"],
        "Rollout": ["mro"],
    }
    assert all(entry["categories"] == ["serin"] for entry in names.values())


@pytest.mark.parametrize(
    ("kind", "columns", "wide"),
    [
        (MODEL_DEPLOYMENT, ["Stable", "Candidate", "Weight", "Ready", "Phase", "Reason", "Age"], ["Message"]),
        (
            ROLLOUT,
            ["Deployment", "Version", "Phase", "Weight", "Good", "Bad", "ETA", "Age"],
            ["Verdict", "Proven", "Message"],
        ),
    ],
    ids=[MODEL_DEPLOYMENT.name, ROLLOUT.name],
)
def test_the_columns_tell_the_story(kind: Kind, columns: list[str], wide: list[str]) -> None:
    made = make_crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"] for column in made if "priority" not in column] == columns
    assert [column["name"] for column in made if column.get("priority") == 1] == wide


@each_kind
def test_every_column_shows_a_field_of_the_schema(kind: Kind) -> None:
    root = object_schema(kind)
    for column in kind.columns:
        if column.path.startswith((".metadata", ".status.conditions[?")):
            continue
        schema = root
        for name in column.path.strip(".").split("."):
            schema = schema["properties"][name]
        assert schema["type"] == column.type, column.name


def test_only_a_model_deployment_can_be_scaled() -> None:
    subresources = {kind.name: make_crd(kind)["spec"]["versions"][0]["subresources"] for kind in KINDS}
    assert subresources["Rollout"] == {"status": {}}
    assert subresources["ModelDeployment"] == {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    }


@each_kind
def test_a_definition_is_far_below_what_an_annotation_can_hold(kind: Kind) -> None:
    assert (ROOT / "crds" / f"{kind.plural}.yaml").stat().st_size < SIZE_LIMIT_BYTES


def test_the_committed_files_are_what_the_models_say() -> None:
    generated: dict[str, str] = runpy.run_path(str(ROOT / "hack" / "generate.py"))["make_files"]()
    stale = [path for path, text in generated.items() if (ROOT / path).read_text(encoding="utf-8") != text]
    assert stale == [], "run: python hack/generate.py"


@each_kind
def test_the_written_definition_reads_back_as_it_was_made(kind: Kind) -> None:
    assert yaml.safe_load((ROOT / "crds" / f"{kind.plural}.yaml").read_text(encoding="utf-8")) == make_crd(kind)
