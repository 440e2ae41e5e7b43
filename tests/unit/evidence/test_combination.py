"""Several metrics make one verdict."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from serin.core.evidence.categories import ByClass, CategoryIncrements
from serin.core.evidence.combination import JudgedDrift, Verdict, combine
from serin.core.evidence.counts import Counts, Increments
from serin.core.evidence.drift import DriftSettings, DriftState, advance_drift, judge_drift
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, Judgement, Outcome, advance, judge

SETTINGS = Settings(min_duration_seconds=60.0, max_duration_seconds=600.0)

EQUAL, WORSE, SLIGHTLY_WORSE, IDLE = Counts(1000, 5), Counts(1000, 300), Counts(1000, 18), Counts(0, 0)


def verdict_on(intervals: int, canaries: Mapping[str, Counts]) -> Verdict:
    """After so many intervals in which each metric saw the same of its canary."""
    judgements: dict[str, dict[str, Judgement]] = {}
    for name, canary in canaries.items():
        state = EvidenceState()
        for _ in range(intervals):
            baseline = Counts() if canary == IDLE else Counts(1000, 5)
            state = advance(state, Increments(Counts(8000, 40), baseline, canary, 10.0), SETTINGS)
        metric = name.partition("/")[0]
        judgements.setdefault(metric, {})[name] = judge(state, SETTINGS)
    return combine(judgements, dict.fromkeys(judgements, SETTINGS))


def judgements_of(verdict: Verdict) -> list[Judgement]:
    return [judgement for streams in verdict.judgements.values() for judgement in streams.values()]


def test_one_metric_decides_as_if_it_were_alone() -> None:
    verdict = verdict_on(30, {"errors": EQUAL})
    (alone,) = judgements_of(verdict)

    assert (verdict.outcome, verdict.good, verdict.bad) == (alone.outcome, alone.good, alone.bad)
    assert verdict.eta_seconds == alone.eta_seconds
    assert verdict.evidence_bad == alone.evidence_bad


def test_all_metrics_must_be_good_enough_for_a_promotion() -> None:
    assert verdict_on(40, {"errors": EQUAL, "timeouts": EQUAL}).outcome is Outcome.PROMOTE
    assert verdict_on(8, {"errors": EQUAL, "timeouts": SLIGHTLY_WORSE}).outcome is Outcome.ANALYZING


def test_one_bad_metric_rejects_and_is_named() -> None:
    verdict = verdict_on(2, {"errors": EQUAL, "timeouts": WORSE, "slow": EQUAL})

    assert verdict.outcome is Outcome.REJECT
    assert verdict.sentence.startswith("Rejected: the canary fails 30.0 %")
    assert verdict.sentence.endswith("(timeouts, one of 3 metrics)")


def test_evidence_against_the_canary_is_the_mean_over_the_metrics() -> None:
    verdict = verdict_on(4, {"errors": EQUAL, "timeouts": SLIGHTLY_WORSE})
    errors, timeouts = judgements_of(verdict)

    assert verdict.evidence_bad == pytest.approx((errors.evidence_bad + timeouts.evidence_bad) / 2)


def test_a_metric_without_data_waits_and_never_counts_as_good() -> None:
    verdict = verdict_on(40, {"errors": EQUAL, "timeouts": IDLE})

    assert verdict.outcome is Outcome.NO_DATA
    assert verdict.sentence.startswith("No data yet")
    assert verdict.sentence.endswith("(timeouts, one of 2 metrics)")
    assert verdict.eta_seconds is None


def test_a_metric_of_several_bounds_weighs_as_much_as_one_of_failures() -> None:
    verdict = verdict_on(4, {"errors": EQUAL, "latency/0.1": SLIGHTLY_WORSE, "latency/0.5": EQUAL})
    errors, fast, slow = (judgement.evidence_bad for judgement in judgements_of(verdict))

    assert verdict.evidence_bad == pytest.approx((errors + (fast + slow) / 2) / 2)


def test_a_canary_that_has_long_been_much_faster_is_no_arithmetic_error() -> None:
    settings = replace(SETTINGS, tolerance=0.25, fixed_dispersion=1.0)
    much_faster = Increments(Counts(80_000, 40_000), Counts(10_000, 5_000), Counts(10_000, 0), 10.0)
    state = EvidenceState()
    for _ in range(100):
        state = advance(state, much_faster, settings)
    judgement = judge(state, settings)
    verdict = combine({"latency": {"latency/0.1": judgement}}, {"latency": settings})

    assert verdict.evidence_bad == 0
    assert (verdict.outcome, verdict.bad) == (Outcome.PROMOTE, 0.0)


def test_a_slow_version_is_rejected_in_words_of_its_latency() -> None:
    verdict = verdict_on(3, {"latency/0.1": EQUAL, "latency/0.5": WORSE})

    assert verdict.outcome is Outcome.REJECT
    assert verdict.sentence.startswith("Rejected: the canary is slower than 0.5 s in 30.0 %, the baseline in 0.50 %")


def with_drift(canary: ByClass, *, is_enforced: bool, intervals: int = 40) -> Verdict:
    """One metric of an equal canary, and predictions by class that went so."""
    settings = DriftSettings(SETTINGS, is_enforced=is_enforced)
    state, failures = DriftState.begin(3), EvidenceState()
    for _ in range(intervals):
        state = advance_drift(state, CategoryIncrements((480, 320, 0), (60, 40, 0), canary, 10.0), settings)
        failures = advance(failures, Increments(Counts(8000, 40), Counts(1000, 5), EQUAL, 10.0), SETTINGS)
    drift = JudgedDrift(judge_drift(state, settings), settings, ("sun", "rain", "all others"))
    return combine({"errors": {"errors": judge(failures, SETTINGS)}}, {"errors": SETTINGS}, {"predictions": drift})


def test_an_enforced_drift_is_a_metric_like_the_others() -> None:
    rejected, promoted = with_drift((20, 80, 0), is_enforced=True), with_drift((60, 40, 0), is_enforced=True)
    (errors,) = judgements_of(rejected)

    assert rejected.outcome is Outcome.REJECT
    assert rejected.evidence_bad == pytest.approx(
        (errors.evidence_bad + rejected.drifts["predictions"].judgement.evidence_bad) / 2
    )
    assert rejected.warnings == ()
    assert promoted.outcome is Outcome.PROMOTE
    assert with_drift((60, 40, 0), is_enforced=True, intervals=7).outcome is Outcome.ANALYZING
    assert with_drift((0, 0, 0), is_enforced=True).outcome is Outcome.NO_DATA


def test_a_drift_that_only_warns_changes_no_number_of_the_verdict() -> None:
    warned, without = with_drift((20, 80, 0), is_enforced=False), verdict_on(40, {"errors": EQUAL})

    assert (warned.outcome, warned.good, warned.bad) == (without.outcome, without.good, without.bad)
    assert (warned.evidence_bad, warned.eta_seconds) == (without.evidence_bad, without.eta_seconds)
    assert warned.sentence == f"{without.sentence} {warned.warnings[0]}"


def test_every_bound_of_a_latency_must_be_good_enough() -> None:
    assert verdict_on(40, {"latency/0.1": EQUAL, "latency/0.5": EQUAL}).outcome is Outcome.PROMOTE
    assert verdict_on(8, {"latency/0.1": EQUAL, "latency/0.5": SLIGHTLY_WORSE}).outcome is Outcome.ANALYZING
