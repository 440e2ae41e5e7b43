"""The ways in which requests get to a model on the cluster: each traffic provider, and both Gateways."""

from collections.abc import Mapping
from dataclasses import dataclass

from cluster.kubectl import Json, Kubectl
from cluster.weather import Weather, a_weather
from serin_testkit.builders import NAME, Manifest

GATEWAY = "public"
TRAEFIK_PORT = 8000  # of its entry point


@dataclass(frozen=True)
class Way:
    """`gateway_class` None: users call the Service."""

    provider: str
    gateway_class: str | None = None

    @property
    def name(self) -> str:
        return self.gateway_class or self.provider.lower()

    @property
    def is_exact(self) -> bool:
        return self.provider != "Replicas"

    @property
    def can_mirror(self) -> bool:
        return self.name in ("router", "envoy")

    def prepare(self, kubectl: Kubectl) -> None:
        if self.gateway_class is not None:
            port = TRAEFIK_PORT if self.gateway_class == "traefik" else 80
            listeners = [{"name": "http", "protocol": "HTTP", "port": port}]
            spec = {"gatewayClassName": self.gateway_class, "listeners": listeners}
            kubectl.apply(
                {
                    "apiVersion": "gateway.networking.k8s.io/v1",
                    "kind": "Gateway",
                    "metadata": {"name": GATEWAY},
                    "spec": spec,
                }
            )
            kubectl.run("wait", "--for=condition=Programmed", f"gateway/{GATEWAY}", "--timeout=120s")

    def manifest(self, version: str, rollout: Mapping[str, object] | None = None) -> Manifest:
        traffic: Json = {"provider": self.provider}
        if self.gateway_class is not None:
            traffic["gatewayAPI"] = {"parentRefs": [{"name": GATEWAY}]}
        manifest = a_weather(version).with_spec(traffic=traffic)
        return manifest if rollout is None else manifest.with_spec(rollout=dict(rollout))

    def url(self, weather: Weather) -> str:
        return str(weather.status["url"]) if self.gateway_class else f"http://{NAME}"


WAYS = (Way("Replicas"), Way("Router"), Way("GatewayAPI", "envoy"), Way("GatewayAPI", "traefik"))
