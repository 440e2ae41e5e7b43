"""What the servers that Serin knows count, and where Prometheus finds it: one row per preset of `server.metrics`.

A row tells a series of a failure from the others by its labels, so that requests and failures are one query and come
from one scrape. Labels of a failure, as everywhere in Serin: any answer but success, load shedding (429) and clients
that left (499), which say nothing about the model.

Never a silent zero: a pod without the counter of its requests has no reading. A pod with requests and no series of
failures has failed in none only where that series is known to come with its first failure: `FailedSeries` (the labels
of one counter, or counters that one server makes together), or a `FailedCounter` that says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from serin.api.v1alpha1.model_deployment import Metrics, Server

Labels = tuple[tuple[str, str], ...]
"""Names of labels, and patterns that match their whole values; a label that is not there is empty."""

_BAD_CODE: Final = r"(?!2|3|429$|499$).*"


@dataclass(frozen=True, slots=True)
class FailedSeries:
    """Series of the requests that are failures: those with all labels of one of these."""

    any_of: tuple[Labels, ...]


@dataclass(frozen=True, slots=True)
class FailedCounter:
    """A counter of its own. `is_lazy`: it comes with the first failure, so that its absence means none."""

    selector: str
    is_lazy: bool


@dataclass(frozen=True, slots=True)
class Preset:
    """None: the server has no such counter.

    `port` None is the server's own HTTP port. `bucket_seconds` is one unit of the label `le`.
    """

    port: int | None
    path: str
    requests: str | None
    failed: FailedSeries | FailedCounter | None
    buckets: str | None
    bucket_seconds: float = 1.0
    predictions: str | None = None
    is_in_sidecar: bool = False  # then the port is not one of the server's container
    is_in_router: bool = False  # then nothing of the server's own is read


SERIN: Final = Preset(
    port=None,
    path="/metrics",
    requests="serin_requests_total",
    failed=FailedSeries(((("code", _BAD_CODE),),)),
    buckets="serin_request_duration_seconds_bucket",
    # It has one of the two, as its model predicts classes or numbers.
    predictions='{__name__=~"serin_predictions_total|serin_prediction_value_bucket"}',
)

DEFAULT_CLASS_LABEL: Final = "class"

PRESETS: Final[Mapping[str, Preset]] = {
    "Serin": SERIN,
    # Both counters are there from the load of a model on. Its latencies are sums and, on request, quantiles: neither
    # can be compared request by request.
    "Triton": Preset(
        port=8002,
        path="/metrics",
        requests='{__name__=~"nv_inference_request_success|nv_inference_request_failure"}',
        failed=FailedSeries(
            ((("__name__", "nv_inference_request_failure"), ("reason", "(?!REJECTED$|CANCELED$).*")),),
        ),
        buckets=None,
    ),
    # The counter of failures is made by the first request, that of successes by the first success.
    "MLServer": Preset(
        port=8082,
        path="/metrics",
        requests='{__name__=~"model_infer_request_success_total|model_infer_request_failure_total"}',
        failed=FailedSeries(((("__name__", "model_infer_request_failure_total"),),)),
        buckets='rest_server_request_duration_seconds_bucket{path=~".*/infer"}',
    ),
    # By pod, label envoy_endpoint_address, where a request really went: a cluster's own counters call an answer of the
    # fallback one of the canary. Each pod that a router knows has both, at 0 from the first scrape on. A client that
    # left is in neither. Envoy counts no latency by pod.
    "Router": Preset(
        port=None,
        path="/metrics",
        requests='{__name__=~"envoy_cluster_endpoint_rq_success|envoy_cluster_endpoint_rq_error"}',
        failed=FailedSeries(((("__name__", "envoy_cluster_endpoint_rq_error"),),)),
        buckets=None,
        is_in_router=True,
    ),
    # Code 0 is a client that left before the answer. gRPC answers 200 and tells failures in a status of its own:
    # 1 is cancelled, 8 is load shedding.
    "Istio": Preset(
        port=15020,
        path="/stats/prometheus",
        requests='istio_requests_total{reporter="destination"}',
        failed=FailedSeries(
            (
                (("response_code", r"(?!2|3|429$|499$|0$).*"),),
                (("grpc_response_status", r"(?!0$|1$|8$).+"),),
            )
        ),
        buckets='istio_request_duration_milliseconds_bucket{reporter="destination"}',
        bucket_seconds=0.001,
        is_in_sidecar=True,
    ),
}


def preset_of(metrics: Metrics) -> Preset:
    if metrics.preset != "Custom":
        return PRESETS[metrics.preset]
    failed = make_failed_counter(metrics.total or "", metrics.failed or "", metrics.failed_when_absent)
    buckets = metrics.latency_buckets
    return Preset(None, SERIN.path, metrics.total, failed, buckets, unit_seconds(buckets or ""))


def make_failed_counter(total: str, failed: str, when_absent: str | None) -> FailedCounter:
    """Without a word about it, labels of one counter come with their first event, and a counter of its own is there."""
    is_one_counter = counter_name(total) == counter_name(failed)
    return FailedCounter(failed, is_lazy=is_one_counter if when_absent is None else when_absent == "Zero")


def unit_seconds(buckets: str) -> float:
    """One unit of the label `le` of a histogram that is no preset's, as its name says by Prometheus's custom."""
    parts = set(counter_name(buckets).split("_"))
    if parts & {"milliseconds", "ms"}:
        return 1e-3
    return 1e-6 if parts & {"microseconds", "us"} else 1.0


def counter_name(selector: str) -> str:
    return selector.partition("{")[0].strip()


def is_scraped(server: Server) -> bool:
    """Whether the server's pods are shown to Prometheus: where the routers count, only with a word about where."""
    metrics = server.metrics
    return not preset_of(metrics).is_in_router or metrics.port is not None or metrics.path != Metrics().path


def metrics_port(server: Server) -> int:
    return server.metrics.port or preset_of(server.metrics).port or server.ports.http


def metrics_path(server: Server) -> str:
    """The default of the schema stands for that of the preset."""
    written = server.metrics.path
    return preset_of(server.metrics).path if written == Metrics().path else written
