"""What users of several models get of one real Envoy that all of them share."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import pytest
from serin.adapters.traffic.router_config import CLUSTERS_FILE
from serin.core.facts import Route, Track
from serin.core.plan import Mirror, TrafficIntent
from serin_testkit.local_envoy import Answer
from serin_testkit.shared_envoy import SharedEnvoy
from unit.traffic.intents import BASELINE, CANARY, STABLE, USER, a_split, an_intent
from unit.traffic.test_router_grpc import ask, start_server

RAIN, NEW_RAIN = Route("rain-33333333", Track.PRIMARY), Route("rain-44444444", Track.PRIMARY)
WIND = Route("wind-55555555", Track.PRIMARY)


def a_rain(canary: float, **other: object) -> TrafficIntent:
    weights = {RAIN: 100 - canary, NEW_RAIN: canary}
    return an_intent(weights, backends=(RAIN, NEW_RAIN), stable=RAIN, name="rain", **other)  # type: ignore[arg-type]


A_WIND = an_intent({WIND: 100.0}, backends=(WIND,), stable=WIND, name="wind")


def bodies(answers: list[Answer]) -> Counter[str]:
    assert {answer.status for answer in answers} == {200}
    return Counter(answer.body for answer in answers)


async def test_each_model_has_weights_of_its_own_and_they_are_exact() -> None:
    async with SharedEnvoy.run_for({"weather": a_split(5), "rain": a_rain(30)}) as envoy:
        weather = bodies(await envoy.send_to("weather", [{}] * 20_000))
        rain = bodies(await envoy.send_to("rain", [{}] * 5000))

    assert 0.045 < weather[CANARY.revision] / 20_000 < 0.055
    assert 0.045 < weather[f"{BASELINE.revision}-baseline"] / 20_000 < 0.055
    assert set(rain) == {RAIN.revision, NEW_RAIN.revision}
    assert 0.28 < rain[NEW_RAIN.revision] / 5000 < 0.32


async def test_testers_and_mirrors_are_each_models_own() -> None:
    intents = {"weather": an_intent({STABLE: 100.0}, mirror=Mirror(CANARY, 100.0)), "rain": a_rain(0)}
    async with SharedEnvoy.run_for(intents) as envoy:
        assert bodies(await envoy.send_to("rain", [{"x-serin-track": "canary"}] * 20)) == {NEW_RAIN.revision: 20}
        assert bodies(await envoy.send_to("weather", [{}] * 200)) == {STABLE.revision: 200}
        await asyncio.sleep(0.2)
        assert envoy.pods[CANARY].requests == 200
        assert envoy.pods[NEW_RAIN].requests == 20


async def test_grpc_of_each_model_goes_to_its_own_pods_at_its_own_port() -> None:
    intents = {
        "weather": an_intent({STABLE: 100.0}, backends=(STABLE,), grpc=(STABLE,)),
        "rain": a_rain(0, grpc=(RAIN, NEW_RAIN)),
    }
    async with AsyncExitStack() as stack:
        ports = {route: (await start_server(stack, route.revision))[1] for route in (STABLE, RAIN, NEW_RAIN)}
        envoy = await stack.enter_async_context(SharedEnvoy.run_for(intents, grpc_ports=ports))
        for model, route in (("weather", STABLE), ("rain", RAIN)):
            address = f"127.0.0.1:{envoy.port_of(model)}"
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
            assert {await ask(channel) for _ in range(20)} == {route.revision}
            assert bodies([await envoy.get_from(model)]) == {route.revision: 1}


async def test_a_rising_weight_of_one_moves_no_user_of_another() -> None:
    users = [{"x-user-id": f"user-{number}"} for number in range(1000)]
    async with SharedEnvoy.run_for({"weather": a_split(5, sticky=USER), "rain": a_rain(20, sticky=USER)}) as envoy:
        rain = [answer.body for answer in await envoy.send_to("rain", users)]
        weather = [answer.body for answer in await envoy.send_to("weather", users)]
        await envoy.change(weather=a_split(45, sticky=USER))
        assert [answer.body for answer in await envoy.send_to("rain", users)] == rain
        later = [answer.body for answer in await envoy.send_to("weather", users)]

    assert all(new == old for old, new in zip(weather, later, strict=True) if old != STABLE.revision)


@asynccontextmanager
async def load_on(envoy: SharedEnvoy, model: str) -> AsyncIterator[list[int]]:
    """Requests one after the other, on a connection that is kept and on one of their own each, until the block ends."""
    stopped, statuses = asyncio.Event(), list[int]()

    async def stay() -> None:
        connection = envoy.connect_to(model)
        while not stopped.is_set():
            statuses.append((await connection.get()).status)
        await connection.close()

    async def come_and_go() -> None:
        while not stopped.is_set():
            statuses.append((await envoy.get_from(model)).status)

    clients = [asyncio.create_task(client()) for client in (stay, stay, come_and_go)]
    yield statuses
    stopped.set()
    await asyncio.gather(*clients)


async def test_changes_of_one_and_the_coming_and_going_of_another_cost_the_third_no_request() -> None:
    intents = {"weather": a_split(5), "rain": a_rain(30)}
    async with SharedEnvoy.run_for(intents, coming=[A_WIND]) as envoy, load_on(envoy, "rain") as statuses:
        for number in range(40):
            await envoy.change(weather=a_split(number), wind=A_WIND)
            assert bodies([await envoy.get_from("wind")]) == {WIND.revision: 1}
            await envoy.change(wind=None)
            with pytest.raises(OSError, match="Connect"):
                await envoy.get_from("wind")

    assert len(statuses) > 500
    assert set(statuses) == {200}


async def test_a_model_that_comes_and_goes_ends_no_connection_of_another() -> None:
    async with SharedEnvoy.run_for({"rain": a_rain(0)}, coming=[A_WIND]) as envoy:
        envoy.pods[RAIN].delay_seconds = 1
        running = asyncio.create_task(envoy.get_from("rain"))
        await asyncio.sleep(0.2)
        await envoy.change(wind=A_WIND)
        await envoy.change(wind=None)
        answer = await running

    assert (answer.status, answer.headers.get("connection")) == (200, None)


async def test_a_part_that_envoy_refuses_harms_no_other_model() -> None:
    async with SharedEnvoy.run_for({"weather": a_split(5), "rain": a_rain(0)}) as envoy:
        envoy.set(rain=a_rain(100))
        files = dict(envoy.render())
        files["routes-weather.json"] = '{"resources": [{"nonsense": true}]}'
        clusters = json.loads(files[CLUSTERS_FILE])
        for cluster in clusters["resources"]:
            if cluster["name"].startswith(CANARY.revision):
                cluster["connect_timeout"] = "-1s"
        envoy.write({**files, CLUSTERS_FILE: json.dumps(clusters)})
        await asyncio.sleep(0.5)

        assert bodies(await envoy.send_to("rain", [{}] * 50)) == {NEW_RAIN.revision: 50}
        assert bodies(await envoy.send_to("weather", [{}] * 50)).total() == 50, "it stays with what it had"


async def test_a_restarted_router_comes_up_with_the_last_state_of_all_models() -> None:
    async with SharedEnvoy.run_for({"weather": a_split(5)}, coming=[a_rain(0)]) as envoy:
        await envoy.change(weather=an_intent({CANARY: 100.0}), rain=a_rain(0))
        await envoy.kill()
        await envoy.start()
        await envoy.until_all_follow()
        assert bodies([await envoy.get_from("weather"), await envoy.get_from("rain")]) == {
            CANARY.revision: 1,
            RAIN.revision: 1,
        }


async def test_metrics_of_the_models_are_apart_and_the_state_is_that_of_the_one_asked_for() -> None:
    async with SharedEnvoy.run_for({"weather": an_intent({STABLE: 100.0}), "rain": a_rain(0)}) as envoy:
        await envoy.send_to("weather", [{}] * 30)
        await envoy.send_to("rain", [{}] * 20)
        metrics = (await envoy.ask("/metrics")).body
        state = await envoy.state("rain")
        for path in ("/state", "/state/", "/state/rain/x", "/state/rain|.*", "/config_dump"):
            assert (await envoy.ask(path)).status == 404, path

    for name, requests in ((STABLE.revision, 30), (RAIN.revision, 20)):
        assert f'envoy_cluster_endpoint_rq_success{{envoy_cluster_name="{name}",' in metrics
        (line,) = [each for each in metrics.splitlines() if f'rq_success{{envoy_cluster_name="{name}"' in each]
        assert line.endswith(f" {requests}")
    for model in ("weather", "rain"):
        assert f'envoy_http_downstream_rq_total{{envoy_http_conn_manager_prefix="users-{model}"}}' in metrics
    assert state is not None
    assert {name.split("-")[0] for name in state.pods} == {"rain"}
