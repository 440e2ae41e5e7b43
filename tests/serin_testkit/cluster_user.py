"""The hands of a person or a pipeline at the API server of one namespace. Shares nothing with Serin's own client."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from serin.runtime.kinds import KINDS, Kind

from serin_testkit.clock import settle
from serin_testkit.control_plane import ControlPlane, find_program

Json = dict[str, Any]

ALL_KINDS: Mapping[str, Kind] = {
    **KINDS,
    "ReplicaSet": Kind("ReplicaSet", "apps", "v1", "replicasets"),
    "ResourceQuota": Kind("ResourceQuota", "", "v1", "resourcequotas"),
    "Role": Kind("Role", "rbac.authorization.k8s.io", "v1", "roles"),
    "RoleBinding": Kind("RoleBinding", "rbac.authorization.k8s.io", "v1", "rolebindings"),
    "ClusterRole": Kind("ClusterRole", "rbac.authorization.k8s.io", "v1", "clusterroles", is_namespaced=False),
    "ClusterRoleBinding": Kind(
        "ClusterRoleBinding", "rbac.authorization.k8s.io", "v1", "clusterrolebindings", is_namespaced=False
    ),
    "Namespace": Kind("Namespace", "", "v1", "namespaces"),
}

NOT_FOUND = 404
TOO_MANY_REQUESTS = 429

_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_JSON = "application/json"


class RefusedError(AssertionError):
    """The API server refused what a test asked for; a test that wants this catches it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class ClusterUser:
    """Acts in one namespace, which is made on entering."""

    def __init__(self, session: aiohttp.ClientSession, control_plane: ControlPlane, namespace: str) -> None:
        self._session = session
        self._control_plane = control_plane
        self.namespace = namespace
        self.requests = 0
        """Sent so far."""
        self.written: dict[tuple[str, str], int] = {}
        """Version of each object after the newest write, by kind and name; who watches must have seen it."""

    @staticmethod
    @asynccontextmanager
    async def in_new_namespace(control_plane: ControlPlane) -> "AsyncIterator[ClusterUser]":
        trust = ssl.create_default_context(cafile=control_plane.ca)
        async with aiohttp.ClientSession(
            control_plane.server_url,
            headers={"Authorization": f"Bearer {control_plane.token}"},
            connector=aiohttp.TCPConnector(ssl=trust, limit=0),
        ) as session:
            user = ClusterUser(session, control_plane, "")
            made = await user._request("POST", "/api/v1/namespaces", body={"metadata": {"generateName": "serin-"}})
            yield ClusterUser(session, control_plane, made["metadata"]["name"])
        await settle()  # a closed connection is gone some turns of its loop later

    async def apply(self, manifest: Mapping[str, Any]) -> Json:
        """As `kubectl apply --server-side --force-conflicts` does."""
        path = self._path(manifest["kind"], manifest["metadata"]["name"])
        return await self._request("PATCH", f"{path}?fieldManager=person&force=true", manifest, _APPLY)

    async def create(self, manifest: Mapping[str, Any]) -> Json:
        return await self._request("POST", self._path(manifest["kind"]), manifest)

    async def patch(self, kind: str, name: str, changes: Mapping[str, Any], subresource: str = "") -> Json:
        """A merge patch, as `kubectl patch` and `kubectl scale` send it."""
        path = self._path(kind, name) + (f"/{subresource}" if subresource else "")
        return await self._request("PATCH", f"{path}?fieldManager=person", changes, _MERGE)

    async def get(self, kind: str, name: str) -> Json | None:
        try:
            return await self._request("GET", self._path(kind, name))
        except RefusedError as refused:
            if refused.status == NOT_FOUND:
                return None
            raise

    async def list(self, kind: str) -> tuple[list[Json], str]:
        """All objects of the kind in the namespace, and the version that this holds for."""
        found = await self._request("GET", self._path(kind))
        return found["items"], found["metadata"]["resourceVersion"]

    async def delete(self, kind: str, name: str, **options: Any) -> None:
        try:
            await self._request(
                "DELETE", self._path(kind, name), {"kind": "DeleteOptions", "apiVersion": "v1"} | options
            )
        except RefusedError as refused:
            if refused.status not in (404, 409):
                raise

    async def bind(self, pod: str, node: str) -> None:
        """What the scheduler does."""
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod}, "target": target}
        await self._request("POST", self._path("Pod", pod) + "/binding", binding)

    async def watch(self, kind: str, version: str) -> AsyncIterator[tuple[str, Json]]:
        """Every change after this version: ADDED, MODIFIED or DELETED, and the object."""
        path = f"{self._path(kind)}?watch=true&resourceVersion={version}"
        no_limit = aiohttp.ClientTimeout(total=None, sock_read=None)
        async with self._session.get(path, timeout=no_limit) as response:
            response.raise_for_status()
            assert response.connection is not None
            assert response.connection.transport is not None
            try:
                async for line in response.content:
                    event = json.loads(line)
                    assert event["type"] != "ERROR", event
                    yield event["type"], event["object"]
            finally:
                # A polite end of TLS waits for the server's, and the loop of the test may be gone by then.
                response.connection.transport.abort()

    async def kubectl(self, *arguments: str) -> tuple[int, str]:
        """Runs the real kubectl in this namespace; returns its exit code and what it wrote."""
        kubectl = await asyncio.create_subprocess_exec(
            str(find_program("kubectl")),
            *("--kubeconfig", str(self._control_plane.kubeconfig), "--namespace", self.namespace),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await kubectl.communicate()
        assert kubectl.returncode is not None
        return kubectl.returncode, output.decode()

    def _path(self, kind: str, name: str | None = None) -> str:
        return ALL_KINDS[kind].path(self.namespace, name)

    async def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = _JSON
    ) -> Json:
        headers = {"Content-Type": content_type}
        answer: Json
        self.requests += 1
        while True:
            async with self._session.request(method, path, json=body, headers=headers) as response:
                is_plain = response.content_type == "text/plain"  # of a path that the API server does not know
                answer = {"message": await response.text()} if is_plain else await response.json()
            if response.status != TOO_MANY_REQUESTS:
                break
            # A fresh API server asks to wait while it opens the storage of a custom kind.
            await asyncio.sleep(0.1)
        if response.status >= 400:
            raise RefusedError(response.status, f"{method} {path}: {answer.get('message')}")
        self._remember(method, answer)
        return answer

    def _remember(self, method: str, answer: Json) -> None:
        version = answer.get("metadata", {}).get("resourceVersion")
        if method in ("POST", "PATCH") and version and answer["kind"] in KINDS:
            self.written[answer["kind"], answer["metadata"]["name"]] = int(version)
