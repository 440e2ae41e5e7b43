"""The port `Cluster` against a real API server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes.aio.client import Configuration
from serin.adapters.kube_client import KubeClient
from serin.adapters.kube_login import load_configuration
from serin.runtime.kinds import Kind
from serin.runtime.outcomes import AlreadyExists, Conflict, Forbidden, Invalid, NotFound, Unreachable
from serin.runtime.ports import Absent, Found, ObjectRef, Unknown
from serin_testkit.control_plane import (
    ControlPlane,
    control_plane,  # noqa: F401 (pytest finds the fixture by its name)
    find_free_ports,
)

pytestmark = pytest.mark.component


@pytest.fixture
async def client(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:  # noqa: F811 (the fixture)
    client = KubeClient(await load_configuration(str(control_plane.kubeconfig)))
    yield client
    await client.close()


@pytest.fixture
async def namespace(control_plane: ControlPlane, client: KubeClient) -> str:  # noqa: F811 (the fixture)
    namespaces = Kind("Namespace", "", "v1", "namespaces").path(None)
    made = await client._request("POST", namespaces, body={"metadata": {"generateName": "kube-client-"}})
    name: str = made["metadata"]["name"]
    return name


def make_service(namespace: str, name: str = "weather", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "serin", "serin.dev/model-deployment": "weather"},
        },
        "spec": {"ports": [{"name": "http", "port": 80}], **spec},
    }


def make_model_deployment(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "serin.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "weather", "namespace": namespace},
        "spec": {"model": {"uri": "https://models.test/weather.onnx"}},
    }


def ref(namespace: str, name: str = "weather") -> ObjectRef:
    return ObjectRef("Service", namespace, name)


async def test_what_is_there_is_found_and_what_is_not_is_absent(client: KubeClient, namespace: str) -> None:
    await client.apply(make_service(namespace))

    found = await client.get(ref(namespace))
    assert isinstance(found, Found)
    assert (found.object["kind"], found.object["metadata"]["name"]) == ("Service", "weather")
    assert await client.get(ref(namespace, "other")) == Absent()


async def test_a_server_that_does_not_answer_is_unknown_and_never_absent(namespace: str) -> None:
    configuration = Configuration(host=f"http://127.0.0.1:{find_free_ports(1)[0]}")
    client = KubeClient(configuration)
    assert isinstance(await client.get(ref(namespace)), Unknown)
    with pytest.raises(Unreachable, match="no answer from the API server"):
        await client.apply(make_service(namespace))
    await client.close()


async def test_apply_creates_then_changes_and_returns_what_the_server_stored(
    client: KubeClient, namespace: str
) -> None:
    first = await client.apply(make_service(namespace))
    second = await client.apply(make_service(namespace, selector={"app": "weather"}))

    assert first["spec"]["type"] == "ClusterIP"
    assert second["spec"]["selector"] == {"app": "weather"}
    assert second["metadata"]["uid"] == first["metadata"]["uid"]


async def test_applying_the_same_again_does_not_move_the_resource_version(client: KubeClient, namespace: str) -> None:
    first = await client.apply(make_service(namespace))
    again = await client.apply(make_service(namespace))
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_a_field_that_is_no_longer_applied_is_removed(client: KubeClient, namespace: str) -> None:
    await client.apply(make_service(namespace, selector={"app": "weather", "track": "primary"}))
    narrowed = await client.apply(make_service(namespace, selector={"app": "weather"}))
    assert narrowed["spec"]["selector"] == {"app": "weather"}


async def test_apply_with_the_uid_of_another_object_is_a_conflict(client: KubeClient, namespace: str) -> None:
    await client.apply(make_service(namespace))
    manifest = make_service(namespace)
    manifest["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(Conflict, match="uid"):
        await client.apply(manifest)


async def test_a_refused_object_tells_the_field_in_the_servers_words(client: KubeClient, namespace: str) -> None:
    with pytest.raises(Invalid, match=r"spec\.ports"):
        await client.apply(make_service(namespace, ports=[{"name": "http", "port": 70000}]))


async def test_creating_a_name_twice_tells_that_it_exists(client: KubeClient, namespace: str) -> None:
    await client.create(make_service(namespace))
    with pytest.raises(AlreadyExists, match="already exists"):
        await client.create(make_service(namespace))


async def test_a_write_into_a_namespace_that_is_not_there_is_not_found(client: KubeClient) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        await client.apply(make_service("nowhere"))


async def test_a_namespace_on_its_way_out_is_a_conflict_and_no_missing_permission(
    client: KubeClient, namespace: str
) -> None:
    # Its finalizer keeps the namespace from being gone before the test has asked.
    kept = make_service(namespace, "kept")
    kept["metadata"]["finalizers"] = ["test.serin.dev/kept"]
    await client.apply(kept)
    await client._request("DELETE", Kind("Namespace", "", "v1", "namespaces").path(None, namespace))

    async def apply_until_refused() -> None:
        while True:
            await client.apply(make_service(namespace, "new"))

    with pytest.raises(Conflict, match="because it is being terminated"):
        await asyncio.wait_for(apply_until_refused(), timeout=30)

    kept["metadata"]["finalizers"] = []
    await client.apply(kept)


async def test_a_wrong_token_is_forbidden(control_plane: ControlPlane, namespace: str) -> None:  # noqa: F811
    configuration = await load_configuration(str(control_plane.kubeconfig))
    configuration.refresh_api_key_hook = None
    configuration.api_key["BearerToken"] = "Bearer wrong"
    client = KubeClient(configuration)
    with pytest.raises(Forbidden):
        await client.apply(make_service(namespace))
    await client.close()


async def test_status_is_written_only_at_the_resource_version_that_was_read(client: KubeClient, namespace: str) -> None:
    made = await client.create(make_model_deployment(namespace))
    body = {key: made[key] for key in ("apiVersion", "kind")}
    metadata = {"name": "weather", "namespace": namespace, "resourceVersion": made["metadata"]["resourceVersion"]}

    written = await client.apply_status({**body, "metadata": metadata, "status": {"observedGeneration": 1}})
    assert written["status"]["observedGeneration"] == 1
    with pytest.raises(Conflict):
        await client.apply_status({**body, "metadata": metadata, "status": {"observedGeneration": 2}})


async def test_delete_removes_exactly_the_object_with_that_uid(client: KubeClient, namespace: str) -> None:
    made = await client.apply(make_service(namespace))

    await client.delete(ref(namespace), uid="00000000-0000-0000-0000-000000000000")
    assert isinstance(await client.get(ref(namespace)), Found)

    await client.delete(ref(namespace), uid=made["metadata"]["uid"])
    assert await client.get(ref(namespace)) == Absent()

    await client.delete(ref(namespace), uid=made["metadata"]["uid"])


async def test_a_list_holds_only_what_carries_our_labels_across_chunks(
    control_plane: ControlPlane,  # noqa: F811 (the fixture)
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("serin.adapters.kube_client.LIST_CHUNK", 2)
    client = KubeClient(await load_configuration(str(control_plane.kubeconfig)), namespaces=[namespace])
    foreign = make_service(namespace, "foreign")
    del foreign["metadata"]["labels"]
    await asyncio.gather(*(client.apply(make_service(namespace, f"ours-{number}")) for number in range(5)))
    await client.apply(foreign)

    listing = await client.list("Service")

    assert sorted(item["metadata"]["name"] for item in listing.objects) == [f"ours-{number}" for number in range(5)]
    assert {item["kind"] for item in listing.objects} == {"Service"}
    assert listing.resource_version >= max(int(item["metadata"]["resourceVersion"]) for item in listing.objects)
    await client.close()
