"""One verdict from several metrics.

- Reject when the mean of their evidence against the canary reaches 1 / false_reject: a mean of e-values is an e-value
  whatever the metrics have to do with each other, so no correction for their number is needed.
- Promote when every metric is proven good enough. A canary that is worse in one of them passes that one with
  probability at most false_promote, so here, too, nothing is to be corrected.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from serin.core.evidence.sentences import describe
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import Judgement, Outcome


@dataclass(frozen=True)
class Verdict:
    """What all metrics say together, and what each of them says, by its name in the order of the plan."""

    outcome: Outcome
    good: float  # way to promotion, 0..1: of the metric that is furthest from it
    bad: float  # way to rejection, 0..1
    evidence_bad: float
    eta_seconds: float | None  # None while it is unknown for a metric that is not yet proven
    sentence: str
    judgements: Mapping[str, Judgement]


def combine(judgements: Mapping[str, Judgement], settings: Mapping[str, Settings]) -> Verdict:
    """The verdict on at least one metric. All settings share their durations and error rates."""
    shared = next(iter(settings.values()))
    evidence_bad = sum(judgement.evidence_bad for judgement in judgements.values()) / len(judgements)
    # Ties go to the metric with less evidence: of two proven ones the closer call is the one worth telling of.
    last = min(judgements, key=lambda name: (judgements[name].good, judgements[name].evidence_good))
    outcome = _decide_outcome(tuple(judgements.values()), evidence_bad, shared)
    match outcome:
        case Outcome.REJECT:
            told = max(judgements, key=lambda name: judgements[name].evidence_bad)
        case Outcome.NO_DATA:
            told = min(judgements, key=lambda name: judgements[name].baseline.requests)
        case _:
            told = last
    sentence = describe(replace(judgements[told], outcome=outcome), settings[told])
    etas = [judgement.eta_seconds for judgement in judgements.values()]
    return Verdict(
        outcome=outcome,
        good=judgements[last].good,
        bad=_way_to_rejection(evidence_bad, shared),
        evidence_bad=evidence_bad,
        eta_seconds=None if None in etas else max(eta for eta in etas if eta is not None),
        sentence=sentence if len(judgements) == 1 else f"{sentence} ({told}, one of {len(judgements)} metrics)",
        judgements=judgements,
    )


def _decide_outcome(judgements: tuple[Judgement, ...], evidence_bad: float, shared: Settings) -> Outcome:
    if math.log(evidence_bad) >= shared.log_reject:
        return Outcome.REJECT
    data_seconds = min(judgement.data_seconds for judgement in judgements)
    if all(judgement.is_good_enough for judgement in judgements) and data_seconds >= shared.min_duration_seconds:
        return Outcome.PROMOTE
    if data_seconds >= shared.max_duration_seconds:
        return Outcome.INCONCLUSIVE
    if any(judgement.baseline.requests == 0 for judgement in judgements):
        return Outcome.NO_DATA
    return Outcome.ANALYZING


def _way_to_rejection(evidence_bad: float, shared: Settings) -> float:
    return min(max(math.log(evidence_bad) / shared.log_reject, 0.0), 1.0)
