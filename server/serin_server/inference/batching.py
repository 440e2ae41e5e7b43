"""Several requests' rows as one run of the model, and its outputs back as theirs. Arrays only: who waits is not known.

Whether a model may be batched is not read from its shapes alone: it is tried at load, in `measure_batch_rows`, because
some models mix their rows and an answer must not depend on who else asked in the same moment. Most kernels round
differently when there are more rows, in the last bits; who minds that asks for `exact`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final

import numpy as np

from serin_server.inference.engine import Engine
from serin_server.oip.datatypes import Array

Arrays = dict[str, Array]

MAX_BATCH_ROWS: Final = 64

_ROUNDING_STEPS: Final = 16
"""So many times the distance between two neighbouring numbers may lie between a row alone and in company."""


class Batching(enum.Enum):
    AUTO = "auto"
    EXACT = "exact"
    OFF = "off"


def join_feeds(feeds: Sequence[Arrays]) -> Arrays:
    return {name: np.concatenate([arrays[name] for arrays in feeds]) for name in feeds[0]}


def split_outputs(outputs: Arrays, rows: Sequence[int]) -> list[Arrays]:
    pieces: list[Arrays] = []
    start = 0
    for count in rows:
        end = start + count
        pieces.append({name: array[start:end] for name, array in outputs.items()})
        start = end
    return pieces


def measure_batch_rows(engine: Engine, inputs: Arrays, *, is_exact: bool) -> int:
    """How many of the rows may run together and each be answered as if it had run alone.

    1: none. Every number of rows is tried, because kernels change their way of rounding from one to the next.
    """
    available = min(len(array) for array in inputs.values())
    try:
        alone = [_run(engine, inputs, row, row + 1) for row in range(available)]
        for rows in range(2, available + 1):
            together = split_outputs(_run(engine, inputs, 0, rows), [1] * rows)
            if not all(_are_same(*pair, is_exact=is_exact) for pair in zip(alone, together, strict=False)):
                return rows - 1
    except Exception:  # noqa: BLE001 - generated inputs may not suit the model; without proof it is not batched
        return 1
    return available


def _run(engine: Engine, inputs: Arrays, start: int, end: int) -> Arrays:
    rows = {name: array[start:end] for name, array in inputs.items()}
    return engine.run(rows, engine.signature.output_names)


def _are_same(alone: Arrays, together: Arrays, *, is_exact: bool) -> bool:
    return all(_is_same(array, together[name], is_exact=is_exact) for name, array in alone.items())


def _is_same(one: Array, other: Array, *, is_exact: bool) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return np.array_equal(one, other)
    if is_exact or one.dtype.kind != "f":
        return one.tobytes() == other.tobytes()
    step = _ROUNDING_STEPS * float(np.finfo(one.dtype).eps)
    largest = float(np.max(np.abs(one), initial=0, where=np.isfinite(one)))
    return np.allclose(one, other, rtol=step, atol=step * largest, equal_nan=True)
