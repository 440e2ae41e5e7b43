"""One verdict from several metrics, each of one stream of counters or of several.

- Reject when the mean of the metrics' evidence against the canary reaches 1 / false_reject, that of a metric being the
  mean over its streams: a mean of e-values is an e-value whatever they have to do with each other, so no correction for
  their number is needed.
- Promote when every stream is proven good enough. A canary that is worse in one of them passes that one with
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
    """What all metrics say together, and what each of their streams says, in the order of the plan."""

    outcome: Outcome
    good: float  # way to promotion, 0..1: of the stream that is furthest from it
    bad: float  # way to rejection, 0..1
    evidence_bad: float
    eta_seconds: float | None  # None while it is unknown for a stream that is not yet proven
    sentence: str
    judgements: Mapping[str, Mapping[str, Judgement]]  # by metric and stream


def combine(judgements: Mapping[str, Mapping[str, Judgement]], settings: Mapping[str, Settings]) -> Verdict:
    """The verdict on at least one metric of at least one stream. All settings share durations and error rates."""
    shared = next(iter(settings.values()))
    streams = {stream: judgement for of_metric in judgements.values() for stream, judgement in of_metric.items()}
    metric_of = {stream: metric for metric, of_metric in judgements.items() for stream in of_metric}
    evidence_bad = _mean([_mean([j.evidence_bad for j in of_metric.values()]) for of_metric in judgements.values()])
    # Ties go to the stream with less evidence: of two proven ones the closer call is the one worth telling of.
    last = min(streams, key=lambda name: (streams[name].good, streams[name].evidence_good))
    outcome = _decide_outcome(tuple(streams.values()), evidence_bad, shared)
    match outcome:
        case Outcome.REJECT:
            told = max(streams, key=lambda name: streams[name].evidence_bad)
        case Outcome.NO_DATA:
            told = min(streams, key=lambda name: streams[name].baseline.requests)
        case _:
            told = last
    _, is_latency, bound = told.partition("/")
    slower_than = f"{bound} s" if is_latency else None
    sentence = describe(replace(streams[told], outcome=outcome), settings[metric_of[told]], slower_than)
    etas = [judgement.eta_seconds for judgement in streams.values()]
    return Verdict(
        outcome=outcome,
        good=streams[last].good,
        bad=min(max(math.log(evidence_bad) / shared.log_reject, 0.0), 1.0),
        evidence_bad=evidence_bad,
        eta_seconds=None if None in etas else max(eta for eta in etas if eta is not None),
        sentence=sentence
        if len(judgements) == 1
        else f"{sentence} ({metric_of[told]}, one of {len(judgements)} metrics)",
        judgements=judgements,
    )


def _mean(evidence: list[float]) -> float:
    return sum(evidence) / len(evidence)


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
