"""OpenAPI 3.1 of this very server: its one model's names, datatypes and shapes, not a generic protocol."""

from __future__ import annotations

from typing import Any

from serin_server import __version__
from serin_server.oip.datatypes import Datatype
from serin_server.oip.signature import DYNAMIC, Signature, TensorSpec

_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}

_CODES = {
    "400": "does not fit the model; the error says what was expected and what was got",
    "413": "the body is too large",
    "415": "the body is of another kind",
    "429": "too many requests are being worked on",
    "500": "the model or the server failed; the error has an id that the log has too",
    "503": "the model is loading",
    "504": "the model took too long",
}


def make_openapi(name: str, version: str, signature: Signature) -> dict[str, Any]:
    rows = {"type": "array", "minItems": 1, "items": _make_row(signature)}
    body = {"application/json": {"schema": rows}}
    with_csv = {**body, "text/csv": {"schema": {"type": "string"}}}
    infer = {"application/json": {"schema": _make_infer_request(signature)}}
    model_path = f"/v2/models/{name}"
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{name}, version {version}", "version": __version__},
        "paths": {
            "/predict": {"post": _make_operation("Rows in, predictions out", body, _make_predictions())},
            "/score": {"post": _make_operation("The same, from CSV too", with_csv, _make_predictions())},
            f"{model_path}/infer": {"post": _make_operation("Tensors in, tensors out", infer, {"type": "object"})},
            model_path: {"get": _make_operation("The model's tensors", None, {"type": "object"})},
            "/v2/health/ready": {"get": _make_operation("Does the model serve?", None, {"type": "object"})},
        },
    }


def _make_operation(summary: str, body: dict[str, Any] | None, answer: dict[str, Any]) -> dict[str, Any]:
    ok = {"description": "the answer", "content": {"application/json": {"schema": answer}}}
    if body is None:
        return {"summary": summary, "responses": {"200": ok, "503": {"description": _CODES["503"]}}}
    error = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    failures = {
        code: {"description": meaning, "content": {"application/json": {"schema": error}}}
        for code, meaning in _CODES.items()
    }
    request = {"required": True, "content": body}
    return {"summary": summary, "requestBody": request, "responses": {"200": ok, **failures}}


def _make_row(signature: Signature) -> dict[str, Any]:
    if len(signature.inputs) == 1:
        return _make_array(signature.inputs[0].datatype, (signature.inputs[0].shape or (DYNAMIC, DYNAMIC))[1:] or (1,))
    properties = {spec.name: _make_feature(spec) for spec in signature.inputs}
    return {"type": "object", "required": list(properties), "properties": properties, "additionalProperties": False}


def _make_feature(spec: TensorSpec) -> dict[str, Any]:
    if spec.is_scalar_per_row or spec.shape is None:
        return _make_value(spec.datatype)
    return _make_array(spec.datatype, spec.shape[1:])


def _make_array(datatype: Datatype, sizes: tuple[int, ...]) -> dict[str, Any]:
    schema = _make_value(datatype)
    for size in reversed(sizes):
        limits = {} if size == DYNAMIC else {"minItems": size, "maxItems": size}
        schema = {"type": "array", "items": schema, **limits}
    return schema


def _make_value(datatype: Datatype) -> dict[str, Any]:
    name = _JSON_TYPES[datatype.json_type]
    return {"type": [name, "null"] if datatype.is_float else name, "description": datatype.name}


def _make_infer_request(signature: Signature) -> dict[str, Any]:
    inputs = [
        {
            "type": "object",
            "required": ["name", "shape", "datatype", "data"],
            "properties": {
                "name": {"const": spec.name},
                "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                "datatype": {"const": spec.datatype.name},
                "data": {"type": "array"},
            },
        }
        for spec in signature.inputs
    ]
    tensors = {"type": "array", "minItems": len(inputs), "maxItems": len(inputs), "items": {"anyOf": inputs}}
    properties = {"id": {"type": "string"}, "inputs": tensors}
    return {"type": "object", "required": ["inputs"], "properties": properties}


def _make_predictions() -> dict[str, Any]:
    names = ("model_name", "model_version")
    properties: dict[str, Any] = {name: {"type": "string"} for name in names}
    properties |= {name: {"type": "array"} for name in ("predictions", "probabilities", "classes")}
    return {"type": "object", "required": [*names, "predictions"], "properties": properties}
