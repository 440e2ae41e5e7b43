"""The way back from an attempt that had taken pods from stable: nobody is taken away before stable can stand in.

A successor's Deployment keeps its role when its attempt ends, is superseded or is deleted. As long as stable is not
back at full size its ready pods serve on, and share the requests with those of stable. No new attempt begins meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from serin.core.facts import Facts, Route

SUCCESSOR: Final = "successor"
# A promotion that was cut off had already called its Deployment stable.
SERVING_ROLES: Final = frozenset({SUCCESSOR, "stable"})


@dataclass(frozen=True, slots=True)
class WayBack:
    """Pods that stay, per route, and the percent of stable's requests that each gets; nothing of both at rest."""

    pods: Mapping[Route, int] = field(default_factory=dict)
    shares: Mapping[Route, float] = field(default_factory=dict)

    def share_out(self, stable: Route, weights: Mapping[Route, float]) -> Mapping[Route, float]:
        """The weights with what stable cannot bear yet given to those who stay."""
        left = weights.get(stable, 0.0)
        taken = {route: left * percent / 100 for route, percent in self.shares.items()}
        shared = {**weights, stable: left - sum(taken.values()), **taken}
        return {route: weight for route, weight in shared.items() if weight > 0}


def find_way_back(facts: Facts, stable: Route | None, replicas: int, taking_part: Mapping[Route, int]) -> WayBack:
    """`taking_part` are the pods of the attempt that runs, empty without one."""
    successors = [
        live
        for live in facts.deployments
        if live.role in SERVING_ROLES and live.ready and live.route != stable and live.route not in taking_part
    ]
    if stable is None or not successors:
        return WayBack()
    found = facts.deployment(stable)
    back = min(found.ready, replicas) if found else 0
    missing, pods = replicas - back, {}
    for live in successors:
        pods[live.route] = min(live.ready, missing)
        missing -= pods[live.route]
    serving = sum(pods.values()) + back
    shares = {route: 100.0 * count / serving for route, count in pods.items() if count}
    if facts.shares.get(stable, 0.0) < 100:
        # The requests have not all gone over yet: somebody must be there for them.
        pods = {route: max(count, 1) for route, count in pods.items()}
    return WayBack({route: count for route, count in pods.items() if count}, shares)
