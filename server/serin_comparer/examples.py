"""Disagreements as log lines: some at the start, then one now and then. They tell answers and never requests."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

from serin_comparer.comparison import Comparison, Result

_LOG = logging.getLogger(__name__)

AT_ONCE: Final = 10
"""Per kind of disagreement, before the pace counts."""

PACE_SECONDS: Final = 10.0
_MOST_CHARACTERS: Final = 120


class Examples:
    def __init__(self, now_seconds: Callable[[], float] = monotonic) -> None:
        self._now_seconds = now_seconds
        self._left = dict.fromkeys(Result, AT_ONCE)
        self._told_at = dict.fromkeys(Result, float("-inf"))

    def maybe_tell(self, target: str, comparison: Comparison) -> None:
        result, now = comparison.result, self._now_seconds()
        if result is Result.AGREE:
            return
        if self._left[result] > 0:
            self._left[result] -= 1
        elif now - self._told_at[result] < PACE_SECONDS:
            return
        self._told_at[result] = now
        facts = {
            "result": result.value,
            "path": target.partition("?")[0],
            "place": comparison.place,
            "baseline": comparison.baseline,
            "canary": comparison.canary,
        }
        shown = {name: value[:_MOST_CHARACTERS] for name, value in facts.items()}
        _LOG.info("answers differ", extra={"facts": shown})
