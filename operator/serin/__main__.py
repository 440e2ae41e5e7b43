"""The composition root: settings, adapters, runtime, kopf. The only place that knows them all."""

import asyncio
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from os import environ

from serin.adapters.kopf_app import KopfApp, StopFlag
from serin.adapters.kube_client import KubeClient
from serin.adapters.kube_events import KubeEvents
from serin.adapters.kube_login import load_configuration
from serin.adapters.log import set_up_logging
from serin.adapters.model_http import ModelHttp
from serin.adapters.operator_metrics import OperatorMetrics
from serin.adapters.prometheus import PrometheusMetrics
from serin.adapters.prometheus_session import make_session
from serin.adapters.settings import Settings, SettingsError, read_settings
from serin.adapters.traffic.chosen_provider import ChosenProvider
from serin.adapters.traffic.gateway_api import GatewayApiProvider
from serin.adapters.traffic.replicas import ReplicasProvider
from serin.adapters.traffic.router import RouterProvider, RouterReader
from serin.adapters.traffic.router_reader import HttpRouterReader
from serin.runtime.cache import Cache
from serin.runtime.clock import SystemClock
from serin.runtime.executor import Executor
from serin.runtime.intake import Intake
from serin.runtime.optional_kinds import OptionalKinds
from serin.runtime.ports import Clock, Cluster, MetricSource, ModelClient
from serin.runtime.preflight import PreflightObserver
from serin.runtime.reconciler import Reconciler, Sources
from serin.runtime.shared_data_plane import SharedReconciler
from serin.runtime.slots import LendingMetricSource, Slots
from serin.runtime.sweep import Sweep
from serin.runtime.worker import Workers
from serin.runtime.workqueue import WorkQueue

STUCK_SECONDS = 300.0
"""No reconcile takes that long: each of its requests ends by its own timeout."""

DEAF_ROUNDS = 2
"""Sweeps in a row that found what no watch had told; one may have raced with a watch that began."""


@dataclass(frozen=True, slots=True)
class Operator:
    """The assembled parts. `app` runs them all."""

    app: KopfApp
    cache: Cache
    queue: WorkQueue
    sweep: Sweep
    metrics: OperatorMetrics


def assemble(
    settings: Settings,
    cluster: Cluster,
    clock: Clock,
    metric_source: MetricSource,
    models: ModelClient,
    router_reader: RouterReader,
) -> Operator:
    jitter = random.Random().random
    metrics = OperatorMetrics()
    cache = Cache()
    queue = WorkQueue(clock, jitter)
    intake = Intake(cache, queue, clock)
    router = RouterProvider(settings.router_image, router_reader, clock)
    traffic_provider = ChosenProvider(
        {"Router": router, "GatewayAPI": GatewayApiProvider(cluster, clock), "Replicas": ReplicasProvider()}
    )
    executor = Executor(cluster, cache, traffic_provider, KubeEvents(cluster, clock), metrics)
    slots = Slots(settings.workers)
    sources = Sources(LendingMetricSource(metric_source, slots), PreflightObserver(cluster, models))
    reconciler = Reconciler(cache, executor, traffic_provider, sources, clock, settings.server_image)
    shared = SharedReconciler(cache, executor, router, reconciler.reconcile, queue.add)
    workers = Workers(queue, shared.reconcile, clock, metrics, slots)
    sweep = Sweep(cluster, intake, cache, queue, clock, jitter)
    optional_kinds = OptionalKinds(cluster, intake, cache, clock, settings.namespaces)

    async def run_runtime() -> None:
        # Only a whole cache may be decided on: a child that is not seen yet would be made again.
        await sweep.prime()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(workers.run(), name="workers")
            tasks.create_task(sweep.run(), name="sweep")
            tasks.create_task(optional_kinds.run(), name="optional kinds")

    metrics.watch_queue(queue)
    metrics.watch_rollouts(cache)
    app = KopfApp(
        intake,
        run_runtime,
        make_complaint(workers, sweep),
        settings.kubeconfig,
        settings.namespaces,
        settings.liveness_port,
    )
    return Operator(app, cache, queue, sweep, metrics)


async def operate(settings: Settings, stop: StopFlag, clock: Clock, prometheus: PrometheusMetrics) -> None:
    """Runs the operator until `stop` is set."""
    models = ModelHttp()
    cluster = KubeClient(await load_configuration(settings.kubeconfig), settings.namespaces)
    router_reader = HttpRouterReader()
    operator = assemble(settings, cluster, clock, prometheus, models, router_reader)
    prometheus.report_to(operator.metrics.count_query)
    with operator.metrics.serve(settings.metrics_port, operator.sweep.find_unreadiness):
        try:
            await operator.app.run(stop)
        finally:
            await models.close()
            await router_reader.close()
            await cluster.close()


def make_complaint(workers: Workers, sweep: Sweep) -> Callable[[], str | None]:
    """What only a restart can heal. An API server that is away is not among it."""

    def find_complaint() -> str | None:
        seconds = workers.longest_running_seconds()
        if seconds > STUCK_SECONDS:
            return f"a reconcile has been running for {seconds:.0f} s"
        if sweep.deaf_rounds >= DEAF_ROUNDS:
            return "the watches tell nothing of what changes in the cluster"
        return None

    return find_complaint


async def run(settings: Settings) -> None:
    clock = SystemClock()
    session = make_session(settings.prometheus_token_file, settings.prometheus_ca_file, settings.prometheus_tenant)
    prometheus = PrometheusMetrics(settings.prometheus_url, clock, random.Random().random, session)
    try:
        await operate(settings, asyncio.Event(), clock, prometheus)
    finally:
        prometheus.close()


def main() -> int:
    try:
        settings = read_settings(environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    set_up_logging(settings.log_format, settings.log_level)
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
