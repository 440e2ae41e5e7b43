"""What a strategy decides by itself: the rules of its phases, its pods, and its shares of the requests.

All else is the same for every strategy: the spec, a person and a pause come before the rules of phases, what ends
stays ended, and who may follow whom is in the table of phases. A strategy is a file in `strategies/` and an entry in
its table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from serin.api.v1alpha1.rollout import Phase
from serin.core.facts import Route

if TYPE_CHECKING:
    from serin.core.rollout.attempt import Attempt
    from serin.core.rollout.move import Move
    from serin.core.rollout.ramp import Position


@dataclass(frozen=True, slots=True)
class Strategy:
    """`wanted_pods` and `wanted_weights` follow from the phase that is on record after this look.

    `rules` has each phase that the strategy can be in. `wanted_pods`: pods per route beside stable's own, and stable's
    where it is not at full size. `wanted_weights`: percent of the requests per route, at the step given, else at the
    one on record. `has_baseline`: stable is run again, to compare with. `has_steps`: the shares rise in steps.
    """

    rules: "Mapping[Phase, Callable[[Attempt], Move]]"
    wanted_pods: "Callable[[Attempt, Phase], Mapping[Route, int]]"
    wanted_weights: "Callable[[Attempt, Phase, Position | None], Mapping[Route, float]]"
    has_baseline: bool
    has_steps: bool
