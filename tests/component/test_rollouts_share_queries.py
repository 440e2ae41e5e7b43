"""However many rollouts compare at once, Prometheus is asked once per metric and interval."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from component.conftest import watch_over
from serin.adapters.prometheus import PrometheusMetrics
from serin_testkit.builders import a_model_deployment
from serin_testkit.control_plane import ControlPlane
from serin_testkit.jumping_clock import JumpingClock
from serin_testkit.prometheus_front import PrometheusFront
from serin_testkit.world import World

pytestmark = pytest.mark.component

ROLLOUTS = 50
NAMES = [f"model-{number}" for number in range(ROLLOUTS)]
PLAN = {"minDuration": "10m", "metrics": [{}, {"name": "latency", "type": "Histogram", "bounds": [0.1]}]}


class PatientClock:
    """No time passes but by jumps, so that a machine without any to spare is no reason to ask a part of them first."""

    def __init__(self, clock: JumpingClock) -> None:
        self.now = clock.now

    def monotonic_seconds(self) -> float:
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def find_status(world: World, kind: str, name: str) -> Any:
    return (world.history.get(kind, name) or {}).get("status", {})


async def apply_all(world: World, version: str, is_done: Callable[[str], bool]) -> None:
    """Some at a time, so that a slow machine keeps up. No time passes meanwhile."""
    for begin in range(0, ROLLOUTS, 10):
        names = NAMES[begin : begin + 10]
        manifests = (a_model_deployment(version, name).with_replicas(1).with_plan(analysis=PLAN) for name in names)
        await asyncio.gather(*(world.apply(manifest) for manifest in manifests))
        for name in names:
            await world.until(f"{name} has version {version}", partial(is_done, name))


@pytest.mark.timeout(600)
async def test_fifty_rollouts_cost_one_query_per_metric_and_interval(control_plane: ControlPlane) -> None:
    async with World.begin(control_plane) as world:
        front = PrometheusFront(world.prometheus)
        source = PrometheusMetrics(front.url, PatientClock(world.clock), jitter=lambda: 0.0)
        await world.restart_operator(metric_source=source)
        with front.serve():
            await apply_all(
                world, "1", lambda name: find_status(world, "ModelDeployment", name).get("phase") == "Healthy"
            )
            await apply_all(world, "2", lambda name: "engine" in find_status(world, "Rollout", f"{name}-2"))
            await world.settle()

            asked: list[list[str]] = []
            for _ in range(3):
                before = len(front.queries)
                await world.pass_interval()
                asked.append(sorted(query.partition("{")[0] for query in front.queries[before:]))

            assert asked == [["serin_request_duration_seconds_bucket", "serin_requests_total"]] * 3
            judged = [find_status(world, "Rollout", f"{name}-2")["metrics"] for name in NAMES]
            # Pods that were there before count from their first scrape on.
            assert {metric["canary"]["requests"] for of_rollout in judged for metric in of_rollout} == {2000}
            await watch_over(world)
            await asyncio.to_thread(world.operator.stop)
        source.close()
