"""The weather example behind routers of its own, over HTTP and gRPC."""

from cluster.weather import Weather, a_weather
from serin_testkit.builders import Manifest


def a_routed(version: str, **router: object) -> Manifest:
    manifest = a_weather(version).with_spec(traffic={"provider": "Router", "router": router})
    manifest["spec"]["server"]["ports"] = {"grpc": 9000}
    return manifest.with_spec(service={"type": "NodePort"})


def leads_to_routers(weather: Weather) -> bool:
    service = weather.namespace.kubectl.read("get", "service", weather.name)
    return "serin.dev/component" in service["spec"]["selector"]
