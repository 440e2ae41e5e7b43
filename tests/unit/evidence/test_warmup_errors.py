"""The warm-up rejects what is broken, and next to nothing else: simulated rollouts, whatever the services suffer."""

from dataclasses import replace

import pytest
from serin.core.evidence.counters import CounterState
from serin.core.evidence.verdict import EvidenceState
from serin.core.rollout.streams import Stream
from serin.core.rollout.warmup import SHARE_OF_FALSE_REJECT, find_broken, watch_warmup
from verdict.engine import SETTINGS, begin_runs, make_increments
from verdict.scenarios import BROKEN, EQUAL, MINUTE, SCENARIOS, Canary
from verdict.traffic import draw_history, draw_paths

METRIC = "success-rate"


def count_rejected(scenario: str, canary: Canary, runs: int, canary_rps: float = 10.0, has_history: bool = True) -> int:
    """Of so many rollouts those that a warm-up of a minute ends."""
    chosen = replace(SCENARIOS[scenario], variant_rps=canary_rps)
    begun = begin_runs(draw_history(chosen, 0, runs)) if has_history else [EvidenceState()] * runs
    paths, rejected = draw_paths(chosen, canary, 0, runs), 0
    for evidence, requests, failures in zip(begun, paths.requests, paths.failures, strict=True):
        stream = Stream(CounterState.begin(0, frozenset()), evidence)
        for n, f in zip(requests[:MINUTE].tolist(), failures[:MINUTE].tolist(), strict=True):
            stream = watch_warmup(stream, make_increments(n, f), SETTINGS)
            if find_broken({METRIC: stream}, {METRIC: SETTINGS}):
                rejected += 1
                break
    return rejected


@pytest.mark.parametrize("canary_rps", [1.0, 10.0])
@pytest.mark.parametrize("scenario", ["99", "bursts20", "crash30min", "episode", "warmup", "noise50"])
def test_of_200_equal_canaries_the_warm_up_rejects_none_or_one(scenario: str, canary_rps: float) -> None:
    allowed = 200 * SHARE_OF_FALSE_REJECT * SETTINGS.false_reject
    assert count_rejected(scenario, EQUAL, 200, canary_rps) <= allowed + 1


def test_without_history_the_warm_up_rejects_no_equal_canary_either() -> None:
    assert count_rejected("bursts20", EQUAL, 200, has_history=False) == 0


@pytest.mark.parametrize("canary_rps", [1.0, 10.0])
def test_nearly_every_canary_that_fails_half_is_rejected_in_the_warm_up(canary_rps: float) -> None:
    assert count_rejected("99", BROKEN, 50, canary_rps) >= 49
