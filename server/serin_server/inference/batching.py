"""Several requests' rows as one run of the model, and its outputs back as theirs. Arrays only: who waits is not known.

Whether a model may be batched is not read from its shapes alone: it is tried at load, in `measure_batch_rows`. Some
models mix their rows, and many kernels round differently when there are more rows; an answer must not depend on who
else asked in the same moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from serin_server.inference.engine import Engine
from serin_server.oip.datatypes import Array

Arrays = dict[str, Array]

MAX_BATCH_ROWS: Final = 64


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


def measure_batch_rows(engine: Engine, inputs: Arrays) -> int:
    """How many of the rows may run together and each be answered, to the last bit, as if it had run alone.

    1: none. Every number of rows is tried, because kernels change their way of rounding from one to the next.
    """
    names = [spec.name for spec in engine.signature.outputs]
    available = min(len(array) for array in inputs.values())
    try:
        alone = [engine.run(_take(inputs, row, row + 1), names) for row in range(available)]
        for rows in range(2, available + 1):
            together = split_outputs(engine.run(_take(inputs, 0, rows), names), [1] * rows)
            if not all(map(_are_same, alone, together)):
                return rows - 1
    except Exception:  # noqa: BLE001 - generated inputs may not suit the model; without proof it is not batched
        return 1
    return available


def _take(arrays: Arrays, start: int, end: int) -> Arrays:
    return {name: array[start:end] for name, array in arrays.items()}


def _are_same(alone: Arrays, together: Arrays) -> bool:
    return all(_is_same(array, together[name]) for name, array in alone.items())


def _is_same(one: Array, other: Array) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return np.array_equal(one, other) if one.dtype == object else one.tobytes() == other.tobytes()
