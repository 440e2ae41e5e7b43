"""Drift of predictions in sentences for people, next to those of failures in `sentences`."""

from collections.abc import Sequence

from serin.core.evidence.drift import DriftJudgement, DriftSettings
from serin.core.evidence.sentences import describe_rarity, percent
from serin.core.evidence.verdict import Outcome

CLASSES_TOLD = 2


def describe_drift(judgement: DriftJudgement, outcome: Outcome, settings: DriftSettings, classes: Sequence[str]) -> str:
    """One or two sentences; `classes` names the judgement's classes in their order."""
    limit, seen = percent(settings.limit), _describe_seen(judgement, classes)
    match outcome:
        case Outcome.REJECT:
            return (
                f"Rejected: more than {limit} of the canary's predictions moved to another class ({seen}). A canary "
                f"within this limit would show this in {describe_rarity(settings.shared.false_reject)} rollouts."
            )
        case Outcome.PROMOTE:
            confidence = f"{100 * (1 - settings.shared.false_promote):.3g} %"
            return f"Promoted: with {confidence} confidence at most {limit} of the predictions moved ({seen})."
        case Outcome.NO_DATA:
            return "No data yet: baseline and canary have not counted predictions at the same time."
        case Outcome.INCONCLUSIVE:
            return f"Inconclusive: it is open whether more than {limit} of the predictions moved ({seen})."
        case Outcome.ANALYZING:
            return f"At most {limit} of the predictions may move to another class, by the counts {seen}."


def warn_of_drift(metric: str, judgement: DriftJudgement, settings: DriftSettings, classes: Sequence[str]) -> str:
    """For a metric that only warns, once there is drift."""
    seen = _describe_seen(judgement, classes)
    return f"Warning, {metric}: more than {percent(settings.limit)} of the predictions moved to another class ({seen})."


def _describe_seen(judgement: DriftJudgement, classes: Sequence[str]) -> str:
    n_b, n_c = sum(judgement.baseline), sum(judgement.canary)
    if not n_b or not n_c:
        return "none counted yet"
    changes = [
        (name, baseline / n_b, canary / n_c)
        for name, baseline, canary in zip(classes, judgement.baseline, judgement.canary, strict=True)
    ]
    largest = sorted(changes, key=lambda change: -round(abs(change[2] - change[1]), 9))[:CLASSES_TOLD]
    told = ", ".join(f"{name} {percent(before)} to {percent(after)}" for name, before, after in largest)
    return f"{percent(judgement.total_variation)} did: {told}; {n_b:,.0f} vs {n_c:,.0f} predictions"
