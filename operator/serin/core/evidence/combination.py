"""One verdict from several metrics, each of one stream of counters or of several, or of predictions by class.

- Reject when the mean of the metrics' evidence against the canary reaches 1 / false_reject, that of a metric being the
  mean over its streams: a mean of e-values is an e-value whatever they have to do with each other, so no correction for
  their number is needed.
- Promote when every stream is proven good enough. A canary that is worse in one of them passes that one with
  probability at most false_promote, so here, too, nothing is to be corrected.
- A drift that is not enforced has no voice in either; it is told next to the verdict.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from serin.core.evidence.ab_test import AbJudgement, AbSettings
from serin.core.evidence.agreement import AgreementJudgement, AgreementSettings, evidence_bad, evidence_good
from serin.core.evidence.agreement_sentences import describe_agreement
from serin.core.evidence.drift import DriftJudgement, DriftSettings
from serin.core.evidence.drift_sentences import describe_drift, warn_of_drift
from serin.core.evidence.sentences import describe
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import Judgement, Outcome


@dataclass(frozen=True)
class JudgedDrift:
    """What one metric's predictions say by now. Without names of classes nothing has been counted yet."""

    judgement: DriftJudgement
    settings: DriftSettings
    classes: tuple[str, ...]


@dataclass(frozen=True)
class JudgedAgreement:
    """What the answers to copies of requests say by now; `differences` by kind."""

    judgement: AgreementJudgement
    settings: AgreementSettings
    differences: Mapping[str, float]
    has_passed: bool

    @property
    def evidence_good(self) -> float:
        return evidence_good(self.judgement.agreement, self.settings.minimum)

    @property
    def evidence_bad(self) -> float:
        return evidence_bad(self.judgement.agreement, self.settings.minimum)

    def describe(self, outcome: Outcome) -> str:
        return describe_agreement(self.judgement, self.settings, self.differences, outcome)


@dataclass(frozen=True)
class JudgedTrial:
    """What the business metric of an A/B test says by now."""

    judgement: AbJudgement
    settings: AbSettings


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
    drifts: Mapping[str, JudgedDrift] = field(default_factory=dict)  # by metric
    agreement: JudgedAgreement | None = None  # of a shadow
    trial: JudgedTrial | None = None  # of an A/B test
    open_reason: str = "Inconclusive"  # one word, of a verdict that leaves it open
    warnings: tuple[str, ...] = ()  # sentences, part of `sentence`, too


@dataclass(frozen=True)
class _Voice:
    """What decides of one stream, or of one enforced drift."""

    metric: str
    is_good_enough: bool
    good: float
    evidence_good: float
    evidence_bad: float
    requests: float  # of the baseline, compared
    data_seconds: float
    eta_seconds: float | None
    describe: Callable[[Outcome], str]


def combine(
    judgements: Mapping[str, Mapping[str, Judgement]],
    settings: Mapping[str, Settings],
    drifts: Mapping[str, JudgedDrift] | None = None,
    agreement: JudgedAgreement | None = None,
) -> Verdict:
    """The verdict on at least one metric of at least one stream. All settings share durations and error rates."""
    shared = next(iter(settings.values()))
    drifts = drifts or {}
    voices = (
        *_voices_of_streams(judgements, settings),
        *_voices_of_drifts(drifts),
        *((_voice_of_agreement(agreement),) if agreement else ()),
    )
    metrics = dict.fromkeys(voice.metric for voice in voices)
    evidence_bad = _mean(_mean(v.evidence_bad for v in voices if v.metric == metric) for metric in metrics)
    # Ties go to the stream with less evidence: of two proven ones the closer call is the one worth telling of.
    last = min(voices, key=lambda voice: (voice.good, voice.evidence_good))
    outcome = _decide_outcome(voices, evidence_bad, shared)
    match outcome:
        case Outcome.REJECT:
            told = max(voices, key=lambda voice: voice.evidence_bad)
        case Outcome.NO_DATA:
            told = min(voices, key=lambda voice: voice.requests)
        case _:
            told = last
    sentence = told.describe(outcome)
    if len(metrics) > 1:
        sentence = f"{sentence} ({told.metric}, one of {len(metrics)} metrics)"
    warnings = tuple(
        warn_of_drift(metric, drift.judgement, drift.settings, drift.classes)
        for metric, drift in drifts.items()
        if drift.judgement.has_drifted and not drift.settings.is_enforced
    )
    etas = [voice.eta_seconds for voice in voices]
    return Verdict(
        outcome=outcome,
        good=last.good,
        bad=min(max(_log(evidence_bad) / shared.log_reject, 0.0), 1.0),
        evidence_bad=evidence_bad,
        eta_seconds=None if None in etas else max(eta for eta in etas if eta is not None),
        sentence=" ".join((sentence, *warnings)),
        judgements=judgements,
        drifts=drifts,
        agreement=agreement,
        warnings=warnings,
    )


