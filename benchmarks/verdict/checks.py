"""Argo Rollouts and Flagger as their documentation describes them: a success rate against a constant, once a minute.

Both look at the canary alone. Baseline and shares of traffic are as for all methods, so only the decision is compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from verdict.decisions import NEVER, Decisions, decide_first
from verdict.scenarios import INTERVAL_SECONDS, MINUTE, Scenario
from verdict.traffic import CANARY, Paths

ERROR_RETRY_INTERVALS = 10 // INTERVAL_SECONDS


@dataclass(frozen=True)
class Ending:
    """After how many intervals of 10 s a run was promoted or rejected; NEVER for what did not come."""

    promoted_after: int = NEVER
    rejected_after: int = NEVER


RateOf = Callable[[int], float | None]
"""Success rate of the minute that ends after so many intervals: NaN without requests in it, None without any ever."""


@dataclass(frozen=True)
class Argo:
    """An AnalysisTemplate: `successCondition: result[0] >= threshold`, `interval: 1m`, `count: 10`.

    A NaN does not hold the condition, so it is a failure; no series at all is an error, asked for again after 10 s.
    More than `failure_limit` failures or `consecutive_error_limit` errors in a row end the run; Argo aborts on both.
    """

    threshold: float
    failure_limit: int = 0
    consecutive_error_limit: int = 4
    count: int = 10

    def run(self, rate_of: RateOf, horizon: int) -> Ending:
        failures = errors = measured = 0
        now = MINUTE
        while now <= horizon:
            rate = rate_of(now)
            if rate is None:
                errors += 1
                if errors > self.consecutive_error_limit:
                    return Ending(rejected_after=now)
                now += ERROR_RETRY_INTERVALS
                continue
            errors = 0
            measured += 1
            failures += not rate >= self.threshold  # Also true of NaN.
            if failures > self.failure_limit:
                return Ending(rejected_after=now)
            if measured == self.count:
                return Ending(promoted_after=now)
            now += MINUTE
        return Ending()


@dataclass(frozen=True)
class Flagger:
    """A Canary with `interval: 1m`, `stepWeight` a tenth of `maxWeight`, `thresholdRange.min` and `threshold`.

    A failed check, also one without a value, halts the advancement. Failed checks add up and are never taken back;
    the rollback is counted at the check that reaches the threshold, as "interval * threshold" of its documentation.
    """

    minimum: float
    threshold: int = 5
    steps: int = 10

    def run(self, rate_of: RateOf, horizon: int) -> Ending:
        failed = passed = 0
        for now in range(MINUTE, horizon + 1, MINUTE):
            rate = rate_of(now)
            if rate is not None and rate >= self.minimum:
                passed += 1
            else:
                failed += 1
            if failed == self.threshold:
                return Ending(rejected_after=now)
            if passed == self.steps:
                return Ending(promoted_after=now)
        return Ending()


def decide_by_checks(judge: Argo | Flagger, paths: Paths) -> Decisions:
    requests, failures = paths.requests[..., CANARY].cumsum(axis=1), paths.failures[..., CANARY].cumsum(axis=1)
    horizon = requests.shape[1]
    endings = [
        judge.run(_make_rate_of([0, *n.tolist()], [0, *f.tolist()]), horizon)
        for n, f in zip(requests, failures, strict=True)
    ]
    rejected_after = np.array([ending.rejected_after for ending in endings])
    return decide_first(paths, rejected_after, np.array([ending.promoted_after for ending in endings]))


def _make_rate_of(requests: Sequence[int], failures: Sequence[int]) -> RateOf:
    """From the sums after each interval."""

    def rate_of(now: int) -> float | None:
        if requests[now] == 0:
            return None
        seen = requests[now] - requests[now - MINUTE]
        return 1 - (failures[now] - failures[now - MINUTE]) / seen if seen else math.nan

    return rate_of


def argo_tuned(scenario: Scenario) -> Argo:
    """Someone who knows the service: the threshold is its success rate less the margin."""
    return Argo(1 - scenario.base_rate - scenario.margin, failure_limit=3)
