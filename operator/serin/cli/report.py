"""A replay as JSON for programs and as a small table for people."""

import json
import math
from collections.abc import Sequence
from typing import Any

from serin.cli.joint_replay import JointReplay
from serin.cli.replay import Replay, Step
from serin.core.evidence.counts import Counts
from serin.core.evidence.sentences import duration, percent
from serin.core.evidence.settings import Settings

ROWS_SHOWN = 24
HEADER = ("INTERVAL", "TIME", "BASELINE", "CANARY", "BASE RATE", "MARGIN", "GOOD", "BAD", "VERDICT")


def render_json(replay: Replay) -> str:
    """All numbers. Logarithms are natural; `phi`, `phi_reject`, `kappa`, `base_rate` are those used in the interval."""
    return json.dumps(
        {
            "intervals": [_step_json(step) for step in replay.steps],
            "verdict": replay.verdict.value,
            "interval": replay.interval,
            "sentence": replay.sentence,
        },
        indent=2,
        allow_nan=False,
    )


def render_joint_json(joint: JointReplay) -> str:
    """As above, with the intervals of each stream under its name."""
    return json.dumps(
        {
            "streams": {name: [_step_json(step) for step in found.steps] for name, found in joint.streams.items()},
            "verdict": joint.verdict.value,
            "interval": joint.interval,
            "sentence": joint.sentence,
        },
        indent=2,
        allow_nan=False,
    )


def render_joint_report(joint: JointReplay) -> str:
    """A table for each stream, and the sentence."""
    tables = (f"{name}\n{_table(found, joint.interval or 0)}\n" for name, found in joint.streams.items())
    return "\n".join([*tables, joint.sentence])


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "log_good": step.log_good,
        "log_bad": step.log_bad,
        "log_bad_likelihood": step.log_bad_likelihood,
        "log_bad_pairs": step.log_bad_pairs,
        "phi": step.dispersion.promote,
        "phi_reject": step.dispersion.reject,
        "kappa": step.dispersion.serial,
        "base_rate": step.base_rate,
        "margin": step.margin,
        "verdict": step.verdict.value,
    }


def render_report(replay: Replay) -> str:
    """A table of at most ROWS_SHOWN intervals up to the decision, and the sentence."""
    table = _table(replay, replay.interval or 0)
    return f"{table}\n\n{replay.sentence}" if table else replay.sentence


def _table(replay: Replay, last: int) -> str:
    shown = _shown(last)
    rows = [HEADER, *(_cells(i, replay.steps[i - 1], replay.settings) for i in shown)]
    lines = _aligned(rows) if replay.steps else []
    if len(shown) < len(replay.steps):
        lines.append(f"({len(shown)} of {len(replay.steps)} intervals; --json prints all)")
    return "\n".join(lines)


def _shown(last: int) -> list[int]:
    """Which intervals, counted from 1: evenly spread, always with the last."""
    step = math.ceil(last / (ROWS_SHOWN - 1)) if last > ROWS_SHOWN else 1
    return sorted({*range(1, last + 1, step), last} - {0})


def _cells(interval: int, step: Step, settings: Settings) -> tuple[str, ...]:
    return (
        str(interval),
        duration(step.ends_at_seconds),
        _failed(step.increments.baseline),
        _failed(step.increments.canary),
        percent(step.base_rate),
        f"{100 * step.margin:.3g} pp",
        _progress(step.log_proven, settings.log_promote),
        _progress(step.log_bad, settings.log_reject),
        step.verdict.value,
    )


def _failed(counts: Counts) -> str:
    return f"{counts.failures:g} of {counts.requests:g}"


def _progress(log_evidence: float, log_threshold: float) -> str:
    """The part of the way to the threshold, as `kubectl get` shows it."""
    return f"{100 * min(max(log_evidence / log_threshold, 0.0), 1.0):.0f}%"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
