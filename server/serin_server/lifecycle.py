"""The three phases of the process, in this order: loading, ready, draining.

Draining still answers: after a pod is deleted, Services and proxies go on sending to it for a moment, and those
requests are users'. Only the readiness says no, at once.
"""

from __future__ import annotations

import enum

from serin_server.served_model import ServedModel


class Phase(enum.Enum):
    LOADING = "the model is loading"
    READY = "ready"
    DRAINING = "the server is shutting down"

    @property
    def is_ready(self) -> bool:
        return self is Phase.READY


class Lifecycle:
    def __init__(self) -> None:
        self.phase = Phase.LOADING
        self.model: ServedModel | None = None

    def become_ready(self, model: ServedModel) -> None:
        self.model = model
        if self.phase is Phase.LOADING:
            self.phase = Phase.READY

    def start_draining(self) -> None:
        self.phase = Phase.DRAINING
