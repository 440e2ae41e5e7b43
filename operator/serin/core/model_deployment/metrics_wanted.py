"""Whether a look at Prometheus is due, and at what. Whatever else wakes a reconcile asks nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from serin.api.v1alpha1.model_deployment import Metrics
from serin.api.v1alpha1.plan import Analysis, Plan
from serin.api.v1alpha1.shared import duration_seconds
from serin.core.facts import CounterRequest, Facts, HistoryRequest, InvalidSpec, MetricQuestion, PodFacts, Route, Track
from serin.core.model_deployment.attempts import open_rollouts
from serin.core.rollout.agreements import make_agreement_questions
from serin.core.rollout.analysis import next_look_at, on_grid
from serin.core.rollout.phases import COMPARING
from serin.core.rollout.questions import Counted, find_unanswerable, make_questions
from serin.core.rollout.streams import Engine
from serin.core.rollout.trials import make_trial_question

# Long enough for a scrape interval of a minute, the largest in common use: the newest sample is what counts.
SMALLEST_WINDOW_SECONDS = 120.0

# An hour at the default interval. Beyond it the steps grow, so that an answer stays small.
MOST_HISTORY_STEPS = 360


@dataclass(frozen=True, slots=True)
class MetricsWanted:
    """What to ask before deciding: always the counters, and once the history of the stable pods.

    `unanswerable` is a metric that the server does not count and the plan does not name: then nothing is asked.
    """

    counters: CounterRequest
    history: HistoryRequest | None
    unanswerable: str | None = None


def wanted_metrics(facts: Facts) -> MetricsWanted | None:
    """The questions to ask before deciding, or None while no interval can close."""
    spec, stable = facts.model_deployment.spec, facts.model_deployment.status.stable
    rollout = next(iter(open_rollouts(facts)), None)
    if isinstance(spec, InvalidSpec) or spec.paused or stable is None or rollout is None:
        return None
    status, asked = rollout.status, rollout.spec
    is_compared = status.phase in COMPARING or (status.phase == "Baking" and facts.splits_exactly)
    if not is_compared or status.plan is None or status.canary is None:
        return None
    if isinstance(asked, InvalidSpec) or asked.paused:
        return None
    analysis = status.plan.analysis
    engine = Engine.from_json(status.engine)
    if engine is None or facts.now < next_look_at(engine, analysis):
        return None
    stable_route, baseline = Route(stable.revision, Track.PRIMARY), Route(stable.revision, Track.BASELINE)
    canary = Route(status.canary.revision, Track.PRIMARY)
    counted = _find_counted(facts, (stable_route, baseline, canary))
    counters = CounterRequest(
        key=facts.model_deployment.key,
        questions=(
            *make_questions(analysis, engine, counted),
            *_agreement_questions(facts, engine, canary),
            *_trial_questions(status.plan, engine, counted),
        ),
        window_seconds=max(SMALLEST_WINDOW_SECONDS, 3 * duration_seconds(analysis.interval)),
    )
    history = _wanted_history(facts, stable_route, engine, analysis)
    return MetricsWanted(counters, history, find_unanswerable(analysis, counted))


def _agreement_questions(facts: Facts, engine: Engine, canary: Route) -> tuple[MetricQuestion, ...]:
    pods = facts.pods_of(Route(canary.revision, Track.COMPARER))
    if engine.agreement is None or not pods:
        return ()
    return make_agreement_questions(tuple(pod.name for pod in pods))


def _trial_questions(plan: Plan, engine: Engine, counted: Counted) -> tuple[MetricQuestion, ...]:
    if engine.trial is None or plan.ab_test is None:
        return ()
    return (make_trial_question(plan.ab_test, counted.pods),)


def _wanted_history(facts: Facts, stable: Route, engine: Engine, analysis: Analysis) -> HistoryRequest | None:
    lookback_seconds = duration_seconds(analysis.dispersion.lookback)
    if not engine.wants_history(analysis) or lookback_seconds == 0 or analysis.dispersion.mode == "Fixed":
        return None
    step_seconds = max(duration_seconds(analysis.interval), lookback_seconds / MOST_HISTORY_STEPS)
    # Rollouts that began together ask together.
    end = on_grid(engine.since, timedelta(seconds=step_seconds))
    return HistoryRequest(
        key=facts.model_deployment.key,
        questions=make_questions(analysis, engine, _find_counted(facts, (stable,))),
        start=end - timedelta(seconds=lookback_seconds),
        end=end,
        step_seconds=step_seconds,
    )


def _find_counted(facts: Facts, routes: Iterable[Route]) -> Counted:
    """A version may be served by another program than the one before it, which counts under other names."""
    found: dict[Metrics, tuple[PodFacts, ...]] = {}
    for route in routes:
        metrics = facts.metrics_of(route.revision)
        found[metrics] = (*found.get(metrics, ()), *facts.pods_of(route))
    return Counted(found, facts.traffic.routers)