def _voices_of_streams(
    judgements: Mapping[str, Mapping[str, Judgement]], settings: Mapping[str, Settings]
) -> Iterable[_Voice]:
    for metric, of_metric in judgements.items():
        for stream, judgement in of_metric.items():
            _, is_latency, bound = stream.partition("/")
            slower_than = f"{bound} s" if is_latency else None
            yield _Voice(
                metric=metric,
                is_good_enough=judgement.is_good_enough,
                good=judgement.good,
                evidence_good=judgement.evidence_good,
                evidence_bad=judgement.evidence_bad,
                requests=judgement.baseline.requests,
                data_seconds=judgement.data_seconds,
                eta_seconds=judgement.eta_seconds,
                describe=_describer(judgement, settings[metric], slower_than),
            )


def _describer(judgement: Judgement, settings: Settings, slower_than: str | None) -> Callable[[Outcome], str]:
    return lambda outcome: describe(replace(judgement, outcome=outcome), settings, slower_than)


def _voices_of_drifts(drifts: Mapping[str, JudgedDrift]) -> Iterable[_Voice]:
    for metric, drift in drifts.items():
        if drift.settings.is_enforced:
            judgement = drift.judgement
            yield _Voice(
                metric=metric,
                is_good_enough=judgement.is_good_enough,
                good=judgement.good,
                evidence_good=judgement.evidence_good,
                evidence_bad=judgement.evidence_bad,
                requests=sum(judgement.baseline),
                data_seconds=judgement.data_seconds,
                eta_seconds=0.0 if judgement.is_good_enough else None,
                describe=_drift_describer(drift),
            )


def _drift_describer(drift: JudgedDrift) -> Callable[[Outcome], str]:
    return lambda outcome: describe_drift(drift.judgement, outcome, drift.settings, drift.classes)


def _voice_of_agreement(agreement: JudgedAgreement) -> _Voice:
    good = _log(agreement.evidence_good) / -math.log(agreement.settings.false_promote)
    return _Voice(
        metric="agreement of answers",
        is_good_enough=agreement.has_passed,
        good=1.0 if agreement.has_passed else min(max(good, 0.0), 1.0),
        evidence_good=agreement.evidence_good,
        evidence_bad=agreement.evidence_bad,
        requests=agreement.judgement.agreement.requests,
        data_seconds=math.inf,  # the other metrics measure the time
        eta_seconds=0.0 if agreement.has_passed else None,
        describe=agreement.describe,
    )


def _mean(evidence: Iterable[float]) -> float:
    numbers = tuple(evidence)
    return sum(numbers) / len(numbers)


def _log(evidence: float) -> float:
    """Evidence of a long comparison with a much better canary is 0 to a float."""
    return math.log(evidence) if evidence > 0 else -math.inf


def _decide_outcome(voices: tuple[_Voice, ...], evidence_bad: float, shared: Settings) -> Outcome:
    if _log(evidence_bad) >= shared.log_reject:
        return Outcome.REJECT
    data_seconds = min(voice.data_seconds for voice in voices)
    if all(voice.is_good_enough for voice in voices) and data_seconds >= shared.min_duration_seconds:
        return Outcome.PROMOTE
    if data_seconds >= shared.max_duration_seconds:
        return Outcome.INCONCLUSIVE
    if any(voice.requests == 0 for voice in voices):
        return Outcome.NO_DATA
    return Outcome.ANALYZING
