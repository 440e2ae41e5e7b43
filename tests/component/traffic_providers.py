"""The three traffic providers behind one face, so that one suite holds for all of them."""

from collections.abc import Mapping

from serin_testkit.builders import NAME, Manifest, a_model_deployment
from serin_testkit.scripted_gateways import NAME as GATEWAY
from serin_testkit.world import World

SETTINGS: Mapping[str, Mapping[str, object]] = {
    "Replicas": {},
    "Router": {},
    "GatewayAPI": {"gatewayAPI": {"parentRefs": [{"name": GATEWAY}]}},
}


class Provider:
    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name

    async def prepare(self) -> None:
        """What the cluster must have for it."""
        if self.name == "GatewayAPI" and await self._world.user.get("Gateway", GATEWAY) is None:
            await self._world.gateways.add_class()
            await self._world.gateways.add()

    def manifest(self, version: str) -> Manifest:
        return a_model_deployment(version=version).with_spec(traffic={"provider": self.name, **SETTINGS[self.name]})

    async def serve(self, version: str) -> None:
        await self.prepare()
        await self._world.serve_first(self.manifest(version))
        await self.until_in_use()

    async def until_in_use(self) -> None:
        await self._world.until(f"provider {self.name} alone is in use", lambda: self._in_use() == {self.name})
        await self._world.settle()

    def hold_back(self, *, held: bool) -> None:
        """Its data plane does not follow what it is told."""
        self._world.routers.is_stuck = held and self.name == "Router"
        self._world.gateways.is_stuck = held and self.name == "GatewayAPI"
        self._world.gateways.go_on()

    def shares(self) -> dict[str, float]:
        """Percent by Deployment as its data plane gives them."""
        if self.name == "Router":
            return dict(self._world.routers.weights(NAME))
        if self.name == "GatewayAPI":
            return {name: weight / 100 for name, weight in self._world.gateways.weights(NAME).items()}
        pods = [_deployment_of(pod["metadata"]["labels"]) for pod in self._world.serving_pods()]
        return {name: 100 * pods.count(name) / len(pods) for name in pods}

    def _in_use(self) -> set[str]:
        """Whose objects are there and lead users."""
        history = self._world.history
        service = history.get("Service", NAME) or {"spec": {}}
        found = {
            "Router": "serin.dev/component" in service["spec"].get("selector", {}),
            "GatewayAPI": history.get("HTTPRoute", NAME) is not None,
        }
        has_router = history.get("Deployment", f"{NAME}-router") is not None
        used = {name for name, is_used in found.items() if is_used} | ({"Router"} if has_router else set())
        return used or {"Replicas"}


def _deployment_of(labels: Mapping[str, str]) -> str:
    suffix = "-baseline" if labels["serin.dev/track"] == "baseline" else ""
    return labels["serin.dev/revision"] + suffix
