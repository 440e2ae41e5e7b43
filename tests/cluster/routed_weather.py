"""The weather example behind routers of its own, over HTTP and gRPC."""

from cluster.kubectl import Kubectl
from cluster.weather import Weather, a_weather
from serin_testkit.builders import Manifest


def a_routed(version: str, **router: object) -> Manifest:
    manifest = a_weather(version).with_spec(traffic={"provider": "Router", "router": router})
    manifest["spec"]["server"]["ports"] = {"grpc": 9000}
    return manifest.with_spec(service={"type": "NodePort"})


def router_pods(kubectl: Kubectl) -> list[str]:
    """Names of those that are not on their way out."""
    pods = kubectl.read("get", "pods", "--selector=serin.dev/component=router")["items"]
    return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def leads_to_routers(weather: Weather) -> bool:
    service = weather.namespace.kubectl.read("get", "service", weather.name)
    return "serin.dev/component" in service["spec"]["selector"]
