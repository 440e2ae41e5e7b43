"""One reconcile: observe, ask Prometheus if a look is due, decide, execute. The key says who; nothing says why.

A refusal of the plan becomes a fact of a second decision, so that what stands in the way reaches the status.
"""

from dataclasses import dataclass, replace

from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin.core.facts import Facts, Key, MetricHistory, MetricReadings, MetricsUnavailable, Refusal, TrafficFacts
from serin.core.model_deployment.decide import decide
from serin.core.model_deployment.metrics_wanted import MetricsWanted, wanted_metrics
from serin.core.plan import Plan
from serin.core.rollout.preflight_wanted import wanted_preflight
from serin.runtime.cache import Cache
from serin.runtime.executor import Executor
from serin.runtime.observation import (
    observe_deployments,
    observe_model_deployment,
    observe_names,
    observe_pods,
    observe_revisions,
    observe_rollouts,
)
from serin.runtime.outcomes import Invalid, NameTaken
from serin.runtime.ports import Clock, MetricSource, ObjectRef, TrafficProvider, TrafficView
from serin.runtime.preflight import PreflightObserver


@dataclass(frozen=True, slots=True)
class Sources:
    """Where facts come from that no watch tells: asked only when a decision needs them."""

    metrics: MetricSource
    preflight: PreflightObserver


class Reconciler:
    def __init__(
        self,
        cache: Cache,
        executor: Executor,
        traffic_provider: TrafficProvider,
        sources: Sources,
        clock: Clock,
        default_server_image: str,
    ) -> None:
        self._cache = cache
        self._executor = executor
        self._traffic_provider = traffic_provider
        self._sources = sources
        self._clock = clock
        self._default_server_image = default_server_image

    async def reconcile(self, key: Key) -> float | None:
        """Seconds until the next look, None when only an event can change anything. Raises errors of `outcomes`."""
        traffic = await self._observe_traffic(key)
        facts = self._observe(key, traffic)
        wanted = wanted_metrics(facts) if facts else None
        if wanted is not None:
            history, metrics = await self._ask(wanted)
            # Prometheus took its time: decide on what is there now.
            facts = self._observe(key, traffic)
            facts = facts and replace(facts, metrics=metrics, history=history)
        asked = wanted_preflight(facts) if facts else None
        if asked is not None:
            preflight = await self._sources.preflight.observe(asked)
            facts = self._observe(key, traffic)
            facts = facts and replace(facts, preflight=preflight)
        if facts is None:
            return None  # deleted: its children go with it
        plan = decide(facts)
        try:
            await self._executor.execute(plan)
        except (Invalid, NameTaken) as refused:
            plan = await self._tell_refusal(key, refused, traffic)
        return self._left_of(plan.look_again_after_seconds, facts)

    async def _ask(
        self, wanted: MetricsWanted
    ) -> tuple[MetricHistory | MetricsUnavailable | None, MetricReadings | MetricsUnavailable]:
        if wanted.unanswerable is not None:
            return None, MetricsUnavailable(wanted.unanswerable)
        history = await self._sources.metrics.read_history(wanted.history) if wanted.history else None
        return history, await self._sources.metrics.read_counters(wanted.counters)

    def _left_of(self, seconds: float | None, facts: Facts) -> float | None:
        """Counted from the decision: the writes took their time, and looks that are due together must stay together."""
        if seconds is None:
            return None
        return max(0.0, seconds - (self._clock.now() - facts.now).total_seconds())

    async def _tell_refusal(self, key: Key, refused: Invalid | NameTaken, traffic: TrafficFacts) -> Plan:
        facts = self._observe(key, traffic)
        if facts is None:
            return Plan(key)
        plan = decide(replace(facts, refusal=_make_refusal(refused)))
        await self._executor.execute(plan)
        return plan

    async def _observe_traffic(self, key: Key) -> TrafficFacts:
        live = self._cache.get(ObjectRef("ModelDeployment", *key))
        spec = observe_model_deployment(live).spec if live else None
        if not isinstance(spec, ModelDeploymentSpec):
            return TrafficFacts()
        owned = self._cache.owned(key)
        shared = self._cache.owned(key.of_namespace)
        view = TrafficView(key, spec.traffic, owned, observe_pods(owned["Pod"]), shared)
        return await self._traffic_provider.observe(view)

    def _observe(self, key: Key, traffic: TrafficFacts) -> Facts | None:
        """None when the ModelDeployment is gone."""
        live = self._cache.get(ObjectRef("ModelDeployment", *key))
        if live is None:
            return None
        owned = self._cache.owned(key)
        owner = observe_model_deployment(live)
        return Facts(
            now=self._clock.now(),
            model_deployment=owner,
            default_server_image=self._default_server_image,
            revisions=observe_revisions(owned["ControllerRevision"], owner.uid),
            deployments=observe_deployments(owned["Deployment"], owner.uid),
            pods=observe_pods(owned["Pod"]),
            rollouts=observe_rollouts(owned["Rollout"], owner.uid),
            services=frozenset(service["metadata"]["name"] for service in owned["Service"]),
            autoscalers=observe_names(owned["HorizontalPodAutoscaler"], owner.uid),
            disruption_budgets=observe_names(owned["PodDisruptionBudget"], owner.uid),
            traffic=traffic,
        )


def _make_refusal(refused: Invalid | NameTaken) -> Refusal:
    reason = "NameTaken" if isinstance(refused, NameTaken) else "InvalidSpec"
    return Refusal(refused.kind, refused.name, reason, refused.message)
