"""The body of `/predict` to the tensors that the model takes.

Three shapes of the same thing: `[[1, 2], [3, 4]]`, `[{"a": 1, "b": 2}]`, and either of them under `"instances"`.
Lists go to a model with one input as they are, and to a model with one scalar input per feature by position; objects
go to the inputs by name.
"""

from __future__ import annotations

import msgspec

from serin_server.oip.datatypes import Array
from serin_server.oip.decode import check_shape
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.signature import Signature, TensorSpec
from serin_server.oip.values import decode_values, make_array, parse_values

_WHAT_IS_EXPECTED = 'a list of rows, such as [[1, 2], [3, 4]] or [{"a": 1}], or {"instances": [...]}'


class _Instances(msgspec.Struct):
    instances: msgspec.Raw


_INSTANCES = msgspec.json.Decoder(_Instances)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_LIST_ROWS = msgspec.json.Decoder(list[list[msgspec.Raw]])
_OBJECT_ROWS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def decode_rows(body: bytes, signature: Signature) -> dict[str, Array]:
    try:
        raw: bytes | msgspec.Raw = _INSTANCES.decode(body).instances if body.lstrip()[:1] == b"{" else body
        rows = _ROWS.decode(raw)
        if not rows:
            raise InvalidRequestError("expected at least one row, got none")
        if bytes(rows[0])[:1] == b"{":
            columns = _make_named_columns(_OBJECT_ROWS.decode(raw), signature)
        elif len(signature.inputs) == 1:
            return {signature.inputs[0].name: _decode_block(raw, signature.inputs[0])}
        else:
            columns = _make_positional_columns(_LIST_ROWS.decode(raw), signature)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequestError(f"expected {_WHAT_IS_EXPECTED}: {error}") from error
    return {spec.name: _decode_column(columns[spec.name], spec) for spec in signature.inputs}


def _decode_block(raw: bytes | msgspec.Raw, spec: TensorSpec) -> Array:
    """All rows for the one input of the model."""
    subject = f"input {spec.name!r}"
    values = parse_values(raw, spec.datatype, subject)
    wanted = spec.shape[1] if spec.shape is not None and len(spec.shape) == 2 else None
    for index, row in enumerate(values):
        if not isinstance(row, list):
            raise InvalidRequestError(f"{subject}: expected row {index} to be a list of features, got a single value")
        if wanted is not None and wanted >= 0 and len(row) != wanted:
            raise InvalidRequestError(f"{subject}: expected {wanted} features in row {index}, got {len(row)}")
    array = make_array(values, spec.datatype, subject)
    if spec.shape is not None and len(spec.shape) == 1 and array.shape[1:] == (1,):
        array = array.reshape(-1)
    check_shape(spec, array.shape)
    return array


def _make_named_columns(rows: list[dict[str, msgspec.Raw]], signature: Signature) -> dict[str, list[msgspec.Raw]]:
    names = [spec.name for spec in signature.inputs]
    for index, row in enumerate(rows):
        if missing := [name for name in names if name not in row]:
            raise InvalidRequestError(
                f"row {index}: missing {_join(missing)}; the model takes {signature.describe_inputs()}"
            )
        if unknown := [name for name in row if name not in names]:
            raise InvalidRequestError(
                f"row {index}: unknown {_join(unknown)}; the model takes {signature.describe_inputs()}"
            )
    return {name: [row[name] for row in rows] for name in names}


def _make_positional_columns(rows: list[list[msgspec.Raw]], signature: Signature) -> dict[str, list[msgspec.Raw]]:
    specs = signature.inputs
    if not all(spec.is_scalar_per_row for spec in specs):
        raise InvalidRequestError(
            f"expected rows as objects, because the model has several inputs: {signature.describe_inputs()}; got lists"
        )
    for index, row in enumerate(rows):
        if len(row) != len(specs):
            raise InvalidRequestError(f"expected {len(specs)} features in row {index}, got {len(row)}")
    return {spec.name: [row[position] for row in rows] for position, spec in enumerate(specs)}


def _decode_column(column: list[msgspec.Raw], spec: TensorSpec) -> Array:
    array = decode_values(b"[" + b",".join(map(bytes, column)) + b"]", spec.datatype, f"input {spec.name!r}")
    if spec.shape is not None and len(spec.shape) == 2 and spec.shape[1] == 1 and array.ndim == 1:
        array = array.reshape(-1, 1)
    check_shape(spec, array.shape)
    return array


def _join(names: list[str]) -> str:
    return ", ".join(map(repr, names))
