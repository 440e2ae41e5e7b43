"""Waiting for what no watch tells, with a deadline that says what was waited for."""

import time
from collections.abc import Callable
from typing import TypeVar

from cluster.recording import PATIENCE_SECONDS

POLL_SECONDS = 0.5

_T = TypeVar("_T")


def wait_until(what: str, look: Callable[[], _T | None]) -> _T:
    """The first thing that `look` finds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(POLL_SECONDS)
