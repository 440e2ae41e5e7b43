"""One look at one ModelDeployment: facts in, plan out. The rules of motion, in the order in which they apply.

Order of a plan, and why:
1. a Rollout's status, when its phase or step changes: the decision is on record, under a resourceVersion precondition,
   before anything follows from it; after a crash the effects follow from the record. Other news of it wait for the end:
   what a refusal made of the status would else be overwritten at every retry.
2. pods that start or grow, then traffic, then pods that shrink: nobody is sent to what is not there.
3. a promotion's ending stands between traffic and shrinking: first the ModelDeployment's new stable, then Promoted.
4. the ModelDeployment's status, then what is forgotten, for the status remembers it; then events.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec, ModelDeploymentStatus
from serin.api.v1alpha1.rollout import RolloutStatus
from serin.core.facts import Facts, InvalidSpec, Refusal, RevisionFacts, Route, Track
from serin.core.model_deployment.attempts import decide_new_attempt, open_rollouts
from serin.core.model_deployment.children import make_controller_revision, make_rollout_tie
from serin.core.model_deployment.comparer import make_comparer_template
from serin.core.model_deployment.history import decide_cleanup
from serin.core.model_deployment.lifecycle import Situation, make_status, make_stuck_status
from serin.core.model_deployment.outcomes import Memory, make_stable, recall, remember_ending
from serin.core.model_deployment.pod_template import version_of
from serin.core.model_deployment.pods import Role, decide_targets, plan_pods, plan_variant_services
from serin.core.model_deployment.revisions import find_or_make_revision
from serin.core.model_deployment.scaling import plan_scaling
from serin.core.model_deployment.traffic import find_backends, make_intent, seconds_until_converged, stable_route
from serin.core.plan import Action, Apply, Backend, CreateRollout, Plan, SetTraffic, TrafficIntent, WriteStatus
from serin.core.rollout.attempt import Attempt, fix_size
from serin.core.rollout.decide import decide_move, decide_refused
from serin.core.rollout.events import make_events
from serin.core.rollout.lifecycle import make_rollout_status
from serin.core.rollout.move import Move
from serin.core.rollout.phases import is_terminal
from serin.core.rollout.strategies import STRATEGIES
from serin.core.rollout.way_back import WayBack, find_way_back

# Nobody tells us when a foreign object goes away or an admission rule changes.
RETRY_REFUSED_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Step:
    """What one look does to the active Rollout."""

    attempt: Attempt
    move: Move
    status: RolloutStatus

    @property
    def is_over(self) -> bool:
        return is_terminal(self.move.phase)

    @property
    def has_moved(self) -> bool:
        return self.attempt.rollout.status.phase != self.move.phase

    @property
    def has_stepped(self) -> bool:
        """The shares of the requests change."""
        return self.move.engine is not None and self.move.engine.position != self.attempt.position


def decide(facts: Facts) -> Plan:
    """The plan for the ModelDeployment of these facts. Total: every state of the world gets one."""
    owner = facts.model_deployment
    if owner.deleting:
        return Plan(owner.key)  # the children go with their owner
    spec = owner.spec
    if isinstance(spec, InvalidSpec):
        return Plan(owner.key, (_write(facts, make_stuck_status(facts, "InvalidSpec", spec.message)),))
    desired = find_or_make_revision(owner.key.name, spec.content, facts.revisions, facts.default_server_image)
    memory = recall(facts, desired)
    step = _decide_step(facts, spec, desired, memory)
    if facts.refusal:
        return _plan_refused(facts, facts.refusal, step)
    return _plan(facts, spec, desired, memory, step)


def _decide_step(facts: Facts, spec: ModelDeploymentSpec, desired: RevisionFacts, memory: Memory) -> Step | None:
    waiting = open_rollouts(facts)
    if not waiting:
        return None
    rollout = waiting[0]
    assert not isinstance(rollout.spec, InvalidSpec)
    plan = fix_size(rollout.status.plan or rollout.spec.plan or spec.rollout, spec.wanted_replicas)
    attempt = Attempt(
        facts=facts,
        rollout=rollout,
        spec=rollout.spec,
        desired=desired,
        stable=memory.stable,
        replicas=spec.wanted_replicas,
        plan=plan,
        strategy=STRATEGIES[plan.strategy],
        is_frozen=spec.paused,
    )
    move = decide_refused(attempt, facts.refusal) if facts.refusal else decide_move(attempt)
    return Step(attempt, move, make_rollout_status(attempt, move))


def _plan_refused(facts: Facts, refusal: Refusal, step: Step | None) -> Plan:
    """Something stands in the way: say so and change nothing. An attempt that cannot go on like this ends."""
    status = _write(facts, make_stuck_status(facts, refusal.reason, refusal.message))
    events = make_events(step.attempt, step.move) if step else ()
    return Plan(facts.model_deployment.key, (*_record(step), status, *events), RETRY_REFUSED_SECONDS)


def _plan(facts: Facts, spec: ModelDeploymentSpec, desired: RevisionFacts, memory: Memory, step: Step | None) -> Plan:
    after = _remember(facts, spec, desired, memory, step)
    running = step if step and not step.is_over else None
    starting = decide_new_attempt(facts, spec, desired, after)
    situation = Situation(
        facts,
        spec,
        desired,
        after,
        attempt=running.attempt if running else None,
        move=running.move if running else None,
        starting=starting.manifest["metadata"]["name"] if starting else None,
    )
    status = _write(facts, make_status(situation))
    events = make_events(step.attempt, step.move) if step else ()
    stable, wanted = stable_route(desired, after), _attempt_pods(running)
    way_back = find_way_back(facts, stable if after.stable else None, spec.wanted_replicas, wanted)
    targets = decide_targets(spec, after, desired, wanted, _role(running), way_back.pods)
    intent = _wanted_traffic(facts, spec, stable, running, find_backends(facts, spec, desired, targets), way_back)
    if spec.paused:
        rescue = (SetTraffic(intent),) if facts.traffic.has_lost_users else ()
        return Plan(facts.model_deployment.key, (*_record(step), *rescue, status, *events))
    comparer = make_comparer_template(running.attempt) if running and running.attempt.comparer_route else None
    pods = plan_pods(facts, desired, targets, comparer)
    statuses = _order_statuses(step, status)
    actions: tuple[Action, ...] = (
        *_store_revision(facts, desired),
        *statuses.first,
        *pods.grow,
        *plan_variant_services(facts, running.attempt if running else None, spec),
        SetTraffic(intent),
        *plan_scaling(facts, spec, Route(situation.serving_revision, Track.PRIMARY) if after.stable else None),
        *statuses.before_shrinking,
        *pods.shrink,
        *((starting,) if starting else ()),
        *statuses.last,
        *_ties(facts),
        *decide_cleanup(facts, spec, _in_use(desired, after, running, way_back)),
        *events,
    )
    moments = (_look_again_after_seconds(facts, step, starting), seconds_until_converged(facts, intent.weights))
    return Plan(
        facts.model_deployment.key, actions, min((moment for moment in moments if moment is not None), default=None)
    )


def _wanted_traffic(
    facts: Facts,
    spec: ModelDeploymentSpec,
    stable: Route,
    running: Step | None,
    backends: tuple[Backend, ...],
    way_back: WayBack,
) -> TrafficIntent:
    weights = way_back.share_out(stable, _weigh(running) if running else {stable: 100.0})
    is_idle = (running is None or running.attempt.is_first) and not way_back.pods
    mirror = running.attempt.strategy.wanted_mirror(running.attempt, running.move.phase) if running else None
    return replace(make_intent(facts, spec, weights, stable, backends, is_idle=is_idle), mirror=mirror)


class _Statuses(NamedTuple):
    """The status writes of a plan, by where they stand in it."""

    first: tuple[Action, ...] = ()
    before_shrinking: tuple[Action, ...] = ()
    last: tuple[Action, ...] = ()


def _order_statuses(step: Step | None, status: WriteStatus) -> _Statuses:
    record = _record(step)
    if step is None or not (step.has_moved or step.has_stepped):
        return _Statuses(last=(*record, status))
    if step.move.phase == "Promoted":
        return _Statuses(before_shrinking=(status, *record))
    return _Statuses(first=record, last=(status,))


def _store_revision(facts: Facts, desired: RevisionFacts) -> tuple[Apply, ...]:
    """Once: the data of a ControllerRevision cannot be changed, and a newer operator would write it another way."""
    if facts.revision(desired.name):
        return ()
    return (Apply(make_controller_revision(facts.model_deployment, desired)),)


def _remember(
    facts: Facts, spec: ModelDeploymentSpec, desired: RevisionFacts, memory: Memory, step: Step | None
) -> Memory:
    if step and step.is_over:
        return remember_ending(memory, step.attempt.rollout, step.status, desired, facts.now)
    if memory.awaits_late_pods and step is None and not spec.paused:
        live = facts.deployment(Route(desired.name, Track.PRIMARY))
        if live and live.settled and live.replicas == live.ready > 0:
            return make_stable(memory, desired.name, version_of(desired.content, desired.name), facts.now)
    return memory


def _weigh(running: Step) -> Mapping[Route, float]:
    return running.attempt.weights_after(running.move.phase, running.move.engine)


def _attempt_pods(running: Step | None) -> Mapping[Route, int]:
    return running.attempt.strategy.wanted_pods(running.attempt, running.move.phase) if running else {}


def _role(running: Step | None) -> Role:
    """Only who has served in stable's place serves on when the attempt ends."""
    return running.attempt.strategy.role if running and running.move.phase == "Promoting" else "canary"


