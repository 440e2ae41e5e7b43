"""The running evidence for and against a canary, and what follows from it.

Two sequential tests, both valid at every look (Ville's inequality):
- E_good tests "the canary is worse by at least the margin". Promote once it has reached 1 / false_promote.
- E_bad tests "the canary is not worse". Reject when it reaches 1 / false_reject; this wins a tie and never waits.
Both are tempered by a dispersion >= 1, because failures come in bursts: e ** (1 / phi) keeps its mean <= 1.
A change of the settings in the middle of a run voids the guarantee; the test must start again.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from serin.core.evidence.base_rate import PRIOR, Memory, margin, plug_in_rate, remember
from serin.core.evidence.counts import Counts, Increments
from serin.core.evidence.late_starts import EFFECTS, NOT_STARTED, log_wealth, place_and_settle
from serin.core.evidence.likelihood import Rates, log_e_value
from serin.core.evidence.outlook import decide_outlook, requests_to_promote

HIGHEST_ALTERNATIVE = 0.99  # a canary that fails always must still leave a likelihood for the odd success
LARGEST_LOG_SHOWN = 700.0  # exp() of more overflows


@dataclass(frozen=True)
class Settings:
    """What one analysis is run with. Rates, probabilities and margins are fractions of 1."""

    interval_seconds: float = 10.0
    min_duration_seconds: float = 300.0
    max_duration_seconds: float = 1800.0
    false_reject: float = 0.01
    false_promote: float = 0.05
    margin_absolute: float = 0.005
    margin_relative: float = 0.2
    tolerance: float = 0.0  # share of the margin that E_bad forgives
    phi: float = 3.0  # design effect of failure bursts without any history of the service
    phi_reject: float = 10.0  # the same against single large bursts, for E_bad

    def __post_init__(self) -> None:
        _require(0 < self.interval_seconds < math.inf, "interval_seconds", self.interval_seconds, "more than 0")
        _require(
            0 <= self.min_duration_seconds <= self.max_duration_seconds,
            "min_duration_seconds",
            self.min_duration_seconds,
            f"a number from 0 to max_duration_seconds ({self.max_duration_seconds})",
        )
        _require(
            self.interval_seconds <= self.max_duration_seconds < math.inf,
            "max_duration_seconds",
            self.max_duration_seconds,
            f"at least interval_seconds ({self.interval_seconds})",
        )
        for name in ("false_reject", "false_promote"):
            _require(0 < getattr(self, name) < 1, name, getattr(self, name), "a number between 0 and 1")
        for name in ("margin_absolute", "margin_relative", "tolerance"):
            _require(0 <= getattr(self, name) < 1, name, getattr(self, name), "a number from 0 to below 1")
        _require(
            self.margin_absolute + self.margin_relative > 0,
            "margin_absolute",
            self.margin_absolute,
            "more than 0 when margin_relative is 0",
        )
        for name in ("phi", "phi_reject"):
            _require(1 <= getattr(self, name) < math.inf, name, getattr(self, name), "a number of at least 1")

    @property
    def planned_intervals(self) -> int:
        """Over how many intervals the late starts are spread."""
        return max(1, round(self.max_duration_seconds / self.interval_seconds))

    @property
    def log_promote(self) -> float:
        """The ln E_good at which the canary is promoted."""
        return -math.log(self.false_promote)

    @property
    def log_reject(self) -> float:
        """The ln E_bad at which the canary is rejected."""
        return -math.log(self.false_reject)

    def margin_at(self, base_rate: float) -> float:
        """The margin for a base rate, both as fractions."""
        return margin(base_rate, self.margin_absolute, self.margin_relative)


@dataclass(frozen=True)
class EvidenceState:
    """All running numbers of one analysis. Bounded: it never grows with time or traffic."""

    intervals: int = 0  # closed so far, capped at Settings.planned_intervals
    memory: Memory = field(default_factory=Memory)
    base_rate: float = PRIOR.failure_rate  # of the newest compared interval
    log_good: float = 0.0
    log_good_peak: float = 0.0  # promotion counts from the first crossing, whatever E_good does afterwards
    log_bets: tuple[float, ...] = NOT_STARTED  # of E_bad, in the order of late_starts.EFFECTS
    baseline: Counts = field(default_factory=Counts)  # of the compared intervals, as canary
    canary: Counts = field(default_factory=Counts)
    unmatched_baseline: float = 0.0  # requests in intervals in which the canary had none; only for the message
    unmatched_canary: float = 0.0
    data_seconds: float = 0.0  # length of the compared intervals

    def log_bad(self, planned_intervals: int) -> float:
        """The ln E_bad. Its likelihood part is the whole of it."""
        return log_wealth(self.log_bets, self.intervals, planned_intervals)

    def to_json(self) -> dict[str, float]:
        """A flat dict of numbers that `from_json` turns back into an equal state, bit for bit."""
        bets = {f"logBet{i}": bet for i, bet in enumerate(self.log_bets)} if self.intervals else {}  # no -inf in JSON
        return {
            "intervals": self.intervals,
            "memoryRequests": self.memory.requests,
            "memoryFailures": self.memory.failures,
            "baseRate": self.base_rate,
            "logGood": self.log_good,
            "logGoodPeak": self.log_good_peak,
            "baselineRequests": self.baseline.requests,
            "baselineFailures": self.baseline.failures,
            "canaryRequests": self.canary.requests,
            "canaryFailures": self.canary.failures,
            "unmatchedBaseline": self.unmatched_baseline,
            "unmatchedCanary": self.unmatched_canary,
            "dataSeconds": self.data_seconds,
            **bets,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "EvidenceState":
        """The state that `to_json` wrote. ValueError when a number is missing or is none."""
        try:
            intervals = int(data["intervals"])
            # Integral floats come back from the API server as integers.
            number = {name: float(value) for name, value in data.items()}
            return EvidenceState(
                intervals=intervals,
                memory=Memory(number["memoryRequests"], number["memoryFailures"]),
                base_rate=number["baseRate"],
                log_good=number["logGood"],
                log_good_peak=number["logGoodPeak"],
                log_bets=tuple(number[f"logBet{i}"] for i in range(len(EFFECTS))) if intervals else NOT_STARTED,
                baseline=Counts(number["baselineRequests"], number["baselineFailures"]),
                canary=Counts(number["canaryRequests"], number["canaryFailures"]),
                unmatched_baseline=number["unmatchedBaseline"],
                unmatched_canary=number["unmatchedCanary"],
                data_seconds=number["dataSeconds"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"evidence {dict(data)!r} is not one that Serin wrote: {error!r}") from error


class Outcome(StrEnum):
    """What the evidence says at one moment."""

    ANALYZING = "Analyzing"
    PROMOTE = "Promote"
    REJECT = "Reject"
    INCONCLUSIVE = "Inconclusive"
    NO_DATA = "NoData"


@dataclass(frozen=True)
class Judgement:
    """The outcome with the numbers that explain it to people."""

    outcome: Outcome
    good: float  # way to promotion, 0..1: ln E_good / ln threshold, and 1 once it has been reached
    bad: float  # way to rejection, 0..1
    evidence_good: float
    evidence_bad: float
    baseline: Counts
    canary: Counts
    unmatched_baseline: float
    unmatched_canary: float
    margin: float
    data_seconds: float
    requests_needed: int  # still, per variant, if the canary is equal
    eta_seconds: float | None  # for those requests, and until the minimum duration; None while the pace is unknown


def advance(state: EvidenceState, increments: Increments, settings: Settings) -> EvidenceState:
    """The state after one more closed interval.

    An interval without requests to one of the variants moves no evidence: only the start shares, the memory of the
    base rate (stable traffic goes on) and the tally of unmatched requests.
    """
    base_rate = plug_in_rate(state.memory, increments.stable)
    log_good = state.log_good + _log_e_good(increments, base_rate, settings)
    is_compared = increments.is_compared
    return EvidenceState(
        intervals=min(state.intervals + 1, settings.planned_intervals),
        memory=remember(state.memory, increments),
        base_rate=base_rate if is_compared else state.base_rate,
        log_good=log_good,
        log_good_peak=max(state.log_good_peak, log_good),
        log_bets=place_and_settle(
            state.log_bets,
            _log_e_bad(increments, base_rate, settings),
            interval=state.intervals + 1,
            planned_intervals=settings.planned_intervals,
        ),
        baseline=state.baseline + increments.baseline if is_compared else state.baseline,
        canary=state.canary + increments.canary if is_compared else state.canary,
        unmatched_baseline=state.unmatched_baseline + (0 if is_compared else increments.baseline.requests),
        unmatched_canary=state.unmatched_canary + (0 if is_compared else increments.canary.requests),
        data_seconds=state.data_seconds + (increments.seconds if is_compared else 0),
    )


def judge(state: EvidenceState, settings: Settings) -> Judgement:
    """What the state says under these settings."""
    log_bad = state.log_bad(settings.planned_intervals)
    progress = max(state.log_good, 0.0) / settings.log_promote
    has_reached_good = state.log_good_peak >= settings.log_promote
    base_margin = settings.margin_at(state.base_rate)
    outlook = decide_outlook(
        whole_way_requests=requests_to_promote(state.base_rate, base_margin, settings.log_promote, settings.phi),
        progress=1.0 if has_reached_good else state.log_good / settings.log_promote,
        requests_seen=min(state.baseline.requests, state.canary.requests),
        # Intervals without traffic are waiting time too, though not time with data.
        observed_seconds=max(state.data_seconds, state.intervals * settings.interval_seconds),
    )
    eta_seconds = outlook.eta_seconds
    if eta_seconds is not None:
        eta_seconds = max(eta_seconds, settings.min_duration_seconds - state.data_seconds)
    return Judgement(
        outcome=_decide_outcome(state, log_bad, settings),
        good=1.0 if has_reached_good else min(progress, 1.0),
        bad=min(max(log_bad / settings.log_reject, 0.0), 1.0),
        evidence_good=math.exp(min(state.log_good, LARGEST_LOG_SHOWN)),
        evidence_bad=math.exp(min(log_bad, LARGEST_LOG_SHOWN)),
        baseline=state.baseline,
        canary=state.canary,
        unmatched_baseline=state.unmatched_baseline,
        unmatched_canary=state.unmatched_canary,
        margin=base_margin,
        data_seconds=state.data_seconds,
        requests_needed=outlook.requests_needed,
        eta_seconds=eta_seconds,
    )


def _decide_outcome(state: EvidenceState, log_bad: float, settings: Settings) -> Outcome:
    if log_bad >= settings.log_reject:
        return Outcome.REJECT
    if state.log_good_peak >= settings.log_promote and state.data_seconds >= settings.min_duration_seconds:
        return Outcome.PROMOTE
    if state.data_seconds >= settings.max_duration_seconds:
        return Outcome.INCONCLUSIVE
    if state.baseline.requests == 0:
        return Outcome.NO_DATA
    return Outcome.ANALYZING


def _log_e_good(increments: Increments, base_rate: float, settings: Settings) -> float:
    equal = Rates(base_rate, base_rate)
    shift = settings.margin_at(base_rate)
    return log_e_value(increments.baseline, increments.canary, equal, shift) / settings.phi


def _log_e_bad(increments: Increments, base_rate: float, settings: Settings) -> tuple[float, ...]:
    """Tempered log e-values against "worse by at most the tolerance", in the order of EFFECTS."""
    margin_now = settings.margin_at(base_rate)
    shift = settings.tolerance * margin_now
    log_e_values = []
    for effect in EFFECTS:
        worse = Rates(base_rate, min(base_rate + effect.margins * margin_now, HIGHEST_ALTERNATIVE))
        # A base rate near the ceiling leaves no room for an alternative; inside the null it would test the opposite.
        is_outside_null = worse.canary - worse.baseline > shift
        log_e = log_e_value(increments.baseline, increments.canary, worse, shift) if is_outside_null else 0.0
        log_e_values.append(log_e / settings.phi_reject)
    return tuple(log_e_values)


def _require(holds: bool, name: str, value: float, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value}, expected {expected}")
