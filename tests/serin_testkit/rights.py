"""The operator's rights on the control plane: those of the chart, in one namespace and nowhere else.

Every component test runs under them. What the operator then asks for is in the API server's audit log.
"""

import asyncio
import json
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from serin_testkit.cluster_user import ClusterUser
from serin_testkit.control_plane import OPERATOR, ControlPlane

RULES = Path(__file__).parents[2] / "charts" / "serin" / "rules.yaml"
GROUP = "rbac.authorization.k8s.io"
LOOK_SECONDS = 0.01

Right = tuple[str, str, str]
"""Group, resource with its subresource, verb."""


def read_rules() -> list[dict[str, list[str]]]:
    rules: list[dict[str, list[str]]] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return rules


def granted_rights() -> set[Right]:
    return {
        (group, resource, verb)
        for rule in read_rules()
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def read_requests(control_plane: ControlPlane, namespace: str) -> Iterator[tuple[Right, int]]:
    """What the operator has asked for about objects of the namespace, each with the HTTP status of its answer.

    An object that server-side apply has made took two rights.
    """
    for line in control_plane.audit_log.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        about = event.get("objectRef") or {}
        if about.get("namespace") == namespace:
            resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
            status = event["responseStatus"]["code"]
            verbs = (event["verb"], "create") if status == HTTPStatus.CREATED else (event["verb"],)
            yield from (((about.get("apiGroup", ""), resource, verb), status) for verb in verbs)


def read_cluster_requests(control_plane: ControlPlane) -> set[tuple[str, int]]:
    """Paths that the operator has asked for outside of namespaces, but for discovery, with the status."""
    events = map(json.loads, control_plane.audit_log.read_text(encoding="utf-8").splitlines())
    return {
        (event["requestURI"], event["responseStatus"]["code"])
        for event in events
        if "objectRef" in event and not event["objectRef"].get("namespace")
    }


async def grant_operator_rights(user: ClusterUser, control_plane: ControlPlane) -> None:
    """Returns when the API server knows of them, some milliseconds later."""
    meta = {"apiVersion": f"{GROUP}/v1", "metadata": {"name": OPERATOR}}
    await user.create(meta | {"kind": "Role", "rules": read_rules()})
    binding = {
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": OPERATOR},
        "subjects": [{"apiGroup": GROUP, "kind": "User", "name": OPERATOR}],
    }
    await user.create(meta | {"kind": "RoleBinding", **binding})
    async with aiohttp.ClientSession(
        control_plane.server_url,
        headers={"Authorization": f"Bearer {control_plane.operator_token}"},
        connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=control_plane.ca)),
    ) as session:
        while not await _may_list_pods(session, user.namespace):  # noqa: ASYNC110 (of another process)
            await asyncio.sleep(LOOK_SECONDS)


async def _may_list_pods(session: aiohttp.ClientSession, namespace: str) -> bool:
    review: dict[str, Any] = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": namespace, "resource": "pods", "verb": "list"}},
    }
    async with session.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=review) as answer:
        allowed: bool = (await answer.json())["status"]["allowed"]
    return allowed
