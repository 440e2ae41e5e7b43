"""The first runs of a model, with generated inputs, before anybody may use it.

They pay the runtime's one-time costs, show that the model runs at all, tell the class labels, and measure how long it
takes: a short model runs inside the event loop, where a run costs a few microseconds less than handing it to a thread;
a long one runs in a thread, so that health checks and other requests are answered meanwhile.
"""

from __future__ import annotations

import logging
import statistics
import sys
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from serin_server.inference.batching import MAX_BATCH_ROWS, Batching, measure_batch_rows
from serin_server.inference.engine import Engine, ModelLoadError, make_sentence
from serin_server.oip.datatypes import BYTES, Array
from serin_server.oip.signature import DYNAMIC, Signature, TensorSpec

_LOG = logging.getLogger(__name__)

INLINE_SECONDS = 200e-6
"""Up to here a run blocks the event loop no longer than parsing a middling request does."""

_RUNS = 20
_ENOUGH_SECONDS = 0.5
_MANY_ROWS = 64
_INNER_SIZES = (1, 8, 64, 224)
"""Tried for dimensions other than the first: lengths of sequences, sides of images."""
_FILLS = (0, 1, 2)
"""Tried as the value of every number: zero is an index that always exists, one a divisor, a size or a scale."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    run_seconds: float | None
    """Of one row. None when no generated input suited the model."""
    inline_rows: int
    """Up to so many rows run inside the event loop; 0: none."""
    batch_rows: int
    """Up to so many rows of different requests run together; 1: none."""


def warm_up(engine: Engine, batching: Batching = Batching.AUTO) -> WarmUp:
    fill, feeds = _find_suitable_inputs(engine)
    if feeds is None:
        return WarmUp(run_seconds=None, inline_rows=0, batch_rows=1)
    run_seconds = _measure_run_seconds(engine, feeds)
    inline_rows = _measure_inline_rows(engine, run_seconds, fill)
    return WarmUp(run_seconds, inline_rows, _measure_batch_rows(engine, inline_rows, batching))


def make_inputs(signature: Signature, rows: int, inner_size: int, fill: int = 0) -> dict[str, Array]:
    return {spec.name: _make_input(spec, rows, inner_size, fill) for spec in signature.inputs}


def make_varied_inputs(signature: Signature, rows: int) -> dict[str, Array]:
    """Each row another, and the same at every start. Small whole numbers: they may be indices."""
    chance = np.random.default_rng(seed=7)
    varied: dict[str, Array] = {}
    for name, zeros in make_inputs(signature, rows, inner_size=1).items():
        if zeros.dtype == object:
            varied[name] = chance.choice(np.array(["", "a"], dtype=object), zeros.shape)
        elif zeros.dtype.kind == "f":
            varied[name] = chance.standard_normal(zeros.shape).astype(zeros.dtype)
        else:
            varied[name] = chance.integers(0, 2, zeros.shape).astype(zeros.dtype)
    return varied


def decide_inline_rows(one_row_seconds: float, many_rows_seconds: float, many_rows: int) -> int:
    if one_row_seconds > INLINE_SECONDS:
        return 0
    further_row_seconds = (many_rows_seconds - one_row_seconds) / (many_rows - 1)
    if further_row_seconds <= 0:
        return many_rows
    return 1 + int((INLINE_SECONDS - one_row_seconds) / further_row_seconds)


def _find_suitable_inputs(engine: Engine) -> tuple[int, dict[str, Array] | None]:
    """The first inputs that the model runs on, and what they are filled with. None: there are none.

    Where the inputs are floating-point numbers and only their first dimension is open, a failure is the model's.
    Elsewhere it may be our guess's, because whole numbers may have to be sizes, positions or permutations, and that
    must not keep a good model from serving.
    """
    signature = engine.signature
    is_a_guess = _has_open_inner_dimensions(signature) or not all(spec.datatype.is_float for spec in signature.inputs)
    failure: Exception | None = None
    for inner_size in _INNER_SIZES if _has_open_inner_dimensions(signature) else _INNER_SIZES[:1]:
        for fill in _FILLS:
            feeds = make_inputs(signature, 1, inner_size, fill)
            try:
                engine.run(feeds, signature.output_names)
            except Exception as error:  # noqa: BLE001 - the runtime has a dozen classes of errors for this
                failure = failure or error
            else:
                return fill, feeds
    assert failure is not None
    sentence = make_sentence(failure)
    if not is_a_guess:
        raise ModelLoadError(f"it fails on its first run: {sentence}") from failure
    facts = {"inputs": signature.describe_inputs(), "error": sentence}
    _LOG.warning("no generated input suits the model: it serves without having run once", extra={"facts": facts})
    return 0, None


def _measure_run_seconds(engine: Engine, feeds: dict[str, Array]) -> float:
    names = [spec.name for spec in engine.signature.outputs]
    durations: list[float] = []
    while len(durations) < _RUNS and sum(durations) < _ENOUGH_SECONDS:
        start = perf_counter()
        engine.run(feeds, names)
        durations.append(perf_counter() - start)
    return statistics.median(durations)


def _measure_inline_rows(engine: Engine, one_row_seconds: float, fill: int) -> int:
    signature = engine.signature
    if one_row_seconds > INLINE_SECONDS or _has_open_inner_dimensions(signature):
        return 0
    if not all(spec.has_dynamic_rows for spec in signature.inputs):
        return sys.maxsize  # Every request has the one size that was measured.
    try:
        many_rows_seconds = _measure_run_seconds(engine, make_inputs(signature, _MANY_ROWS, 1, fill))
    except Exception:  # noqa: BLE001 - a model may call its rows open and still take only one
        return 1
    return decide_inline_rows(one_row_seconds, many_rows_seconds, _MANY_ROWS)


def _measure_batch_rows(engine: Engine, inline_rows: int, batching: Batching) -> int:
    """Requests meet only in the loop, so no batch is longer than what may run there."""
    if (
        batching is Batching.OFF
        or inline_rows < 2
        or not all(spec.has_dynamic_rows for spec in engine.signature.inputs)
    ):
        return 1
    inputs = make_varied_inputs(engine.signature, min(inline_rows, MAX_BATCH_ROWS))
    return measure_batch_rows(engine, inputs, is_exact=batching is Batching.EXACT)


def _has_open_inner_dimensions(signature: Signature) -> bool:
    return any(spec.shape is None or DYNAMIC in spec.shape[1:] for spec in signature.inputs)


def _make_input(spec: TensorSpec, rows: int, inner_size: int, fill: int) -> Array:
    sizes = spec.shape if spec.shape is not None else (DYNAMIC,)
    first = [rows if sizes[0] == DYNAMIC else sizes[0]]
    shape = first + [inner_size if size == DYNAMIC else size for size in sizes[1:]]
    if spec.datatype is BYTES:
        return np.full(shape, "", dtype=object)
    return np.full(shape, fill, dtype=spec.datatype.dtype)
