"""From a plan's metrics to what is counted of each pod: the plan's own selectors, else those of its server's preset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from serin.api.v1alpha1.model_deployment import Metrics
from serin.api.v1alpha1.plan import Analysis, Metric
from serin.core.facts import Endpoint, MetricQuestion, PodFacts, RouterPod
from serin.core.metric_presets import DEFAULT_CLASS_LABEL, Preset, make_failed_counter, preset_of, unit_seconds
from serin.core.rollout.streams import Engine, bound_of_stream


@dataclass(frozen=True, slots=True)
class Counted:
    """Pods by what their servers count, and the routers before them; None where requests go through none."""

    by_server: Mapping[Metrics, tuple[PodFacts, ...]]
    routers: tuple[RouterPod, ...] | None

    @property
    def pods(self) -> tuple[str, ...]:
        """Names of all of them."""
        return tuple(pod.name for pods in self.by_server.values() for pod in pods)


def make_questions(analysis: Analysis, engine: Engine, counted: Counted) -> tuple[MetricQuestion, ...]:
    """All that can be answered: with own selectors one for all pods, else one for the pods of each server."""
    return tuple(question for metric in analysis.metrics for question in _make(metric, engine, counted))


def find_unanswerable(analysis: Analysis, counted: Counted) -> str | None:
    """The first metric that a server does not count and the plan does not name, with what to do; None when all can."""
    for metric in analysis.metrics:
        for server in counted.by_server:
            preset = preset_of(server)
            if preset.is_in_router and counted.routers is None and not has_own_selectors(metric):
                return (
                    f"metric {metric.name}: one of the versions has the preset {server.preset}, and no routers count: "
                    "choose spec.traffic.provider Router until this rollout is over."
                )
            if metric.type == "Ratio" and metric.total is None and preset.requests is None:
                return (
                    f"metric {metric.name}: preset {server.preset} has no counter of requests, name total and failed."
                )
            if metric.type == "Histogram" and metric.buckets is None and preset.buckets is None:
                return (
                    f"metric {metric.name}: preset {server.preset} has no histogram of latencies, name one in buckets"
                    + (" or in server.metrics.latencyBuckets." if server.preset == "Custom" else ".")
                )
    return None


def _make(metric: Metric, engine: Engine, counted: Counted) -> Iterator[MetricQuestion]:
    bounds = _bounds_of(metric, engine)
    if has_own_selectors(metric):
        yield make_question(metric, counted.pods, bounds)
        return
    for server, pods in counted.by_server.items():
        preset = preset_of(server)
        if preset.is_in_router:
            question = make_question(metric, tuple(router.name for router in counted.routers or ()), bounds, preset)
            yield replace(question, endpoints=make_endpoints(pods))
        else:
            yield make_question(metric, tuple(pod.name for pod in pods), bounds, preset)


def make_endpoints(pods: tuple[PodFacts, ...]) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(pod.address, pod.name, pod.created_at.timestamp()) for pod in pods if pod.address)


def has_own_selectors(metric: Metric) -> bool:
    return not (metric.total is metric.buckets is metric.predictions is None)


def _bounds_of(metric: Metric, engine: Engine) -> tuple[float, ...]:
    bounds = (bound_of_stream(stream) for stream in engine.streams_of(metric.name))
    return tuple(bound for bound in bounds if bound is not None)


def make_question(
    metric: Metric, pods: tuple[str, ...], bounds: tuple[float, ...], preset: Preset | None = None
) -> MetricQuestion:
    """Without a preset the metric's own selectors are asked for."""
    if metric.type == "Categories":
        predictions = (preset.predictions if preset else metric.predictions) or ""
        own_buckets = "" if preset else metric.buckets or ""
        label = "" if own_buckets else metric.class_label or DEFAULT_CLASS_LABEL
        return MetricQuestion(
            metric.name, pods, "Categories", buckets=own_buckets, predictions=predictions, class_label=label
        )
    if metric.type == "Histogram":
        buckets = (preset.buckets if preset else metric.buckets) or ""
        seconds = preset.bucket_seconds if preset else unit_seconds(buckets)
        return MetricQuestion(metric.name, pods, "Histogram", buckets=buckets, bucket_seconds=seconds, bounds=bounds)
    if preset is not None and preset.requests is not None and preset.failed is not None:
        return MetricQuestion(metric.name, pods, requests=preset.requests, failed=preset.failed)
    total, failed = metric.total or "", metric.failed or ""
    counter = make_failed_counter(total, failed, metric.failed_when_absent)
    return MetricQuestion(metric.name, pods, requests=total, failed=counter)
