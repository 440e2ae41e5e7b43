"""`status.metrics`: the numbers of a comparison, each next to the threshold that it is held against."""

import math

from serin.api.v1alpha1.plan import Analysis
from serin.api.v1alpha1.rollout import (
    AgreementStatus,
    ClassStatus,
    CountsStatus,
    DispersionStatus,
    DriftStatus,
    MetricStatus,
    TrialStatus,
)
from serin.core.evidence.ab_verdict import describe_ab
from serin.core.evidence.combination import JudgedAgreement, JudgedDrift, JudgedTrial, Verdict
from serin.core.evidence.counts import Counts
from serin.core.evidence.dispersion import Dispersion
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import Judgement, Outcome
from serin.core.rollout.agreements import AGREEMENT
from serin.core.rollout.analysis import make_settings_by_metric
from serin.core.rollout.trials import BUSINESS


def make_metrics_status(analysis: Analysis, verdict: Verdict) -> tuple[MetricStatus, ...]:
    settings, made = make_settings_by_metric(analysis), []
    for metric in analysis.metrics:
        if metric.name in verdict.drifts:
            made.append(_make_drift_metric(metric.name, verdict.drifts[metric.name]))
        else:
            # A canary that is broken in the warm-up is judged by its failures alone.
            streams = verdict.judgements.get(metric.name, {})
            made += [_make_metric(stream, judged, settings[metric.name]) for stream, judged in streams.items()]
    if verdict.agreement is not None:
        made.append(_make_agreement(verdict.agreement))
    if verdict.trial is not None:
        made.append(_make_trial(verdict.trial))
    return tuple(made)


def _make_trial(trial: JudgedTrial) -> MetricStatus:
    judgement, settings = trial.judgement, trial.settings
    wins_at, no_difference_at = math.exp(settings.log_winner), math.exp(settings.log_no_difference)
    return MetricStatus(
        name=BUSINESS,
        baseline=_make_successes(judgement.baseline),
        canary=_make_successes(judgement.canary),
        evidence_good=_rounded(judgement.better),
        promotes_at=_rounded(wins_at),
        evidence_bad=_rounded(judgement.worse),
        rejects_at=_rounded(wins_at),
        trial=TrialStatus(
            outcome=judgement.outcome.value,
            difference=_rounded(judgement.difference),
            minimum_effect=settings.minimum_effect,
            wins_at=_rounded(wins_at),
            no_gain=_rounded(judgement.no_gain),
            no_loss=_rounded(judgement.no_loss),
            no_difference_at=_rounded(no_difference_at),
            dispersion=_rounded(judgement.dispersion),
            sentence=describe_ab(judgement, settings),
        ),
    )


def _make_successes(counts: Counts) -> CountsStatus:
    """A chance that became none is no success."""
    rate = round(counts.failure_rate, 6) if counts.requests else None
    return CountsStatus(requests=round(counts.requests), failures=round(counts.requests - counts.failures), rate=rate)


def _make_agreement(agreement: JudgedAgreement) -> MetricStatus:
    counted, settings = agreement.judgement.agreement, agreement.settings
    requests, differing = round(counted.requests), round(counted.requests - counted.agreed)
    differences = {kind: round(count) for kind, count in agreement.differences.items()}
    return MetricStatus(
        name=AGREEMENT,
        baseline=CountsStatus(requests=requests),
        canary=CountsStatus(requests=requests, failures=differing, rate=round(counted.share, 6) if requests else None),
        evidence_good=_rounded(agreement.evidence_good),
        promotes_at=_rounded(1 / settings.false_promote),
        evidence_bad=_rounded(agreement.evidence_bad),
        rejects_at=_rounded(1 / settings.false_reject),
        agreement=AgreementStatus(
            compared=requests,
            agreed=requests - differing,
            status=differences.get("status", 0),
            type=differences.get("type", 0),
            value=differences.get("value", 0),
            low=_rounded(agreement.judgement.interval.low),
            high=_rounded(agreement.judgement.interval.high),
            minimum=settings.minimum,
            sentence=agreement.describe(Outcome.ANALYZING),
        ),
    )


def _make_metric(name: str, judgement: Judgement, settings: Settings) -> MetricStatus:
    proven = judgement.proven_worse_at_most
    return MetricStatus(
        name=name,
        baseline=_make_counts(judgement.baseline),
        canary=_make_counts(judgement.canary),
        evidence_good=_rounded(judgement.evidence_good),
        promotes_at=_rounded(1 / settings.false_promote),
        evidence_bad=_rounded(judgement.evidence_bad),
        rejects_at=_rounded(1 / settings.false_reject),
        proven_worse_at_most=None if proven is None else _rounded(proven),
        margin=_rounded(judgement.margin),
        dispersion=_make_dispersion(judgement.dispersion),
        requests_needed=judgement.requests_needed,
    )


def _make_drift_metric(name: str, drift: JudgedDrift) -> MetricStatus:
    judgement, settings = drift.judgement, drift.settings
    n_b, n_c = sum(judgement.baseline), sum(judgement.canary)
    counted = zip(drift.classes, judgement.baseline, judgement.canary, strict=True) if drift.classes else ()
    return MetricStatus(
        name=name,
        baseline=CountsStatus(requests=round(n_b)),
        canary=CountsStatus(requests=round(n_c)),
        evidence_good=_rounded(judgement.evidence_good),
        promotes_at=_rounded(1 / settings.shared.false_promote),
        evidence_bad=_rounded(judgement.evidence_bad),
        rejects_at=_rounded(1 / settings.shared.false_reject),
        drift=DriftStatus(
            total_variation=_rounded(judgement.total_variation),
            limit=settings.limit,
            action="Reject" if settings.is_enforced else "Warn",
            psi=_rounded(judgement.psi),
            jensen_shannon_bits=_rounded(judgement.jensen_shannon_bits),
            g=_rounded(judgement.g),
            dispersion=_rounded(judgement.dispersion),
            classes=tuple(
                ClassStatus(name=name, baseline=_share(baseline, n_b), canary=_share(canary, n_c))
                for name, baseline, canary in counted
            ),
        ),
    )


def _share(count: float, total: float) -> float:
    return _rounded(count / total) if total else 0.0


def _make_dispersion(dispersion: Dispersion) -> DispersionStatus:
    return DispersionStatus(
        reject=_rounded(dispersion.reject),
        promote=_rounded(dispersion.promote),
        serial=_rounded(dispersion.serial),
        source=dispersion.source.value,
    )


def _make_counts(counts: Counts) -> CountsStatus:
    rate = 1 - counts.failure_rate if counts.requests else None
    return CountsStatus(
        requests=round(counts.requests),
        failures=round(counts.failures),
        rate=None if rate is None else round(rate, 6),
    )


def _rounded(number: float) -> float:
    """Four digits: as much as people compare, and no more to write."""
    return float(f"{number:.4g}")
