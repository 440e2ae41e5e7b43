"""The agreement of a shadow's answers in sentences for people."""

from collections.abc import Mapping

from serin.core.evidence.agreement import Agreement, AgreementJudgement, AgreementSettings
from serin.core.evidence.sentences import describe_rarity
from serin.core.evidence.verdict import Outcome


def describe_agreement(
    judgement: AgreementJudgement, settings: AgreementSettings, differences: Mapping[str, float], outcome: Outcome
) -> str:
    """One to three sentences that say how many answers agree, what differs, and what follows."""
    agreement = judgement.agreement
    if not agreement.requests:
        return "No answer to a copy of a request has been compared yet."
    seen = _describe_share(agreement)
    minimum = f"{100 * settings.minimum:.4g} %"
    differ = _describe_differences(agreement, differences)
    match outcome:
        case Outcome.REJECT:
            return (
                f"Rejected: {seen}, at least {minimum} have to.{differ} A version that agrees that often would show "
                f"this in {describe_rarity(settings.false_reject)} rollouts."
            )
        case Outcome.PROMOTE:
            confidence = f"{100 * (1 - settings.false_promote):.3g} %"
            return f"Promoted: with {confidence} confidence at least {minimum} of the answers agree ({seen}).{differ}"
        case Outcome.INCONCLUSIVE:
            return (
                f"Inconclusive: {seen}, {_describe_interval(judgement, settings)}; at least {minimum} have to.{differ}"
            )
        case _:
            return f"{seen[0].upper()}{seen[1:]}, {_describe_interval(judgement, settings)}; {minimum} have to.{differ}"


def _describe_share(agreement: Agreement) -> str:
    return f"{100 * agreement.share:.4g} % of {agreement.requests:,.0f} answers agree with those of the old version"


def _describe_interval(judgement: AgreementJudgement, settings: AgreementSettings) -> str:
    low, high = 100 * judgement.interval.low, 100 * judgement.interval.high
    return f"with {100 * (1 - settings.false_promote):.3g} % confidence {low:.4g} to {high:.4g} % of all do"


def _describe_differences(agreement: Agreement, differences: Mapping[str, float]) -> str:
    told = [f"{count:,.0f} in {kind}" for kind, count in differences.items() if count]
    return f" {agreement.requests - agreement.agreed:,.0f} differ: {', '.join(told)}." if told else ""