def _in_use(desired: RevisionFacts, memory: Memory, running: Step | None, way_back: WayBack) -> frozenset[str]:
    names = {desired.name, *(route.revision for route in way_back.pods)}
    names |= {memory.stable.revision} if memory.stable else set()
    names |= {memory.previous.revision} if memory.previous else set()
    names |= {running.attempt.revision} if running else set()
    return frozenset(names)


def _ties(facts: Facts) -> tuple[Apply, ...]:
    """After the statuses: a tie changes the resourceVersion that these were decided on."""
    return tuple(
        Apply(make_rollout_tie(facts.model_deployment, rollout.name))
        for rollout in facts.rollouts
        if not rollout.owned and not rollout.deleting
    )


def _record(step: Step | None) -> tuple[Action, ...]:
    if step is None:
        return ()
    rollout = step.attempt.rollout
    return (WriteStatus("Rollout", rollout.name, rollout.resource_version, step.status.to_wire()),)


def _write(facts: Facts, status: ModelDeploymentStatus) -> WriteStatus:
    owner = facts.model_deployment
    return WriteStatus("ModelDeployment", owner.key.name, owner.resource_version, status.to_wire())


def _look_again_after_seconds(facts: Facts, step: Step | None, starting: CreateRollout | None) -> float | None:
    """At once after a change of phase or a new attempt: the next rule may hold already."""
    if starting or (step and step.has_moved):
        return 0.0
    if step and step.move.look_again_at:
        return max(0.0, (step.move.look_again_at - facts.now).total_seconds())
    return None
