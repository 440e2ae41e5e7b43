"""However many rollouts compare at once, Prometheus is asked once per metric and interval."""

import asyncio
from typing import Any

import pytest
from component.conftest import watch_over
from serin.adapters.prometheus import PrometheusMetrics
from serin_testkit.builders import a_model_deployment
from serin_testkit.control_plane import ControlPlane
from serin_testkit.prometheus_front import PrometheusFront
from serin_testkit.world import World

pytestmark = pytest.mark.component

ROLLOUTS = 50
NAMES = [f"model-{number}" for number in range(ROLLOUTS)]
PLAN = {"minDuration": "10m", "metrics": [{}, {"name": "latency", "type": "Histogram", "bounds": [0.1]}]}


def requests_judged(world: World, name: str) -> Any:
    status = world.rollout(f"{name}-2")["status"]
    return [metric["canary"]["requests"] for metric in status.get("metrics") or ()]


@pytest.mark.timeout(600)
async def test_fifty_rollouts_cost_one_query_per_metric_and_interval(control_plane: ControlPlane) -> None:
    async with World.begin(control_plane) as world:
        front = PrometheusFront(world.prometheus)
        source = PrometheusMetrics(front.url, world.clock, jitter=lambda: 0.0)
        await world.restart_operator(metric_source=source)
        with front.serve():
            for version in ("1", "2"):
                manifests = (a_model_deployment(version, name).with_replicas(1) for name in NAMES)
                await asyncio.gather(*(world.apply(one.with_plan(analysis=PLAN)) for one in manifests))
                wanted = "Healthy" if version == "1" else "Progressing"
                for name in NAMES:
                    await world.until_told(name, wanted)
            for name in NAMES:
                await world.until_compared(f"{name}-2")

            asked = []
            for _ in range(3):
                before = len(front.queries)
                await world.pass_interval()
                asked.append(sorted(query.partition("{")[0] for query in front.queries[before:]))

            assert asked == [["serin_request_duration_seconds_bucket", "serin_requests_total"]] * 3
            assert {tuple(requests_judged(world, name)) for name in NAMES} == {(3000, 3000)}
            await watch_over(world)
            await asyncio.to_thread(world.operator.stop)
        source.close()
