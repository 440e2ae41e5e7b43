"""gRPC through a real Envoy: a real client, real servers in the place of the pods, weights that change meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import pytest
from serin.core.facts import Route
from serin.core.plan import TrafficIntent
from serin_testkit.local_envoy import LocalEnvoy
from unit.traffic.intents import ALL, BASELINE, CANARY, STABLE, USER, a_split, an_intent

METHOD = "/weather.Asks/Who"
NAMES = {STABLE: "stable", BASELINE: "baseline", CANARY: "canary"}


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers every call with its name."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()

    def service(self, details: object) -> grpc.RpcMethodHandler:
        async def answer(request: bytes, context: object) -> bytes:
            return self._name

        return grpc.unary_unary_rpc_method_handler(answer)


async def start_server(stack: AsyncExitStack, name: str) -> tuple[grpc.aio.Server, int]:
    """It and its port."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([_Handler(name)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stack.push_async_callback(server.stop, None)
    return server, port


@asynccontextmanager
async def run(
    intent: TrafficIntent,
) -> AsyncIterator[tuple[LocalEnvoy, grpc.aio.Channel, Mapping[Route, grpc.aio.Server]]]:
    """An Envoy, a client's connection to its port for everything, and the servers."""
    async with AsyncExitStack() as stack:
        servers, ports = {}, {}
        for backend in intent.backends:
            if backend.grpc_port is None:
                continue
            servers[backend.route], ports[backend.route] = await start_server(stack, NAMES[backend.route])
        envoy = await stack.enter_async_context(LocalEnvoy.run(intent, ports))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{envoy.users_port}"))
        yield envoy, channel, servers


async def ask(channel: grpc.aio.Channel, *metadata: tuple[str, str]) -> str:
    answer: bytes = await channel.unary_unary(METHOD)(b"", metadata=metadata)
    return answer.decode()


async def ask_often(channel: grpc.aio.Channel, count: int) -> Counter[str]:
    answers: list[str] = []
    for _ in range(count // 50):
        answers += await asyncio.gather(*(ask(channel) for _ in range(50)))
    return Counter(answers)


async def test_calls_of_one_connection_are_split_by_the_weights() -> None:
    async with run(a_split(20, grpc=ALL)) as (envoy, channel, _):
        counted = await ask_often(channel, 3000)
        assert abs(counted["canary"] / 3000 - 0.2) < 0.03
        assert abs(counted["baseline"] / 3000 - 0.2) < 0.03
        assert (await envoy.get()).status == 200, "HTTP goes through the same port"


async def test_users_are_sticky_and_testers_choose_as_over_http() -> None:
    async with run(a_split(30, sticky=USER, grpc=ALL)) as (envoy, channel, _):
        first = [await ask(channel, ("x-user-id", f"user-{number}")) for number in range(100)]
        assert [await ask(channel, ("x-user-id", f"user-{number}")) for number in range(100)] == first
        over_http = [(await envoy.get("/", {"x-user-id": f"user-{number}"})).body for number in range(100)]
        assert over_http == [_deployment(name) for name in first]
        assert {await ask(channel, ("x-serin-track", "canary")) for _ in range(20)} == {"canary"}


def _deployment(name: str) -> str:
    route = next(route for route, known in NAMES.items() if known == name)
    return route.revision + ("-baseline" if route is BASELINE else "")


async def test_weights_that_change_cost_no_call() -> None:
    weights: Sequence[float] = (1, 45, 5, 20)
    stopped = asyncio.Event()
    counted: Counter[str] = Counter()
    async with run(a_split(1, grpc=ALL)) as (envoy, channel, _):

        async def load() -> None:
            while not stopped.is_set():
                counted[await ask(channel)] += 1

        callers = [asyncio.create_task(load()) for _ in range(4)]
        for number in range(40):
            await envoy.follow(a_split(weights[number % 4], grpc=ALL))
        await envoy.follow(an_intent({CANARY: 100.0}, stable=CANARY, grpc=ALL))
        stopped.set()
        await asyncio.gather(*callers)
        assert (await ask_often(channel, 500)) == {"canary": 500}

    assert set(counted) == {"stable", "baseline", "canary"}


async def test_a_canary_that_is_gone_costs_no_call() -> None:
    async with run(an_intent({STABLE: 50.0, CANARY: 50.0}, grpc=ALL)) as (_, channel, servers):
        await ask_often(channel, 100)
        await servers[CANARY].stop(None)
        assert await ask_often(channel, 300) == {"stable": 300}


async def test_a_version_that_speaks_no_grpc_answers_as_its_http_port_does() -> None:
    async with run(an_intent({STABLE: 100.0})) as (envoy, channel, _):
        envoy.pods[STABLE].status = 404
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(channel)

    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
