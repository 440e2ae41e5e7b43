"""One attempt with all that its decisions look at: the facts narrowed to one Rollout."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from serin.api.conditions import PAUSED, TRAFFIC_CONVERGED
from serin.api.v1alpha1.model_deployment import StableStatus
from serin.api.v1alpha1.plan import Plan, Ramp
from serin.api.v1alpha1.rollout import Phase, RolloutSpec, StageStatus
from serin.api.v1alpha1.shared import count_pods, duration_seconds
from serin.core.facts import DeploymentFacts, Facts, RevisionFacts, RolloutFacts, Route, Track
from serin.core.metric_presets import preset_of
from serin.core.rollout.analysis import Variants
from serin.core.rollout.counting import Counting
from serin.core.rollout.ramp import Position, Schedule, Step, make_ramp
from serin.core.rollout.strategy import Strategy
from serin.core.rollout.streams import Engine, position_from_json

DEFAULT_RAMP = Ramp()


@dataclass(frozen=True, slots=True)
class Attempt:
    """`desired` is what the ModelDeployment wants now; `stable` is None while no revision has ever served."""

    facts: Facts
    rollout: RolloutFacts
    spec: RolloutSpec
    desired: RevisionFacts
    stable: StableStatus | None
    replicas: int
    plan: Plan  # fixed when the attempt begins: changing bounds in the middle would void the verdict's guarantee
    strategy: Strategy
    is_frozen: bool  # the ModelDeployment itself is paused

    @property
    def phase(self) -> Phase:
        return self.rollout.status.phase or "Pending"

    @property
    def revision(self) -> str:
        """The revision on trial."""
        canary = self.rollout.status.canary
        return canary.revision if canary else self.spec.revision or self.desired.name

    @property
    def is_first(self) -> bool:
        return self.stable is None

    @property
    def canary_route(self) -> Route:
        return Route(self.revision, Track.PRIMARY)

    @property
    def stable_route(self) -> Route | None:
        return Route(self.stable.revision, Track.PRIMARY) if self.stable else None

    @property
    def baseline_route(self) -> Route | None:
        if self.stable is None or not self.strategy.has_baseline(self):
            return None
        return Route(self.stable.revision, Track.BASELINE)

    @property
    def comparer_route(self) -> Route | None:
        has_one = self.strategy.has_comparer and self.stable is not None
        return Route(self.revision, Track.COMPARER) if has_one else None

    @property
    def size(self) -> int:
        """Pods of the canary, and of the baseline, while they are compared."""
        return int(self.plan.size)

    @property
    def has_control(self) -> bool:
        """The baseline gets a share of the requests while the new version bakes."""
        return self.facts.splits_exactly and self.baseline_route is not None and self.has_ready(self.baseline_route, 1)

    @property
    def bearable_weight(self) -> float:
        """Percent of the requests that pods of the canary's size bear without more work than a stable pod has."""
        return min(50.0, 100.0 * self.size / self.replicas) if self.replicas else 50.0

    @property
    def schedule(self) -> Schedule:
        """The steps of the plan. Where shares follow the pods a ramp has the one step that these amount to."""
        if self.strategy.fixed_weight is not None:
            return Schedule((Step(min(self.strategy.fixed_weight(self.plan), self.bearable_weight), seconds=0),))
        # To the nearest interval: scrapes are never exactly on time.
        slack_seconds = duration_seconds(self.plan.analysis.interval) / 2
        if self.plan.steps:
            steps = tuple(
                Step(min(step.weight, self.bearable_weight), duration_seconds(step.for_) - slack_seconds, step.approval)
                for step in self.plan.steps
            )
            return Schedule(steps, is_required=True)
        if not self.facts.splits_exactly or not self.replicas:
            return Schedule((Step(100.0 * self.size / (self.replicas + 2 * self.size), seconds=0),))
        ramp = self.plan.ramp or DEFAULT_RAMP
        weights = tuple(weight for weight in ramp.weights if weight < self.bearable_weight)
        if len(weights) < len(ramp.weights):
            weights = (*weights, self.bearable_weight)
        return make_ramp(weights, duration_seconds(ramp.step_after) - slack_seconds, ramp.hold_above, ramp.back_above)

    @property
    def position(self) -> Position:
        """The step on record."""
        try:
            return position_from_json(self.rollout.status.engine)
        except (TypeError, ValueError):
            return Position()

    @property
    def approved_steps(self) -> frozenset[int]:
        """Indexes of the steps that a person has let begin."""
        return frozenset(int(gate.removeprefix("Step")) - 1 for gate in self.spec.approvals if gate.startswith("Step"))

    def variants(self) -> Variants:
        stable, baseline = self.stable_route, self.baseline_route
        return Variants(
            stable=self.facts.pods_of(stable) if stable else (),
            baseline=self.facts.pods_of(baseline) if baseline else (),
            canary=self.facts.pods_of(self.canary_route),
            have_equal_shares=self.phase != "Baking",
            counting=Counting(self.facts.traffic.routers or (), self._routed_revisions()),
        )

    def weights_after(self, phase: Phase, engine: Engine | None) -> Mapping[Route, float]:
        """Percent of the requests per route when this look has led to the phase, at the step of its engine."""
        return self.strategy.wanted_weights(self, phase, engine.position if engine else None)

    def _routed_revisions(self) -> frozenset[str]:
        """Those whose requests only the routers count."""
        revisions = {self.revision, *((self.stable.revision,) if self.stable else ())}
        return frozenset(name for name in revisions if preset_of(self.facts.metrics_of(name)).is_in_router)

    def begin_engine(self) -> Engine:
        """A comparison that begins now."""
        engine = Engine.begin(self.facts.now, self.variants().places, self.plan.analysis)
        return self.strategy.extend_engine(engine, self) if self.strategy.extend_engine else engine

    def engine(self) -> Engine | None:
        """The running comparison, None before it and where it is not one of this plan's metrics."""
        engine = Engine.from_json(self.rollout.status.engine)
        return engine if engine and engine.fits(self.plan.analysis) else None

    @property
    def is_held(self) -> bool:
        """Somebody paused it or its ModelDeployment. What a person decided goes over a pause of the Rollout alone."""
        return self.is_frozen or (self.spec.paused and self.spec.decision is None)

    @property
    def paused_since(self) -> datetime | None:
        """When the pause began that the status still tells of."""
        found = (c for c in self.rollout.status.conditions if c.type == PAUSED and c.status == "True")
        return next((condition.last_transition_time for condition in found), None)

    @property
    def is_inconclusive(self) -> bool:
        """The time was over before the evidence was enough: a person decides."""
        verdict = self.rollout.status.verdict
        return verdict is not None and verdict.state == "Inconclusive"

    def stage(self) -> StageStatus | None:
        stages = self.rollout.status.stages
        return stages[-1] if stages else None

    def deadline(self) -> datetime:
        """When the pods of this phase must be ready; time spent paused does not count."""
        stage = self.stage()
        began = stage.started if stage else self.facts.now
        return began + timedelta(seconds=duration_seconds(self.plan.progress_deadline) + self.held_seconds())

    def bake_ends_at(self) -> datetime:
        """When the bake is over, seen from within it; time spent paused does not count."""
        stage = self.stage()
        began = stage.started if stage and stage.phase == "Baking" else self.facts.now
        held_seconds = self.held_seconds() if stage and stage.phase == "Baking" else 0
        return began + timedelta(seconds=duration_seconds(self.plan.bake) + held_seconds)

    def held_seconds(self) -> int:
        """Time that the current phase has been paused, a pause that ends now included."""
        stage = self.stage()
        held = stage.held_seconds if stage else 0
        return held + (round((self.facts.now - self.paused_since).total_seconds()) if self.paused_since else 0)

    def unserved_deadline(self) -> datetime | None:
        """When the comparison fails because not every variant gets requests; None while all of them do."""
        for condition in self.rollout.status.conditions:
            if condition.type == TRAFFIC_CONVERGED and condition.status == "False":
                patience_seconds = duration_seconds(self.plan.progress_deadline) + self.held_seconds()
                return condition.last_transition_time + timedelta(seconds=patience_seconds)
        return None

    def has_ready(self, route: Route | None, count: int) -> bool:
        """The Deployment of this route has settled at `count` pods or more, and that many can answer."""
        if route is None:
            return True
        found = self.facts.deployment(route)
        return found is not None and _is_full(found, count)

    def trouble(self) -> str | None:
        """Why a pod is not made, does not get ready, or gets no requests: in the words of whoever says so."""
        routes = (
            ("the new version", self.canary_route),
            ("the baseline", self.baseline_route),
            ("the comparer", self.comparer_route),
        )
        for who, route in routes:
            if route is None:
                continue
            for pod in self.facts.pods_of(route):
                if pod.trouble and not pod.ready:
                    return f"pod {pod.name} of {who}: {pod.trouble}"
            deployment = self.facts.deployment(route)
            if deployment and deployment.trouble:
                return f"no more pods of {who} are made, {deployment.trouble}"
        return self.facts.traffic.trouble


def fix_size(plan: Plan, replicas: int) -> Plan:
    """A share is fixed as the number that it is when the attempt begins: stable scales on, the compared pods do not."""
    if isinstance(plan.size, int):
        return plan
    return plan.model_copy(update={"size": max(1, count_pods(plan.size, replicas))})


def _is_full(deployment: DeploymentFacts, count: int) -> bool:
    return deployment.settled and deployment.replicas >= count and deployment.ready >= count
