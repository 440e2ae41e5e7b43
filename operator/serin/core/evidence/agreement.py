"""Whether a candidate that gets a copy of the requests, and whose answers nobody sees, agrees with stable.

Two questions, for two kinds of knowledge:
- Each mirrored request tells whether both answers agree: a stream of coins. The confidence sequence of H. Robbins
  ("Statistical methods related to the law of the iterated logarithm", 1970), the Beta(1/2, 1/2) mixture against every
  share, holds at all looks together: {p : B(s+1/2, n-s+1/2) / B(1/2, 1/2) < p^s (1-p)^(n-s) / error}.
- Both outcomes of each request are known, right or wrong: then only the requests count on which the two differ. If the
  candidate is not worse, each of these is its fault with probability at most 1/2, whatever the requests are like.
  Nothing is stronger, because what makes a request hard for both drops out.
The counts are the whole state: no bound depends on the order of the requests or on when somebody looks.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from serin.core.evidence.sentences import describe_rarity
from serin.core.evidence.verdict import LARGEST_LOG_SHOWN

# Chance that it is the candidate's fault when the two differ, and shares of the wealth that are bet on "good enough".
FAULT_SHARES = (0.55, 0.65, 0.8, 0.95)
STAKES = (0.1, 0.25, 0.5, 0.75, 0.95)

BISECTIONS = 60  # from 1 down to the precision of a float


class Answer(StrEnum):
    """What the mirrored requests say by now."""

    PASS = "Pass"  # noqa: S105 (no password)
    FAIL = "Fail"
    UNDECIDED = "Undecided"


@dataclass(frozen=True)
class AgreementSettings:
    """`minimum` share of requests that must agree; the two error rates are those of the plan."""

    minimum: float
    false_reject: float = 0.01
    false_promote: float = 0.05

    def __post_init__(self) -> None:
        for name in ("minimum", "false_reject", "false_promote"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a number between 0 and 1")


@dataclass(frozen=True)
class Agreement:
    """Mirrored requests that were compared, and how many of them agreed; floats, because JSON knows only these."""

    requests: float = 0.0
    agreed: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.agreed <= self.requests < math.inf:
            raise ValueError(f"{self.agreed} of {self.requests} requests agree, expected a share of a finite number")

    @property
    def share(self) -> float:
        """Of requests that agreed, 0..1; 1 before the first."""
        return self.agreed / self.requests if self.requests else 1.0

    def add(self, requests: float, agreed: float) -> "Agreement":
        return Agreement(self.requests + requests, self.agreed + agreed)

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into equal counts."""
        return {"requests": self.requests, "agreed": self.agreed}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Agreement":
        """The counts that `to_json` wrote. ValueError when it did not."""
        try:
            return Agreement(float(data["requests"]), float(data["agreed"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"agreement {data!r} is not one that Serin wrote: {error!r}") from error


@dataclass(frozen=True)
class Interval:
    """Shares, 0..1."""

    low: float
    high: float


@dataclass(frozen=True)
class AgreementJudgement:
    """`interval` holds the true share with the confidence of a promotion; the other bound rejects."""

    answer: Answer
    agreement: Agreement
    interval: Interval
    sentence: str


def find_interval(agreement: Agreement, error: float) -> Interval:
    """The confidence sequence at this moment: all moments together miss the true share with this probability."""
    threshold = -math.log(error)

    def is_excluded(share: float) -> bool:
        return log_evidence_against(agreement, share) >= threshold

    return Interval(
        low=0.0 if not is_excluded(0.0) else _find_edge(is_excluded, 0.0, agreement.share),
        high=1.0 if not is_excluded(1.0) else _find_edge(is_excluded, 1.0, agreement.share),
    )


def log_evidence_against(agreement: Agreement, share: float) -> float:
    """The ln e-value against "this share agrees", 0 before the first request."""
    agreed, differing = agreement.agreed, agreement.requests - agreement.agreed
    if (share == 0 and agreed) or (share == 1 and differing):
        return math.inf
    mixture = _log_beta(agreed + 0.5, differing + 0.5) - _log_beta(0.5, 0.5)
    expected = (agreed * math.log(share) if agreed else 0.0) + (differing * math.log1p(-share) if differing else 0.0)
    return mixture - expected


def evidence_bad(agreement: Agreement, minimum: float) -> float:
    """The e-value against "at least the minimum agrees"; its largest null is the nearest to what was seen."""
    return math.exp(min(log_evidence_against(agreement, max(agreement.share, minimum)), LARGEST_LOG_SHOWN))


def evidence_good(agreement: Agreement, minimum: float) -> float:
    """The e-value against "less than the minimum agrees"."""
    return math.exp(min(log_evidence_against(agreement, min(agreement.share, minimum)), LARGEST_LOG_SHOWN))


def judge_agreement(agreement: Agreement, settings: AgreementSettings) -> AgreementJudgement:
    """Pass when the lower end is at least the minimum, fail when the upper end is below it."""
    interval = find_interval(agreement, settings.false_promote)
    answer = Answer.UNDECIDED
    if find_interval(agreement, settings.false_reject).high < settings.minimum:
        answer = Answer.FAIL
    elif interval.low >= settings.minimum:
        answer = Answer.PASS
    return AgreementJudgement(answer, agreement, interval, _describe(answer, agreement, interval, settings))


@dataclass(frozen=True)
class PairedOutcomes:
    """Mirrored requests of which both outcomes are known, and those on which only one of the two was wrong."""

    requests: float = 0.0
    only_candidate_wrong: float = 0.0
    only_stable_wrong: float = 0.0

    def __post_init__(self) -> None:
        least = min(self.only_candidate_wrong, self.only_stable_wrong)
        if not (least >= 0 and self.only_candidate_wrong + self.only_stable_wrong <= self.requests < math.inf):
            raise ValueError(
                f"{self.only_candidate_wrong} and {self.only_stable_wrong} of {self.requests} requests, expected parts"
            )

    def add(self, requests: float, only_candidate_wrong: float, only_stable_wrong: float) -> "PairedOutcomes":
        return PairedOutcomes(
            self.requests + requests,
            self.only_candidate_wrong + only_candidate_wrong,
            self.only_stable_wrong + only_stable_wrong,
        )

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into equal counts."""
        return {
            "requests": self.requests,
            "onlyCandidateWrong": self.only_candidate_wrong,
            "onlyStableWrong": self.only_stable_wrong,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "PairedOutcomes":
        """The counts that `to_json` wrote. ValueError when it did not."""
        try:
            return PairedOutcomes(
                float(data["requests"]), float(data["onlyCandidateWrong"]), float(data["onlyStableWrong"])
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"outcomes {data!r} are none that Serin wrote: {error!r}") from error


@dataclass(frozen=True)
class PairedJudgement:
    """Evidence that the candidate is wrong more often, and that it is not so by the margin; 1 is none."""

    answer: Answer
    outcomes: PairedOutcomes
    log_bad: float
    log_good: float


def judge_pairs(outcomes: PairedOutcomes, margin: float, false_reject: float, false_promote: float) -> PairedJudgement:
    """Fail on evidence against "not wrong more often", else pass on that against "wrong more often by the margin"."""
    if not 0 < margin < 1:
        raise ValueError(f"margin is {margin}, expected a number between 0 and 1")
    log_bad, log_good = _log_bad_of_pairs(outcomes), _log_good_of_pairs(outcomes, margin)
    answer = Answer.UNDECIDED
    if log_bad >= -math.log(false_reject):
        answer = Answer.FAIL
    elif log_good >= -math.log(false_promote):
        answer = Answer.PASS
    return PairedJudgement(answer, outcomes, log_bad, log_good)


def _log_bad_of_pairs(outcomes: PairedOutcomes) -> float:
    """Against "each difference is the candidate's fault with probability at most 1/2"."""
    theirs, ours = outcomes.only_stable_wrong, outcomes.only_candidate_wrong
    return _log_mean([ours * math.log(2 * share) + theirs * math.log(2 * (1 - share)) for share in FAULT_SHARES])


def _log_good_of_pairs(outcomes: PairedOutcomes, margin: float) -> float:
    """Against "wrong more often by the margin or more": a bet of a share of the wealth on every request."""
    alike = outcomes.requests - outcomes.only_candidate_wrong - outcomes.only_stable_wrong
    return _log_mean(
        [
            outcomes.only_candidate_wrong * math.log1p(stake * (margin - 1))
            + alike * math.log1p(stake * margin)
            + outcomes.only_stable_wrong * math.log1p(stake * (margin + 1))
            for stake in STAKES
        ]
    )


def _log_mean(logs: list[float]) -> float:
    most = max(logs)
    return most + math.log(math.fsum(math.exp(log - most) for log in logs) / len(logs))


def _find_edge(is_excluded: Callable[[float], bool], outside: float, inside: float) -> float:
    """The edge of the interval between an excluded share and one within."""
    for _ in range(BISECTIONS):
        middle = (outside + inside) / 2
        if is_excluded(middle):
            outside = middle
        else:
            inside = middle
    return inside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _describe(answer: Answer, agreement: Agreement, interval: Interval, settings: AgreementSettings) -> str:
    if not agreement.requests:
        return "No mirrored request has been compared yet."
    seen = (
        f"{100 * agreement.share:.4g} % of {agreement.requests:,.0f} mirrored requests agree, with "
        f"{100 * (1 - settings.false_promote):.3g} % confidence {100 * interval.low:.4g} to "
        f"{100 * interval.high:.4g} % of all do"
    )
    minimum = f"{100 * settings.minimum:.4g} %"
    match answer:
        case Answer.PASS:
            return f"Passed: {seen}; at least {minimum} had to."
        case Answer.FAIL:
            return (
                f"Failed: {seen}; at least {minimum} have to. A candidate that agrees that often would show this in "
                f"{describe_rarity(settings.false_reject)} rollouts."
            )
        case Answer.UNDECIDED:
            return f"{seen}; at least {minimum} must, more mirrored requests are needed."
