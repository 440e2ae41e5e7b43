"""What the watches hand over, against a real API server."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from serin.adapters.kopf_app import KopfApp
from serin.adapters.kube_client import KubeClient
from serin.adapters.kube_login import load_configuration
from serin.core.facts import Key
from serin.runtime.cache import Cache
from serin.runtime.clock import SystemClock
from serin.runtime.intake import Intake
from serin.runtime.kinds import Kind
from serin.runtime.ports import JsonObject
from serin.runtime.workqueue import WorkQueue
from serin_testkit.control_plane import (
    ControlPlane,
    control_plane,  # noqa: F401 (pytest finds the fixture by its name)
    find_free_ports,
)

pytestmark = pytest.mark.component

WAIT_SECONDS = 20


class App:
    """A KopfApp in a thread of its own: kopf takes every task of its loop for its own, the test's too."""

    def __init__(self, kubeconfig: str, namespace: str) -> None:
        clock = SystemClock()
        self.namespace = namespace
        self.queue = WorkQueue(clock, jitter=lambda: 0.0)
        self.cache = Cache()
        self.complaint: str | None = None
        self.runtime_ended = threading.Event()
        self.stop = threading.Event()
        self.port = find_free_ports(1)[0]
        intake = Intake(self.cache, self.queue, clock)
        self._app = KopfApp(intake, self._run_runtime, lambda: self.complaint, kubeconfig, [namespace], self.port)
        self._loop = asyncio.new_event_loop()
        self._break = asyncio.Event()
        self.ended = asyncio.get_running_loop().run_in_executor(None, self._run)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._app.run(self.stop))

    async def _run_runtime(self) -> None:
        try:
            await self._break.wait()
            raise RuntimeError("broken")
        finally:
            self.runtime_ended.set()

    def break_runtime(self) -> None:
        self._loop.call_soon_threadsafe(self._break.set)

    async def woken(self) -> Key:
        async with asyncio.timeout(WAIT_SECONDS):
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._take(), self._loop))

    async def _take(self) -> Key:
        key = await self.queue.take()
        self.queue.done(key)
        return key

    async def answer(self) -> int:
        """Of the liveness endpoint."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}/healthz") as response:
            return response.status

    async def end(self) -> None:
        self.stop.set()
        async with asyncio.timeout(WAIT_SECONDS):
            await self.ended


@pytest.fixture
async def client(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:  # noqa: F811 (the fixture)
    client = KubeClient(await load_configuration(str(control_plane.kubeconfig)))
    yield client
    await client.close()


@pytest.fixture
async def app(control_plane: ControlPlane, client: KubeClient) -> AsyncIterator[App]:  # noqa: F811 (the fixture)
    namespaces = Kind("Namespace", "", "v1", "namespaces").path(None)
    made = await client._request("POST", namespaces, body={"metadata": {"generateName": "kopf-app-"}})
    app = App(str(control_plane.kubeconfig), made["metadata"]["name"])
    yield app
    with contextlib.suppress(RuntimeError):
        await app.end()


def make_model_deployment(namespace: str, name: str) -> JsonObject:
    return {
        "apiVersion": "serin.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"model": {"uri": "https://models.test/weather.onnx"}},
    }


def make_service(namespace: str, name: str, labels: dict[str, str]) -> JsonObject:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}


def ours(model_deployment: str) -> dict[str, str]:
    return {"app.kubernetes.io/managed-by": "serin", "serin.dev/model-deployment": model_deployment}


async def test_a_model_deployment_is_seen_made_and_deleted(app: App, client: KubeClient) -> None:
    made = await client.create(make_model_deployment(app.namespace, "weather"))
    weather = Key(app.namespace, "weather")
    assert await app.woken() == weather
    assert app.cache.model_deployments() == [weather]

    await client._request("DELETE", f"/apis/serin.dev/v1alpha1/namespaces/{app.namespace}/modeldeployments/weather")
    assert await app.woken() == weather
    assert app.cache.model_deployments() == []
    assert made["metadata"].get("finalizers") is None


async def test_of_other_kinds_only_what_carries_our_labels_is_watched(app: App, client: KubeClient) -> None:
    await client.create(make_service(app.namespace, "foreign", {"serin.dev/model-deployment": "foreign"}))
    await client.create(make_service(app.namespace, "child", ours("weather")))
    assert await app.woken() == Key(app.namespace, "weather")
    assert app.queue.depth == 0
    assert [live["metadata"]["name"] for live in app.cache.owned(Key(app.namespace, "weather"))["Service"]] == ["child"]


async def test_a_child_that_loses_our_labels_counts_as_gone(app: App, client: KubeClient) -> None:
    await client.apply(make_service(app.namespace, "child", ours("weather")))
    assert await app.woken() == Key(app.namespace, "weather")
    await client.apply(make_service(app.namespace, "child", {}))
    assert await app.woken() == Key(app.namespace, "weather")
    assert app.cache.owned(Key(app.namespace, "weather"))["Service"] == []


async def test_seeing_an_object_writes_nothing_to_it(app: App, client: KubeClient) -> None:
    made: Any = await client.create(make_model_deployment(app.namespace, "weather"))
    await app.woken()
    await client.create(make_model_deployment(app.namespace, "second"))
    await app.woken()
    found: Any = await client._request(
        "GET", f"/apis/serin.dev/v1alpha1/namespaces/{app.namespace}/modeldeployments/weather"
    )
    assert found["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_the_liveness_endpoint_says_whether_there_is_a_complaint(app: App, client: KubeClient) -> None:
    await client.create(make_model_deployment(app.namespace, "weather"))
    await app.woken()
    # kopf keeps an answer for 10 s, so each of the two states is asked for once.
    app.complaint = "stuck"
    assert await app.answer() == 500


async def test_stopping_ends_the_runtime(app: App, client: KubeClient) -> None:
    await client.create(make_model_deployment(app.namespace, "weather"))
    await app.woken()
    await app.end()
    assert app.runtime_ended.is_set()


async def test_a_runtime_that_fails_ends_the_operator_with_its_error(app: App, client: KubeClient) -> None:
    await client.create(make_model_deployment(app.namespace, "weather"))
    await app.woken()
    app.break_runtime()
    with pytest.raises(RuntimeError, match="broken"):
        async with asyncio.timeout(WAIT_SECONDS):
            await app.ended
