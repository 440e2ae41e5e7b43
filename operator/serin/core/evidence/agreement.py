"""Whether a candidate that gets a copy of the requests, and whose answers nobody sees, agrees with stable.

Each mirrored request tells whether both answers agree: a stream of coins. The confidence sequence of H. Robbins
("Statistical methods related to the law of the iterated logarithm", 1970), the Beta(1/2, 1/2) mixture against every
share, holds at all looks together: {p : B(s+1/2, n-s+1/2) / B(1/2, 1/2) < p^s (1-p)^(n-s) / error}.
The counts are the whole state: no bound depends on the order of the requests or on when somebody looks.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from serin.core.evidence.verdict import LARGEST_LOG_SHOWN

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
    return AgreementJudgement(answer, agreement, interval)


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
