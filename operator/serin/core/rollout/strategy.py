"""What a strategy decides by itself: the rules of its phases, its pods, and its shares of the requests.

All else is the same for every strategy: the spec, a person and a pause come before the rules of phases, what ends
stays ended, and who may follow whom is in the table of phases. A strategy is a file in `strategies/` and an entry in
its table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from serin.api.v1alpha1.plan import Plan
from serin.api.v1alpha1.rollout import Phase
from serin.core.facts import Route
from serin.core.plan import Mirror

if TYPE_CHECKING:
    from serin.core.rollout.attempt import Attempt
    from serin.core.rollout.move import Move
    from serin.core.rollout.ramp import Position
    from serin.core.rollout.streams import Engine


def mirror_nothing(_attempt: "Attempt", _phase: Phase) -> Mirror | None:
    return None


@dataclass(frozen=True, slots=True)
class Strategy:
    """`rules` has each phase that the strategy can be in, `begin_trial` what follows on ready and checked pods.

    `wanted_pods` and `wanted_weights` follow from the phase that is on record after this look: pods per route beside
    stable's own, and stable's where it is not at full size; percent of the requests per route, at the step given, else
    at the one on record. `has_baseline`: stable is run again, to compare with. `has_steps`: the shares rise in steps.
    `runs_both`: false where old and new pods are never there at once. `role`: of the new version's Deployment while
    it is promoted; a successor takes pods from stable one by one, and serves on until they are back: `way_back.py`.
    `wanted_mirror`: who gets copies of requests. `fixed_weight`: the share of canary and baseline without steps.
    `extend_engine`: what a comparison follows beyond the plan's metrics. `has_comparer`: answers are compared.
    """

    rules: "Mapping[Phase, Callable[[Attempt], Move]]"
    wanted_pods: "Callable[[Attempt, Phase], Mapping[Route, int]]"
    wanted_weights: "Callable[[Attempt, Phase, Position | None], Mapping[Route, float]]"
    begin_trial: "Callable[[Attempt], Move]"
    has_baseline: "Callable[[Attempt], bool]"
    has_steps: bool = False
    runs_both: bool = True
    role: Literal["canary", "successor"] = "canary"
    wanted_mirror: "Callable[[Attempt, Phase], Mirror | None]" = mirror_nothing
    fixed_weight: "Callable[[Plan], float] | None" = None
    extend_engine: "Callable[[Engine, Attempt], Engine] | None" = None
    has_comparer: bool = False
