"""What an A/B test makes of the verdict of the plan's metrics, which are its guardrails.

They may reject at any time, and a winner is promoted only when each of them is good enough, too.
"""

from dataclasses import replace

from serin.core.evidence.ab_test import AbJudgement, AbOutcome, AbSettings
from serin.core.evidence.combination import JudgedTrial, Verdict
from serin.core.evidence.sentences import describe_rarity, percent
from serin.core.evidence.verdict import Outcome

NO_DIFFERENCE = "NoDifference"


def settle_ab(verdict: Verdict, trial: JudgedTrial, data_seconds: float, max_seconds: float) -> Verdict:
    """`verdict` is that of the guardrails, `data_seconds` their time with data."""
    judgement, settings = trial.judgement, trial.settings
    verdict = replace(verdict, trial=trial)
    if verdict.outcome is Outcome.REJECT:
        return verdict
    told = describe_ab(judgement, settings)
    if judgement.outcome is AbOutcome.STABLE_WINS:
        return replace(verdict, outcome=Outcome.REJECT, sentence=f"Rejected: {told}")
    if verdict.outcome is not Outcome.PROMOTE:
        return replace(verdict, sentence=f"{told} {verdict.sentence}")
    match judgement.outcome:
        case AbOutcome.CANARY_WINS:
            return replace(verdict, sentence=f"Promoted: {told}")
        case AbOutcome.NO_DIFFERENCE:
            return replace(verdict, outcome=Outcome.INCONCLUSIVE, open_reason=NO_DIFFERENCE, sentence=told)
        case _ if data_seconds >= max_seconds:
            return replace(verdict, outcome=Outcome.INCONCLUSIVE, sentence=f"Inconclusive: {told}")
        case _:
            outcome = Outcome.ANALYZING if judgement.baseline.requests else Outcome.NO_DATA
            return replace(verdict, outcome=outcome, sentence=told)


def describe_ab(judgement: AbJudgement, settings: AbSettings) -> str:
    """Who succeeds how often, and what that says, as one or two sentences."""
    if not judgement.baseline.requests:
        return "Nothing has been counted of both versions at the same time yet."
    effect = f"{100 * settings.minimum_effect:.3g} pp"
    counts = f"{judgement.canary.requests:,.0f} vs {judgement.baseline.requests:,.0f} counted"
    new, old = percent(judgement.canary.failure_rate), percent(judgement.baseline.failure_rate)
    seen = f"the new version succeeds in {new}, the old one in {old} ({counts})"
    rarity = f"Two equal versions would show this in {describe_rarity(settings.false_reject)} tests."
    match judgement.outcome:
        case AbOutcome.CANARY_WINS:
            return f"the new version wins, for {seen}. {rarity}"
        case AbOutcome.STABLE_WINS:
            return f"the old version wins, for {seen}. {rarity}"
        case AbOutcome.NO_DIFFERENCE:
            confidence = f"{100 * (1 - settings.false_promote):.3g} %"
            return f"No difference of {effect} or more, with {confidence} confidence: {seen}."
        case _:
            return f"No winner yet, {seen}."
