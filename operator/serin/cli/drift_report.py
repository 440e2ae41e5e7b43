"""A replay of predictions as JSON for programs and as a few lines for people."""

import json

from serin.cli.drift_replay import DriftReplay
from serin.core.evidence.sentences import percent


def render_drift_json(replay: DriftReplay) -> str:
    """All numbers; counts are by class in the order of `classes`."""
    intervals = [
        {
            "seconds": step.ends_at_seconds,
            "good": step.judgement.good,
            "bad": step.judgement.bad,
            "baseline": list(step.judgement.baseline),
            "canary": list(step.judgement.canary),
            "total_variation": step.judgement.total_variation,
            "dispersion": step.judgement.dispersion,
            "verdict": step.verdict.value,
        }
        for step in replay.steps
    ]
    told = {"classes": list(replay.classes), "limit": replay.settings.limit, "intervals": intervals}
    ending = {"verdict": replay.verdict.value, "interval": replay.interval, "sentence": replay.sentence}
    return json.dumps({**told, **ending}, indent=2, allow_nan=False)


def render_drift_report(replay: DriftReplay) -> str:
    """The shares of each class until the decision, and the sentence."""
    if replay.interval is None:
        return replay.sentence
    judgement = replay.steps[replay.interval - 1].judgement
    n_b, n_c = sum(judgement.baseline) or 1.0, sum(judgement.canary) or 1.0
    width = max(len("CLASS"), *map(len, replay.classes))
    lines = [f"{'CLASS'.ljust(width)}   {'BASELINE':>9}   {'CANARY':>9}"]
    for name, before, after in zip(replay.classes, judgement.baseline, judgement.canary, strict=True):
        lines.append(f"{name.ljust(width)}   {percent(before / n_b):>9}   {percent(after / n_c):>9}")
    return "\n".join([*lines, "", replay.sentence])
