"""What component tests may rely on: the control plane of the test kit behaves as a real cluster's."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from serin_testkit.control_plane import ControlPlane, ControlPlaneError, find_program

pytestmark = pytest.mark.component

SERVER_SIDE_APPLY = {"Content-Type": "application/apply-patch+yaml"}


@pytest.fixture
async def api(control_plane: ControlPlane) -> AsyncIterator[aiohttp.ClientSession]:
    trust = ssl.create_default_context(cafile=control_plane.ca)
    async with aiohttp.ClientSession(
        control_plane.server_url,
        headers={"Authorization": f"Bearer {control_plane.token}"},
        connector=aiohttp.TCPConnector(ssl=trust),
        raise_for_status=True,
    ) as session:
        yield session


@pytest.fixture
async def namespace(api: aiohttp.ClientSession) -> AsyncIterator[str]:
    made = await create(api, "/api/v1/namespaces", {"metadata": {"generateName": "test-"}})
    name: str = made["metadata"]["name"]
    yield name
    async with api.delete(f"/api/v1/namespaces/{name}"):
        pass


async def create(api: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> Any:
    async with api.post(path, json=body) as response:
        return await response.json()


async def events(api: aiohttp.ClientSession, path: str) -> AsyncIterator[tuple[str, Any]]:
    """Every object below this path as ADDED, then every change."""
    async with api.get(path, params={"watch": "true"}) as response:
        async for line in response.content:
            event = json.loads(line)
            yield event["type"], event["object"]


def make_deployment(replicas: int) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": "web"}, "spec": spec}


def make_config_map(name: str, owner: Any = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if owner is not None:
        uid = owner["metadata"]["uid"]
        metadata["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": uid}
        ]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


async def test_a_deployment_gets_its_pods_and_they_stay_pending(api: aiohttp.ClientSession, namespace: str) -> None:
    await create(api, f"/apis/apps/v1/namespaces/{namespace}/deployments", make_deployment(replicas=2))

    phases: dict[str, str] = {}
    async with asyncio.timeout(20):
        async for _, pod in events(api, f"/api/v1/namespaces/{namespace}/pods"):
            phases[pod["metadata"]["name"]] = pod["status"]["phase"]
            if len(phases) == 2:
                break

    assert list(phases.values()) == ["Pending", "Pending"]


async def test_a_child_is_collected_when_its_owner_goes(api: aiohttp.ClientSession, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    owner = await create(api, path, make_config_map("owner"))
    await create(api, path, make_config_map("child", owner=owner))

    gone: list[str] = []
    async with asyncio.timeout(20):
        async for kind, config_map in events(api, path):
            if kind == "ADDED" and config_map["metadata"]["name"] == "child":
                async with api.delete(f"{path}/owner"):
                    pass
            if kind == "DELETED":
                gone.append(config_map["metadata"]["name"])
            if len(gone) == 2:
                break

    assert gone == ["owner", "child"]


async def test_server_side_apply_keeps_what_another_manager_owns(api: aiohttp.ClientSession, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/shared"

    async def apply(manager: str, data: dict[str, str]) -> Any:
        body = make_config_map("shared") | {"data": data}
        async with api.patch(path, params={"fieldManager": manager}, json=body, headers=SERVER_SIDE_APPLY) as response:
            return await response.json()

    await apply("first", {"mine": "1"})
    await apply("second", {"yours": "2"})
    merged = await apply("first", {"mine": "3"})
    assert merged["data"] == {"mine": "3", "yours": "2"}

    with pytest.raises(aiohttp.ClientResponseError) as conflict:
        await apply("second", {"mine": "4", "yours": "2"})
    assert conflict.value.status == 409


def test_a_missing_program_is_an_error_that_names_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SERIN_PROGRAMS", str(tmp_path))
    with pytest.raises(ControlPlaneError, match=r"etcd is missing in SERIN_PROGRAMS=.*: run hack/cluster/programs"):
        find_program("etcd")
