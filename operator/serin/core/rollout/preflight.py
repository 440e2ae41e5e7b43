"""Preflight: the new version is asked before any user is. It keeps the contract, breaks it, or could not be asked yet.

Not asked is not kept: until every question has an answer nothing goes on. The old version may tell nothing of its
tensors (a server that does not speak the protocol); then there is no signature to keep, and only golden requests count.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from serin.core.contract.golden_requests import Answer, find_breach
from serin.core.contract.signature import InvalidMetadataError, Signature, find_breaches, read_signature
from serin.core.facts import InvalidGolden, NoAnswer, PreflightFacts
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.move import Move
from serin.core.rollout.waiting import failed_by_deadline

NOT_THERE = frozenset({404, 405, 501})
"""A server without the protocol's metadata says one of these."""

MOST_BREACHES_TOLD = 3

ASK_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Kept:
    """`checked` says what was looked at, for people."""

    checked: str


@dataclass(frozen=True, slots=True)
class Broken:
    breaches: tuple[str, ...]

    @property
    def sentence(self) -> str:
        told = "; ".join(self.breaches[:MOST_BREACHES_TOLD])
        rest = len(self.breaches) - MOST_BREACHES_TOLD
        return f"{told}; and {rest} more" if rest > 0 else told


@dataclass(frozen=True, slots=True)
class NotAsked:
    reason: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """A person must change the golden requests."""

    message: str


def check_contract(attempt: Attempt) -> Move:
    asked_again_at = attempt.facts.now + timedelta(seconds=ASK_AGAIN_SECONDS)
    waiting = Move("Preflight", "CheckingContract", "The new version is asked before any user is.", asked_again_at)
    if attempt.facts.preflight is None:
        return failed_by_deadline(attempt) if attempt.facts.now >= attempt.deadline() else waiting
    match judge_preflight(attempt.facts.preflight):
        case Kept(checked):
            begun = attempt.strategy.begin_trial(attempt)
            return replace(begun, message=f"The new version keeps {checked}. {begun.message}")
        case Broken() as broken:
            return _follow_the_breach(attempt, f"The new version breaks what callers rely on: {broken.sentence}.")
        case Unusable(message):
            return _follow_the_breach(attempt, f"The contract cannot be checked, {message}.")
        case NotAsked(reason):
            if attempt.facts.now < attempt.deadline():
                return replace(waiting, message=f"Not asked yet, {reason}.")
            patience = attempt.plan.progress_deadline
            return Move("Failed", "PreflightFailed", f"The contract could not be checked within {patience}: {reason}.")


def _follow_the_breach(attempt: Attempt, sentence: str) -> Move:
    if attempt.plan.preflight.contract == "Enforce":
        return Move("Failed", "PreflightFailed", f"{sentence} No user was sent to it.")
    begun = attempt.strategy.begin_trial(attempt)
    return replace(begun, message=f"{sentence} The plan only warns. {begun.message}", contract_breach=sentence)


def judge_preflight(facts: PreflightFacts) -> Kept | Broken | NotAsked | Unusable:
    golden = facts.golden
    if isinstance(golden, InvalidGolden):
        return Unusable(golden.message)
    if isinstance(golden, NoAnswer):
        return NotAsked(golden.reason)
    unanswered = next((answer for answer in facts.answers if isinstance(answer, NoAnswer)), None)
    if unanswered is not None:
        return NotAsked(f"pod {facts.candidate_pod}: {unanswered.reason}")
    signature = _judge_signature(facts)
    if isinstance(signature, NotAsked):
        return signature
    answered = (answer for answer in facts.answers if isinstance(answer, Answer))
    found = (find_breach(request, answer) for request, answer in zip(golden, answered, strict=True))
    breaches = (*signature, *(breach for breach in found if breach))
    if breaches:
        return Broken(breaches)
    return Kept(f"{len(golden)} golden requests" if golden else "its inputs and outputs")


def _judge_signature(facts: PreflightFacts) -> tuple[str, ...] | NotAsked:
    if facts.stable_metadata is None:
        return ()
    ours = _read_metadata(facts.stable_metadata, "the stable version")
    theirs = _read_metadata(facts.candidate_metadata, f"pod {facts.candidate_pod}")
    match ours, theirs:
        case NotAsked(), _:
            return ours
        case Signature(), NotAsked():
            return theirs
        case Signature(), Signature():
            return find_breaches(ours, theirs)
        case Signature(), str():
            return (f"it does not tell its inputs and outputs as the stable version does: {theirs}",)
    return ()


def _read_metadata(answer: Answer | NoAnswer, who: str) -> Signature | NotAsked | str:
    """A text says why it is no metadata of the protocol: nobody can rely on such."""
    if isinstance(answer, NoAnswer):
        return NotAsked(f"{who}: {answer.reason}")
    if answer.status in NOT_THERE:
        return f"status {answer.status}"
    if answer.status != 200:
        return NotAsked(f"{who} answers {answer.status} when asked for its inputs and outputs")
    try:
        return read_signature(answer.body)
    except InvalidMetadataError as error:
        return str(error)
