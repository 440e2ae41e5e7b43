"""The running evidence for and against a canary, and what follows from it.

Two sequential tests, both valid at every look (Ville's inequality):
- E_good tests "the canary is worse by at least the margin". Promote once it has reached 1 / false_promote.
- E_bad tests "the canary is not worse". Reject when it reaches 1 / false_reject; this wins a tie and never waits.
Both are tempered by a dispersion >= 1, because failures come in bursts: e ** (1 / phi) keeps its mean <= 1. Without
history it is learned on the way, and E_good is doubted besides (doubt.py).
A change of the settings in the middle of a run voids the guarantee; the test must start again.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from serin.core.evidence.base_rate import PRIOR, Memory, forget, is_outage, plug_in_rate, remember
from serin.core.evidence.counts import Counts, Increments
from serin.core.evidence.dispersion import Bursts, Dispersion, HistoryInterval, decide_dispersion, learn, learn_history
from serin.core.evidence.doubt import Doubt, log_believed, seconds_to_learn
from serin.core.evidence.harm import Harm, add_harm
from serin.core.evidence.outlook import decide_outlook, requests_to_promote
from serin.core.evidence.proof import Proof, add_proof, conclude, log_e_by_factor
from serin.core.evidence.settings import Settings

LARGEST_LOG_SHOWN = 700.0  # exp() of more overflows


@dataclass(frozen=True)
class EvidenceState:
    """All running numbers of one analysis. Bounded: it never grows with time or traffic."""

    intervals: int = 0  # closed so far, capped at Settings.planned_intervals
    memory: Memory = field(default_factory=Memory)
    base_rate: float = PRIOR.failure_rate  # of the newest compared interval without an outage
    proof: Proof = field(default_factory=Proof)
    harm: Harm = field(default_factory=Harm)
    bursts: Bursts = field(default_factory=Bursts)
    doubt: Doubt | None = field(default_factory=Doubt)  # None with history
    baseline: Counts = field(default_factory=Counts)  # of the compared intervals, as canary
    canary: Counts = field(default_factory=Counts)
    unmatched_baseline: float = 0.0  # requests in intervals in which the canary had none; only for the message
    unmatched_canary: float = 0.0
    data_seconds: float = 0.0  # length of the compared intervals

    @staticmethod
    def begin(history: Iterable[HistoryInterval], settings: Settings) -> "EvidenceState":
        """The state before the first interval, with what the stable pods did before; empty history is allowed."""
        bursts = learn_history(history, settings)
        return EvidenceState(bursts=bursts, doubt=None if bursts.has_history else Doubt())

    @property
    def log_good(self) -> float:
        """The ln E_good."""
        return self.proof.log_good

    def log_proven(self, settings: Settings) -> float:
        """The ln of what E_good counts for now: without history it is doubted."""
        return self.proof.log_proven(log_believed(self.doubt, self.bursts, settings))

    def log_bad(self, settings: Settings) -> float:
        """The ln E_bad."""
        return self.harm.log_bad(self.intervals, settings)

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` turns back into an equal state, bit for bit."""
        return {
            "intervals": self.intervals,
            "memory": [self.memory.requests, self.memory.failures],
            "baseRate": self.base_rate,
            "proof": self.proof.to_json(),
            "harm": self.harm.to_json(),
            "bursts": self.bursts.to_json(),
            "doubt": self.doubt and self.doubt.to_json(),
            "baseline": [self.baseline.requests, self.baseline.failures],
            "canary": [self.canary.requests, self.canary.failures],
            "unmatched": [self.unmatched_baseline, self.unmatched_canary],
            "dataSeconds": self.data_seconds,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "EvidenceState":
        """The state that `to_json` wrote. ValueError when a number is missing or is none."""
        try:
            # Integral floats come back from the API server as integers.
            unmatched_baseline, unmatched_canary = map(float, data["unmatched"])
            return EvidenceState(
                intervals=int(data["intervals"]),
                memory=Memory(*map(float, data["memory"])),
                base_rate=float(data["baseRate"]),
                proof=Proof.from_json(data["proof"]),
                harm=Harm.from_json(data["harm"]),
                bursts=Bursts.from_json(data["bursts"]),
                # An operator that knew no doubt wrote none: the comparison ends by the rule that it began with.
                doubt=Doubt.from_json(data["doubt"]) if data.get("doubt") else None,
                baseline=Counts(*map(float, data["baseline"])),
                canary=Counts(*map(float, data["canary"])),
                unmatched_baseline=unmatched_baseline,
                unmatched_canary=unmatched_canary,
                data_seconds=float(data["dataSeconds"]),
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
    is_good_enough: bool  # E_good has once been at its threshold: a crossing counts for good
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
    dispersion: Dispersion  # for the next interval
    proven_worse_at_most: float | None  # None while no margin is proven


def advance(state: EvidenceState, increments: Increments, settings: Settings) -> EvidenceState:
    """The state after one more closed interval.

    An interval without requests to one of the variants moves no evidence: only the start shares, what is learned from
    the stable pods, whose traffic goes on, and the tally of unmatched requests. In an outage of everything nothing is
    learned, and no evidence for the canary counts.
    """
    has_outage = is_outage(increments.stable)
    increments = put_on_sides(increments, settings)
    base_rate = plug_in_rate(state.memory, increments.stable)
    dispersion = decide_dispersion(state.bursts, settings)
    memory, bursts, proof, doubt = forget(state.memory, increments.seconds), state.bursts, state.proof, state.doubt
    is_compared = increments.is_compared
    # Where the stable pods are compared, leaving out what they show in an outage would be a choice made on what is
    # judged.
    if is_compared and (not has_outage or settings.control_includes_stable):
        log_e_values = log_e_by_factor(increments, base_rate, settings, is_capped=has_outage)
        proof = add_proof(proof, log_e_values, dispersion.promote)
        doubt = doubt and doubt.add(log_e_values)
    if not has_outage:
        memory = remember(state.memory, increments)
        halves = increments.stable_halves
        if halves is not None:
            bursts = learn(bursts, halves, increments.seconds, settings)
            doubt = doubt and doubt.learn(halves, increments.seconds)
    if seconds_to_learn(doubt, settings) == 0:
        proof = conclude(proof, log_believed(doubt, bursts, settings), settings)
    return EvidenceState(
        intervals=min(state.intervals + 1, settings.planned_intervals),
        memory=memory,
        base_rate=base_rate if is_compared and not has_outage else state.base_rate,
        proof=proof,
        harm=add_harm(state.harm, increments, base_rate, dispersion, state.intervals + 1, settings),
        bursts=bursts,
        doubt=doubt,
        baseline=state.baseline + increments.baseline if is_compared else state.baseline,
        canary=state.canary + increments.canary if is_compared else state.canary,
        unmatched_baseline=state.unmatched_baseline + (0 if is_compared else increments.baseline.requests),
        unmatched_canary=state.unmatched_canary + (0 if is_compared else increments.canary.requests),
        data_seconds=state.data_seconds + (increments.seconds if is_compared else 0),
    )


def put_on_sides(increments: Increments, settings: Settings) -> Increments:
    """What is compared with the canary as `baseline`. Stable pods that are, are no source of the base rate any more."""
    if not settings.control_includes_stable:
        return increments
    control = increments.stable + increments.baseline
    return replace(increments, stable=Counts(), baseline=control, is_symmetric=False)


def judge(state: EvidenceState, settings: Settings) -> Judgement:
    """What the state says under these settings."""
    log_bad, log_proven = state.log_bad(settings), state.log_proven(settings)
    has_reached_good = state.proof.is_good_enough
    dispersion = decide_dispersion(state.bursts, settings)
    base_margin = settings.margin_at(state.base_rate)
    outlook = decide_outlook(
        whole_way_requests=requests_to_promote(state.base_rate, base_margin, settings.log_promote, dispersion.promote),
        progress=1.0 if has_reached_good else log_proven / settings.log_promote,
        requests_seen=min(state.baseline.requests, state.canary.requests),
        # Intervals without traffic are waiting time too, though not time with data.
        observed_seconds=max(state.data_seconds, state.intervals * settings.interval_seconds),
    )
    eta_seconds = outlook.eta_seconds
    if eta_seconds is not None:
        rest_seconds = settings.min_duration_seconds - state.data_seconds
        eta_seconds = max(eta_seconds, rest_seconds, seconds_to_learn(state.doubt, settings))
    return Judgement(
        outcome=_decide_outcome(state, log_bad, settings),
        is_good_enough=has_reached_good,
        good=1.0 if has_reached_good else min(max(log_proven / settings.log_promote, 0.0), 1.0),
        bad=min(max(log_bad / settings.log_reject, 0.0), 1.0),
        evidence_good=math.exp(min(log_proven, LARGEST_LOG_SHOWN)),
        evidence_bad=math.exp(min(log_bad, LARGEST_LOG_SHOWN)),
        baseline=state.baseline,
        canary=state.canary,
        unmatched_baseline=state.unmatched_baseline,
        unmatched_canary=state.unmatched_canary,
        margin=base_margin,
        data_seconds=state.data_seconds,
        requests_needed=outlook.requests_needed,
        eta_seconds=eta_seconds,
        dispersion=dispersion,
        proven_worse_at_most=state.proof.worse_at_most(base_margin),
    )


def _decide_outcome(state: EvidenceState, log_bad: float, settings: Settings) -> Outcome:
    if log_bad >= settings.log_reject:
        return Outcome.REJECT
    if state.proof.is_good_enough and state.data_seconds >= settings.min_duration_seconds:
        return Outcome.PROMOTE
    if state.data_seconds >= settings.max_duration_seconds:
        return Outcome.INCONCLUSIVE
    if state.baseline.requests == 0:
        return Outcome.NO_DATA
    return Outcome.ANALYZING
