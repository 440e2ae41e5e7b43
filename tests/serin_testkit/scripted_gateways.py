"""A Gateway and its controller, on paper: it says of every HTTPRoute that it has taken it on.

What it does otherwise is up to the test: a `stuck` one says nothing of later generations, `refusal` is what it says
instead of yes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from serin.runtime.kinds import GATEWAY_GROUP

from serin_testkit.cluster_user import NOT_FOUND, ClusterUser, Json, RefusedError
from serin_testkit.control_plane import OPERATOR
from serin_testkit.history import History
from serin_testkit.rights import GROUP as RBAC

API_VERSION = f"{GATEWAY_GROUP}/v1"
NAME = "public"
CONTROLLER = "gateways.test/paper"
MOMENT = "2026-03-01T00:00:00Z"
MIRRORS = ("HTTPRouteRequestMirror", "HTTPRouteRequestPercentageMirror")
HTTP = {"name": "http", "protocol": "HTTP", "port": 80}


class ScriptedGateways:
    """Works from `begin` to `end`."""

    def __init__(self, user: ClusterUser, history: History) -> None:
        self._user = user
        self._history = history
        self._told = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._is_readable = False
        self.is_stuck = False
        self.refusal: tuple[str, str, str] | None = None
        """Type of the condition, its reason and its message."""

    @property
    def class_name(self) -> str:
        return f"class-of-{self._user.namespace}"

    async def add_class(self, features: Sequence[str] | None = MIRRORS) -> None:
        """One of this namespace's own, for classes are of the cluster. `features` None: it tells nothing of them."""
        await self.let_operator_read_class()
        body = {"metadata": {"name": self.class_name}, "spec": {"controllerName": CONTROLLER}}
        await self._user.create({"apiVersion": API_VERSION, "kind": "GatewayClass", **body})
        await self.set_features(features)

    async def let_operator_read_class(self) -> None:
        """No role of a namespace can allow it; one operator for all namespaces has this right from the chart."""
        if self._is_readable:
            return
        self._is_readable = True
        meta = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": self.class_name}}
        rule = {
            "apiGroups": [GATEWAY_GROUP],
            "resources": ["gatewayclasses"],
            "resourceNames": [self.class_name],
            "verbs": ["get"],
        }
        await self._user.create(meta | {"kind": "ClusterRole", "rules": [rule]})
        binding = {
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": self.class_name},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": OPERATOR}],
        }
        await self._user.create(meta | {"kind": "ClusterRoleBinding", **binding})

    async def set_features(self, features: Sequence[str] | None) -> None:
        told = None if features is None else [{"name": name} for name in sorted(features)]
        await self._user.patch("GatewayClass", self.class_name, {"status": {"supportedFeatures": told}}, "status")

    async def add(self, *, listeners: Sequence[Mapping[str, Any]] = (HTTP,)) -> None:
        spec = {"gatewayClassName": self.class_name, "listeners": list(listeners)}
        await self._user.create(
            {"apiVersion": API_VERSION, "kind": "Gateway", "metadata": {"name": NAME}, "spec": spec}
        )

    def go_on(self) -> None:
        """After the test has changed what it does."""
        self._told.set()

    @property
    def is_done(self) -> bool:
        if self._work is not None and self._work.done():
            self._work.result()
        return not any(self._find_change(route) for route in self._history.all("HTTPRoute"))

    def weights(self, name: str) -> dict[str, int]:
        """Of the route, by Deployment; what gets none is left out."""
        route = self._history.get("HTTPRoute", name)
        assert route is not None, f"there is no HTTPRoute {name}"
        backends = route["spec"]["rules"][0]["backendRefs"]
        return {backend["name"]: backend["weight"] for backend in backends if backend["weight"]}

    def begin(self) -> None:
        self._work = asyncio.create_task(self._run(), name="gateways")

    async def end(self) -> None:
        assert self._work is not None
        self._work.cancel()
        await asyncio.wait([self._work])

    async def _run(self) -> None:
        while True:
            self._told.clear()
            changed = self._history.changed
            for route in list(self._history.all("HTTPRoute")):
                change = self._find_change(route)
                if change:
                    await self._say(route["metadata"]["name"], change)
            waits = [asyncio.ensure_future(event.wait()) for event in (changed, self._told)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    async def _say(self, route: str, status: Json) -> None:
        try:
            await self._user.patch("HTTPRoute", route, {"status": status}, "status")
        except RefusedError as refused:
            if refused.status != NOT_FOUND:  # somebody has deleted it meanwhile
                raise

    def _find_change(self, route: Json) -> Json | None:
        """The status that the route is to have, None when it has it."""
        if self.is_stuck:
            return None
        refused = self.refusal or ("", "", "")
        conditions = [
            {
                "type": kind,
                "status": "False" if kind == refused[0] else "True",
                "reason": refused[1] if kind == refused[0] else kind,
                "message": refused[2] if kind == refused[0] else "",
                "observedGeneration": route["metadata"]["generation"],
                "lastTransitionTime": MOMENT,
            }
            for kind in ("Accepted", "ResolvedRefs")
        ]
        parents = [
            {"parentRef": parent, "controllerName": CONTROLLER, "conditions": conditions}
            for parent in route["spec"]["parentRefs"]
        ]
        return None if (route.get("status") or {}).get("parents") == parents else {"parents": parents}
