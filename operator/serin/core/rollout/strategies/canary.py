"""Canary: a few pods of the new version, compared with as many young pods of the old one under real requests."""

from typing import Final

from serin.core.rollout.analyzing import analyze, await_approval
from serin.core.rollout.awaiting import begin_comparison
from serin.core.rollout.baking import bake
from serin.core.rollout.preflight import check_contract
from serin.core.rollout.preparing import begin, prepare
from serin.core.rollout.promoting import promote
from serin.core.rollout.routes import wanted_pods, wanted_weights
from serin.core.rollout.strategy import Strategy

CANARY: Final = Strategy(
    rules={
        "Pending": begin,
        "Preparing": prepare,
        "Preflight": check_contract,
        "Analyzing": analyze,
        "AwaitingApproval": await_approval,
        "Promoting": promote,
        "Baking": bake,
    },
    wanted_pods=wanted_pods,
    wanted_weights=wanted_weights,
    begin_trial=begin_comparison,
    has_baseline=lambda _attempt: True,
    has_steps=True,
)
