"""The model as the endpoints see it: loaded, warmed up, with a name and a version."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serin_server.inference.engine import Engine, load_engine
from serin_server.inference.warm_up import warm_up
from serin_server.oip.datatypes import Array
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
    inline_rows: int
    class_labels: dict[str, tuple[Any, ...]]
    """By output, for those outputs that name the classes of their probabilities."""

    def runs_inline(self, feeds: dict[str, Array]) -> bool:
        rows = max((array.shape[0] for array in feeds.values() if array.ndim), default=1)
        return rows <= self.inline_rows


def load_served_model(path: Path, name: str, version: str, threads: int) -> ServedModel:
    engine = load_engine(path, threads)
    warmth = warm_up(engine)
    facts = {
        "inputs": engine.signature.describe_inputs(),
        "run_us": None if warmth.run_seconds is None else round(warmth.run_seconds * 1e6, 1),
        "inline_rows": warmth.inline_rows,
    }
    _LOG.info("model is loaded and warmed up", extra={"facts": facts})
    return ServedModel(
        name=name,
        version=version,
        engine=engine,
        signature=engine.signature,
        roles=decide_roles(engine.signature),
        inline_rows=warmth.inline_rows,
        class_labels=warmth.class_labels,
    )
