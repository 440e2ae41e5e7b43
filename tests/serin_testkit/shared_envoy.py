"""A real Envoy that models of one namespace share, on loopback. Each model has a listener at a port of its own."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from serin.adapters.traffic.router_bootstrap import render_shared_bootstrap
from serin.adapters.traffic.router_config import render_config
from serin.adapters.traffic.router_objects import make_listener_part
from serin.adapters.traffic.shared_router import Part, read_part, render_shared_config
from serin.core.facts import Route
from serin.core.model_deployment.names import deployment_name
from serin.core.plan import TrafficIntent

from serin_testkit.local_envoy import (
    DRAIN_TOKEN,
    PATIENCE_SECONDS,
    Answer,
    Connection,
    Json,
    LocalEnvoy,
    Pods,
    find_free_ports,
    get_once,
    send_all,
)


def make_part(intent: TrafficIntent, made_at: str = "2026-03-01T00:00:00Z") -> Part:
    """As it is read from the ConfigMap of a model."""
    part = read_part(make_live_part(intent, made_at))
    assert part is not None
    return part


def make_live_part(intent: TrafficIntent, made_at: str = "2026-03-01T00:00:00Z") -> Json:
    made = make_listener_part(intent, render_config(intent))
    metadata = {**made["metadata"], "creationTimestamp": made_at, "resourceVersion": "1"}
    return {**made, "metadata": {**metadata, "uid": f"part-of-{metadata['name']}"}}


class SharedEnvoy(LocalEnvoy):
    """Made by `run_for`, with the intents of the models by their names."""

    def __init__(self, folder: Path, pods: Mapping[Route, Pods], grpc_ports: Mapping[Route, int]) -> None:
        super().__init__(folder, pods, grpc_ports)
        self._intents: dict[str, TrafficIntent] = {}
        self._model_ports: dict[str, int] = {}

    @staticmethod
    @asynccontextmanager
    async def run_for(
        intents: Mapping[str, TrafficIntent],
        coming: Sequence[TrafficIntent] = (),
        grpc_ports: Mapping[Route, int] | None = None,
    ) -> "AsyncIterator[SharedEnvoy]":
        """`coming` have pods already, and no listener yet."""
        backends = {each.route for intent in (*intents.values(), *coming) for each in intent.backends}
        pods = {route: Pods(deployment_name(route)) for route in sorted(backends)}
        for server in pods.values():
            await server.start()
        with tempfile.TemporaryDirectory() as folder:
            envoy = SharedEnvoy(Path(folder), pods, grpc_ports or {})
            envoy.set(**intents)
            await envoy.start()
            try:
                await envoy.until_all_follow()
                yield envoy
            finally:
                await envoy.stop()
                for server in pods.values():
                    await server.stop()

    def set(self, **intents: TrafficIntent | None) -> None:
        """Changes these models in the files, as a kubelet does; None takes one away."""
        for model, intent in intents.items():
            if intent is None:
                del self._intents[model]
            else:
                self._intents[model] = intent
                self._model_ports.setdefault(model, find_free_ports(1)[0])
        self.write(self.render())

    def render(self) -> Mapping[str, str]:
        parts = [make_part(self.with_ports(intent)) for intent in self._intents.values()]
        files = render_shared_config(parts, self._model_ports).files
        return {name: text.replace("/etc/serin/router", str(self._folder)) for name, text in files.items()}

    async def change(self, **intents: TrafficIntent | None) -> None:
        self.set(**intents)
        await self.until_all_follow()

    async def until_all_follow(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for model, intent in self._intents.items():
                version = render_config(self.with_ports(intent)).version
                while True:
                    state = await self.state(model)
                    if state is not None and state.version == version and (await self.ask("/ready")).status == 200:
                        break
                    await asyncio.sleep(0.01)

    def port_of(self, model: str) -> int:
        return self._model_ports[model]

    def connect_to(self, model: str) -> Connection:
        return Connection(self._model_ports[model])

    async def get_from(self, model: str, headers: Mapping[str, str] | None = None) -> Answer:
        return await get_once(self._model_ports[model], headers=headers)

    async def send_to(self, model: str, requests: Sequence[Mapping[str, str]], connections: int = 10) -> list[Answer]:
        return await send_all(self._model_ports[model], requests, connections)

    def _render_bootstrap(self) -> Json:
        return render_shared_bootstrap(DRAIN_TOKEN, str(self._folder))
