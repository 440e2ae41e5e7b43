"""The traffic providers behind one face, so that one suite holds for all of them."""

from collections.abc import Mapping

from serin.adapters.traffic.router_config import DRAIN_SECONDS
from serin.core.model_deployment.names import SHARED_ROUTER
from serin_testkit.builders import NAME, Manifest, a_model_deployment
from serin_testkit.scripted_gateways import NAME as GATEWAY
from serin_testkit.world import World

SETTINGS: Mapping[str, Mapping[str, object]] = {
    "Replicas": {},
    "Router": {},
    "Router of the namespace": {"router": {"scope": "Namespace"}},
    "GatewayAPI": {"gatewayAPI": {"parentRefs": [{"name": GATEWAY}]}},
}


class Provider:
    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name
        self.kind = name.split(maxsplit=1)[0]

    async def prepare(self) -> None:
        """What the cluster must have for it."""
        if self.name == "GatewayAPI" and await self._world.user.get("Gateway", GATEWAY) is None:
            await self._world.gateways.add_class()
            await self._world.gateways.add()

    def manifest(self, version: str) -> Manifest:
        return a_model_deployment(version=version).with_spec(traffic={"provider": self.kind, **SETTINGS[self.name]})

    async def serve(self, version: str) -> None:
        await self.prepare()
        await self._world.serve_first(self.manifest(version))
        await self.until_in_use()

    async def until_in_use(self) -> None:
        await self._world.until(f"provider {self.name} is in use", lambda: self.name in self._in_use())
        await self._world.settle()
        if "Router of the namespace" in self._in_use() - {self.name}:
            self._world.clock.jump(DRAIN_SECONDS)
        await self._world.until(f"provider {self.name} alone is in use", lambda: self._in_use() == {self.name})
        await self._world.settle()

    def hold_back(self, *, held: bool) -> None:
        """Its data plane does not follow what it is told."""
        self._world.routers.is_stuck = held and self.kind == "Router"
        self._world.gateways.is_stuck = held and self.name == "GatewayAPI"
        self._world.gateways.go_on()

    def shares(self) -> dict[str, float]:
        """Percent by Deployment as its data plane gives them."""
        if self.kind == "Router":
            return dict(self._world.routers.weights(NAME))
        if self.name == "GatewayAPI":
            return {name: weight / 100 for name, weight in self._world.gateways.weights(NAME).items()}
        pods = [_deployment_of(pod["metadata"]["labels"]) for pod in self._world.serving_pods()]
        return {name: 100 * pods.count(name) / len(pods) for name in pods}

    def _in_use(self) -> set[str]:
        """Whose objects are there and lead users."""
        history = self._world.history
        selector = (history.get("Service", NAME) or {"spec": {}})["spec"].get("selector", {})
        leads_to_routers = "serin.dev/component" in selector
        is_of_model = selector.get("serin.dev/model-deployment") == NAME
        found = {
            "Router": leads_to_routers and is_of_model,
            "Router of the namespace": leads_to_routers and not is_of_model,
            "GatewayAPI": history.get("HTTPRoute", NAME) is not None,
        }
        used = {name for name, is_used in found.items() if is_used}
        left = {f"{NAME}-router": "Router", SHARED_ROUTER: "Router of the namespace"}
        return (used or {"Replicas"}) | {name for place, name in left.items() if history.get("Deployment", place)}


def _deployment_of(labels: Mapping[str, str]) -> str:
    suffix = "-baseline" if labels["serin.dev/track"] == "baseline" else ""
    return labels["serin.dev/revision"] + suffix
