"""CSV to the tensors that the model takes.

With names of features in the first line the columns may stand in any order; a model with one input per feature needs
them. A model with one table for input takes the columns as they stand, and a first line that is not numbers is skipped.
An empty cell is a missing value.
"""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import orjson

from serin_server.oip.datatypes import BYTES, Array, Datatype
from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.signature import Signature
from serin_server.rows import decode_rows

_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def decode_csv(body: bytes, signature: Signature) -> dict[str, Array]:
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequestError(f"expected CSV in UTF-8: {error}") from error
    rows: list[Any]
    if len(signature.inputs) == 1:
        datatype = signature.inputs[0].datatype
        first = 1 if lines and _is_header(lines[0], datatype) else 0
        rows = [
            [_read(cell, datatype, f"line {n}") for cell in line] for n, line in enumerate(lines[first:], first + 1)
        ]
    else:
        rows = _read_named(lines, {spec.name: spec.datatype for spec in signature.inputs}, signature)
    return decode_rows(orjson.dumps(rows), signature)


def _read_named(lines: list[list[str]], datatypes: dict[str, Datatype], signature: Signature) -> list[dict[str, Any]]:
    names = lines[0] if lines else []
    if set(names) != set(datatypes) or len(names) != len(datatypes):
        raise InvalidRequestError(f"line 1: expected the names of {signature.describe_inputs()}, got {names}")
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(names):
            raise InvalidRequestError(f"line {number}: expected {len(names)} values, got {len(line)}")
        cells = zip(names, line, strict=True)
        rows.append({name: _read(cell, datatypes[name], f"line {number}, {name!r}") for name, cell in cells})
    return rows


def _read_float(text: str) -> float | None:
    value = float(text) if text else None
    if value is not None and (math.isinf(value) or "_" in text):  # Python takes 1_000 for a number.
        raise ValueError
    return value


def _read_integer(text: str) -> int:
    value = int(text)
    if "_" in text or not -(2**63) <= value < 2**64:
        raise ValueError
    return value


def _is_header(line: list[str], datatype: Datatype) -> bool:
    if datatype is BYTES:
        return False
    try:
        for cell in line:
            _read(cell, datatype, "")
    except InvalidRequestError:
        return True
    return False


def _read(cell: str, datatype: Datatype, where: str) -> Any:
    if datatype is BYTES:
        return cell
    text = cell.strip()
    try:
        if datatype.json_type is bool:
            return _TRUTH[text.lower()]
        if datatype.is_float:
            return _read_float(text)
        return _read_integer(text)
    except (ValueError, KeyError) as error:
        raise InvalidRequestError(f"{where}: expected {datatype}, got {cell!r}") from error
