"""When each of many runs was decided and how; shared by Serin's runs and the peers'."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from verdict.traffic import CANARY, Ints, Paths

NEVER = np.iinfo(np.int64).max


class Answer(IntEnum):
    UNDECIDED = 0
    PROMOTE = 1
    REJECT = 2


@dataclass(frozen=True)
class Decisions:
    """By run: the answer, the intervals that it took, and the canary's requests and failures until then."""

    answers: Ints
    intervals: Ints
    requests: Ints
    failures: Ints


def first_true(hits: NDArray[np.bool_]) -> Ints:
    """By run: the number (from 1) of the first interval that is true; NEVER if there is none."""
    return np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, NEVER)


def decide_first(paths: Paths, rejected_after: Ints, promoted_after: Ints) -> Decisions:
    """What came first decides, a tie rejects; what comes after the last interval never came."""
    horizon = paths.requests.shape[1]
    after = np.minimum(rejected_after, promoted_after)
    answers = np.where(rejected_after <= promoted_after, Answer.REJECT, Answer.PROMOTE)
    answers = np.where(after > horizon, Answer.UNDECIDED, answers).astype(np.int64)
    after = np.minimum(after, horizon)
    last = after[:, None] - 1
    requests = np.take_along_axis(paths.requests[..., CANARY].cumsum(axis=1), last, axis=1)[:, 0]
    failures = np.take_along_axis(paths.failures[..., CANARY].cumsum(axis=1), last, axis=1)[:, 0]
    return Decisions(answers, after, requests, failures)
