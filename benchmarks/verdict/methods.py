"""Everything that is compared, in the order of the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from verdict import sequential
from verdict.checks import Argo, Flagger, argo_tuned, decide_by_checks
from verdict.decisions import Decisions
from verdict.scenarios import Scenario
from verdict.traffic import Paths

Decide = Callable[[Paths, Scenario], Decisions]


@dataclass(frozen=True)
class Method:
    """`name` in stored results, `title` in tables."""

    name: str
    title: str


@dataclass(frozen=True)
class Peer(Method):
    decide: Decide


def _by_checks(judge: Argo | Flagger) -> Decide:
    return lambda paths, _scenario: decide_by_checks(judge, paths)


PEERS = (
    Peer("argo95-3", "Argo 95 %, failureLimit 3", _by_checks(Argo(0.95, failure_limit=3))),
    Peer("argo99-0", "Argo 99 %, failureLimit 0", _by_checks(Argo(0.99))),
    Peer("argo99-3", "Argo 99 %, failureLimit 3", _by_checks(Argo(0.99, failure_limit=3))),
    Peer("argo-tuned", "Argo tuned, failureLimit 3", lambda p, s: decide_by_checks(argo_tuned(s), p)),
    Peer("flagger99-5", "Flagger 99 %, threshold 5", _by_checks(Flagger(0.99))),
    Peer("kayenta", "Kayenta, 30 × 1 min", sequential.decide_kayenta),
    Peer("z-fixed", "z-test, one look", sequential.decide_z_fixed),
    Peer("z-peeking", "z-test with peeking", sequential.decide_z_peeking),
    Peer("sprt", "Wald SPRT, true base declared", sequential.decide_sprt),
    Peer("msprt", "mSPRT", sequential.decide_msprt),
    Peer("asymptotic", "asymptotic CS", sequential.decide_asymptotic),
)

SERIN = Method("serin-5", "**Serin**")
SERIN_1 = Method("serin-1", "Serin, α = 1 % (its default)")
NO_HISTORY = Method("no-history-5", "Serin without history")
NO_HISTORY_1 = Method("no-history-1", "Serin without history, α = 1 %")
RAMP = Method("ramp-5", "Serin with the ramp")
RAMP_1 = Method("ramp-1", "Serin with the ramp, α = 1 %")
# In the order of `engine.FALSE_REJECTS`.
WITH_HISTORY, WITHOUT_HISTORY, RAMPED = (SERIN, SERIN_1), (NO_HISTORY, NO_HISTORY_1), (RAMP, RAMP_1)
METHODS = (*PEERS, *WITH_HISTORY, *WITHOUT_HISTORY, *RAMPED)
