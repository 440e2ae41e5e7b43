"""What is known of Gateways: whether they are there, what their class can do, and where users reach them.

They are other people's and few, so they are read when somebody has to know, and an answer serves all models for a
while.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from serin.api.v1alpha1.traffic import GatewayApiSettings, ParentRef
from serin.runtime.ports import Absent, Clock, Cluster, Found, JsonObject, ObjectRef, Unknown

KNOWN_SECONDS: Final = 30.0
MISSING_SECONDS: Final = 2.0
"""What is not there, or cannot be read, may be there soon."""

MIRROR: Final = "HTTPRouteRequestMirror"
PARTIAL_MIRROR: Final = "HTTPRouteRequestPercentageMirror"

SILENT: Final = {"gateway.envoyproxy.io/gatewayclass-controller": frozenset({MIRROR, PARTIAL_MIRROR})}
"""What controllers can do that do not write it into the status of their classes, by their conformance reports."""

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class GatewayState:
    """`missing`: what is not there, as a sentence that says what to do. `unknown`: why the class cannot be told."""

    gateway: JsonObject | None = None
    class_name: str = ""
    features: frozenset[str] | None = None
    missing: str | None = None
    unknown: str | None = None

    def why_not(self, feature: str, what: str) -> str | None:
        """Why a feature cannot be used, as a sentence; None: it can."""
        if self.missing is not None:
            return self.missing
        if self.features is None:
            return f"Whether the Gateway can {what} is not known: {self.unknown}"
        if feature in self.features:
            return None
        return (
            f"GatewayClass {self.class_name} cannot {what} ({feature} is not among its status.supportedFeatures): "
            "choose a Gateway of another class, or set spec.traffic.provider to Router."
        )


@dataclass(slots=True)
class Gateways:
    """Reads through `cluster`, with a memory."""

    cluster: Cluster
    clock: Clock
    _memory: dict[ObjectRef, tuple[float, Found | Absent | Unknown]] = field(default_factory=dict)

    async def look(self, parent: ParentRef, own_namespace: str) -> GatewayState:
        namespace = parent.namespace or own_namespace
        where = f"{namespace}/{parent.name}"
        match await self._read(ObjectRef("Gateway", namespace, parent.name)):
            case Found(gateway):
                return await self._look_at_class(gateway, where)
            case Unknown(reason):
                return GatewayState(unknown=f"Gateway {where} cannot be read, {reason}.")
            case Absent(is_kind_known=False):
                return GatewayState(missing=NO_GATEWAY_API)
        todo = "create it, or correct spec.traffic.gatewayAPI.parentRefs."
        return GatewayState(missing=f"There is no Gateway {where}: {todo}")

    async def _look_at_class(self, gateway: JsonObject, where: str) -> GatewayState:
        name: str = gateway["spec"]["gatewayClassName"]
        match await self._read(ObjectRef("GatewayClass", "", name)):
            case Found(found):
                told = (found.get("status") or {}).get("supportedFeatures")
                known = SILENT.get(found["spec"]["controllerName"])
                features = frozenset(feature["name"] for feature in told) if told else known
                unknown = f"GatewayClass {name} has no status.supportedFeatures."
                return GatewayState(gateway, name, features, unknown=unknown)
            case Unknown(reason):
                return GatewayState(gateway, name, unknown=f"GatewayClass {name} cannot be read, {reason}.")
        todo = "install its implementation, or name another class in the Gateway."
        return GatewayState(
            gateway, name, missing=f"There is no GatewayClass {name}, which Gateway {where} names: {todo}"
        )

    async def _read(self, ref: ObjectRef) -> Found | Absent | Unknown:
        now = self.clock.monotonic_seconds()
        until, known = self._memory.get(ref, (now, Absent()))
        if until > now:
            return known
        read = await self.cluster.get(ref)
        if isinstance(read, Unknown) and isinstance(known, Found):
            read = known  # an API server that is away for a moment changes no Gateway
        self._memory[ref] = (now + (KNOWN_SECONDS if isinstance(read, Found) else MISSING_SECONDS), read)
        return read


NO_GATEWAY_API: Final = (
    "The cluster does not know the Gateway API: install the definitions of its standard channel, or choose another "
    "spec.traffic.provider."
)


def find_url(settings: GatewayApiSettings, parent: ParentRef, gateway: JsonObject | None) -> str | None:
    """Where users reach the model through this Gateway: by the first name that is one, else by its address."""
    listeners: list[Mapping[str, Any]] = [
        listener
        for listener in (gateway or {"spec": {}})["spec"].get("listeners") or ()
        if listener.get("protocol") in ("HTTP", "HTTPS") and parent.section_name in (None, listener.get("name"))
    ]
    # Of several the one with a certificate: what a Gateway offers in the clear beside it mostly leads there.
    listener: Mapping[str, Any] = max(
        listeners, key=lambda one: one["protocol"] == "HTTPS", default={"protocol": "HTTP", "port": 80}
    )
    scheme = str(listener["protocol"]).lower()
    addresses = ((gateway or {}).get("status") or {}).get("addresses") or ()
    names = [*settings.hostnames, listener.get("hostname") or "*", *(address["value"] for address in addresses)]
    host = next((name for name in names if not name.startswith("*")), None)
    if host is None:
        return None
    port = "" if listener["port"] == _PORTS[scheme] else f":{listener['port']}"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}{port}"
