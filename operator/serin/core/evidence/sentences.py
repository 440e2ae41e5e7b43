"""The judgement in sentences for people: they go into status messages and events.

Every number in a sentence comes from the judgement that decided, so that no reader finds the two contradicting.
"""

import math

from serin.core.evidence.counts import Counts
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import Judgement, Outcome

SOME_EVIDENCE, STRONG_EVIDENCE = 3.0, 10.0


def describe(judgement: Judgement, settings: Settings, slower_than: str | None = None) -> str:
    """One to three sentences that say what the evidence says and why.

    `slower_than` such as "0.25 s" when that counts against a version; None for failures.
    """
    match judgement.outcome:
        case Outcome.ANALYZING:
            return _analyzing(judgement, settings, slower_than)
        case Outcome.PROMOTE:
            return _promoted(judgement, settings, slower_than)
        case Outcome.REJECT:
            return _rejected(judgement, settings, slower_than)
        case Outcome.INCONCLUSIVE:
            return _inconclusive(judgement)
        case Outcome.NO_DATA:
            return _no_data(judgement)


def evidence_word(evidence: float, threshold: float) -> str:
    """How strong an e-value is: none, some, strong, or decisive from the threshold on (1 / error probability)."""
    if evidence >= threshold:
        return "decisive"
    if evidence >= STRONG_EVIDENCE:
        return "strong"
    return "some" if evidence >= SOME_EVIDENCE else "none"


def percent(rate: float) -> str:
    """A rate (0..1) in percent; two decimals below 5 %, where a hundredth can matter, and never a false 0 or 100."""
    if rate in (0.0, 1.0):
        return f"{100 * rate:.0f} %"
    if rate < 0.0001:
        return "<0.01 %"
    if rate > 0.999:
        return ">99.9 %"
    return f"{100 * rate:.2f} %" if rate < 0.05 else f"{100 * rate:.1f} %"


def duration(seconds: float) -> str:
    """A duration in its two largest units, such as "3 min 30 s" or "2 h 40 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two_units(*divmod(whole, 60), "min", "s")
    return _two_units(*divmod(round(whole / 60), 60), "h", "min")


def _analyzing(judgement: Judgement, settings: Settings, slower_than: str | None) -> str:
    fault = f"slower than {slower_than}" if slower_than else "failed"
    word = evidence_word(judgement.evidence_bad, math.exp(settings.log_reject))
    harm = "no sign" if word == "none" else f"{word} evidence"
    return (
        f"Canary {percent(judgement.canary.failure_rate)} {fault} of {judgement.canary.requests:,.0f}, "
        f"baseline {percent(judgement.baseline.failure_rate)} of {judgement.baseline.requests:,.0f}: "
        f"{harm} of harm, {_time_to_go(judgement, settings)}."
    )


def _time_to_go(judgement: Judgement, settings: Settings) -> str:
    eta_seconds = judgement.eta_seconds
    rest_seconds = settings.max_duration_seconds - judgement.data_seconds
    if eta_seconds is None:
        return "time to go not known yet"
    if eta_seconds > rest_seconds:
        return f"no promotion in sight within the {duration(rest_seconds)} left"
    # Ten seconds are as exact as such a forecast can be.
    return f"about {duration(max(10, 10 * math.ceil(eta_seconds / 10)))} to go"


def _promoted(judgement: Judgement, settings: Settings, slower_than: str | None) -> str:
    fault = f"is slower than {slower_than}" if slower_than else "fails"
    return (
        f"Promoted: with {100 * (1 - settings.false_promote):.3g} % confidence the canary {fault} at most "
        f"{100 * judgement.margin:.3g} pp more often than the baseline "
        f"({percent(judgement.canary.failure_rate)} vs {percent(judgement.baseline.failure_rate)}, "
        f"{_requests(judgement.canary, judgement.baseline)})."
    )


def _rejected(judgement: Judgement, settings: Settings, slower_than: str | None) -> str:
    canary, baseline = percent(judgement.canary.failure_rate), percent(judgement.baseline.failure_rate)
    rates = f"fails {canary}, the baseline {baseline}"
    if slower_than:
        rates = f"is slower than {slower_than} in {canary}, the baseline in {baseline}"
    return (
        f"Rejected: the canary {rates}, over the same {duration(judgement.data_seconds)}. "
        f"A canary as good as the baseline would show this in {describe_rarity(settings.false_reject)} rollouts."
    )


def describe_rarity(false_reject: float) -> str:
    """Such as "fewer than 1 of 100"; what there are so few of goes on."""
    return f"fewer than 1 of {math.floor(1 / false_reject + 1e-9):,}"


def _inconclusive(judgement: Judgement) -> str:
    seen = min(judgement.canary.requests, judgement.baseline.requests)
    return (
        f"Inconclusive: {seen:,.0f} of about {_rounded_up(seen + judgement.requests_needed):,} requests seen. "
        f"At this rate a decision takes another {duration(judgement.eta_seconds or 0)}. "
        f"Raise the canary's share of the requests, the margin or maxDuration."
    )


def _no_data(judgement: Judgement) -> str:
    baseline, canary = judgement.unmatched_baseline, judgement.unmatched_canary
    if baseline and canary:
        return "No data yet: baseline and canary have not had requests at the same time."
    if canary:
        return f"No data yet: no request has reached the baseline, {canary:,.0f} have reached the canary."
    if baseline:
        return f"No data yet: no request has reached the canary, {baseline:,.0f} have reached the baseline."
    return "No data yet: no request has reached the baseline or the canary."


def _requests(canary: Counts, baseline: Counts) -> str:
    if canary.requests == baseline.requests:
        return f"{canary.requests:,.0f} requests each"
    return f"{canary.requests:,.0f} vs {baseline.requests:,.0f} requests"


def _rounded_up(number: float) -> int:
    """To two leading digits, upwards: the whole must never look smaller than its part."""
    step = int(10 ** max(0, len(str(math.ceil(number))) - 2))
    return math.ceil(number / step) * step


def _two_units(large: int, small: int, large_unit: str, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"
