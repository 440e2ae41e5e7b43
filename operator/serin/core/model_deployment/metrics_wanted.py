"""Whether a look at Prometheus is due, and at what. Whatever else wakes a reconcile asks nothing."""

from serin.api.v1alpha1.shared import duration_seconds
from serin.core.facts import CounterRequest, Facts, InvalidSpec, Route, Track
from serin.core.model_deployment.attempts import open_rollouts
from serin.core.rollout.analysis import Engine, metric_of, next_look_at

# Long enough for a scrape interval of a minute, the largest in common use: the newest sample is what counts.
SMALLEST_WINDOW_SECONDS = 120.0


def wanted_counters(facts: Facts) -> CounterRequest | None:
    """The question to ask before deciding, or None while no interval can close."""
    spec, stable = facts.model_deployment.spec, facts.model_deployment.status.stable
    rollout = next(iter(open_rollouts(facts)), None)
    if isinstance(spec, InvalidSpec) or spec.paused or stable is None or rollout is None:
        return None
    status, asked = rollout.status, rollout.spec
    if status.phase != "Analyzing" or status.plan is None or status.canary is None:
        return None
    if isinstance(asked, InvalidSpec) or asked.paused:
        return None
    analysis = status.plan.analysis
    engine = Engine.from_json(status.engine)
    if engine is None or facts.now < next_look_at(engine, analysis):
        return None
    routes = (
        Route(stable.revision, Track.PRIMARY),
        Route(stable.revision, Track.BASELINE),
        Route(status.canary.revision, Track.PRIMARY),
    )
    metric = metric_of(analysis)
    return CounterRequest(
        key=facts.model_deployment.key,
        pods=tuple(pod.name for route in routes for pod in facts.pods_of(route)),
        total=metric.total,
        failed=metric.failed,
        window_seconds=max(SMALLEST_WINDOW_SECONDS, 3 * duration_seconds(analysis.interval)),
    )
