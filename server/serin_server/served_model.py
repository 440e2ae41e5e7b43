"""The model as the endpoints see it: loaded, warmed up, with a name and a version."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serin_server.inference.batching import Batching
from serin_server.inference.engine import Engine, load_engine
from serin_server.inference.warm_up import warm_up
from serin_server.oip.datatypes import Array
from serin_server.oip.decode import InferDecoder
from serin_server.oip.signature import Signature
from serin_server.predictions import OutputRoles, decide_roles

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServedModel:
    name: str
    version: str
    engine: Engine
    signature: Signature
    roles: OutputRoles
    decoder: InferDecoder
    inline_rows: int
    batch_rows: int
    """So many rows of different requests may run together; 1: none."""
    class_labels: dict[str, tuple[Any, ...]]
    """By output, for those outputs that name the classes of their probabilities; filled by the model's first run."""

    def can_share_a_run(self, feeds: dict[str, Array]) -> bool:
        return self.batch_rows > 1 and (len(feeds) == 1 or len({len(array) for array in feeds.values()}) == 1)


def count_rows(feeds: dict[str, Array]) -> int:
    rows = 1
    for array in feeds.values():
        shape = array.shape
        if shape and shape[0] > rows:
            rows = shape[0]
    return rows


def load_served_model(
    path: Path, name: str, version: str, threads: int, batching: Batching = Batching.AUTO
) -> ServedModel:
    engine = load_engine(path, threads)
    warmth = warm_up(engine, batching)
    facts = {
        "inputs": engine.signature.describe_inputs(),
        "run_us": None if warmth.run_seconds is None else round(warmth.run_seconds * 1e6, 1),
        "inline_rows": warmth.inline_rows,
        "batch_rows": warmth.batch_rows,
    }
    _LOG.info("model is loaded and warmed up", extra={"facts": facts})
    return ServedModel(
        name=name,
        version=version,
        engine=engine,
        signature=engine.signature,
        roles=decide_roles(engine.signature),
        decoder=InferDecoder(engine.signature),
        inline_rows=warmth.inline_rows,
        batch_rows=warmth.batch_rows,
        class_labels=engine.class_labels,
    )
