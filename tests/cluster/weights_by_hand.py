"""Weights of a paused ModelDeployment's routers, written as the operator writes them, and as fast as a test wants.

A paused ModelDeployment is left alone by the operator. Renderer, client and the two writes are the operator's own: the
ConfigMap, then a nudge for each router pod.
"""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cluster.kubectl import Json
from cluster.weather import PLAN, Weather, a_model, a_weather
from serin.adapters.kube_client import KubeClient
from serin.adapters.kube_login import load_configuration
from serin.adapters.traffic.router_config import render_config
from serin.adapters.traffic.router_objects import VERSION_ANNOTATION, make_config_map
from serin.adapters.traffic.router_reader import read_state
from serin.api.v1alpha1.traffic import Sticky, Traffic
from serin.core.facts import Route, Track
from serin.core.plan import Backend, Mirror, TrafficIntent
from serin.runtime.ports import ObjectRef, Unknown

HTTP_PORT = 8080
STABLE_VERSION, CANARY_VERSION = "1", "2"


def hold_trial(weather: Weather) -> None:
    """Version 1 serves through routers, version 2 is on trial, and the ModelDeployment is paused."""
    routed = a_weather(STABLE_VERSION).with_spec(traffic={"provider": "Router"})
    weather.serve(routed)
    plan = {**PLAN, "steps": [{"weight": 5, "for": "1h"}]}
    held = routed.with_spec(model=a_model(CANARY_VERSION), rollout=plan)
    rollout = weather.roll_out(held)
    weather.until_phase(rollout, "Analyzing")
    weather.until_condition(rollout, "TrafficConverged", "True")
    weather.apply(held.with_spec(paused=True))
    weather.until_told("Paused")


@dataclass(frozen=True)
class Weights:
    """Percent of the canary and of the baseline, each; stable gets the rest."""

    canary: float
    baseline: float = 0.0
    mirrored: float = 0.0
    sticky_header: str | None = None


class WeightsByHand:
    """Made by `open`."""

    def __init__(self, weather: Weather, cluster: KubeClient) -> None:
        status = weather.status
        stable, canary = status["stable"]["revision"], status["candidate"]["revision"]
        self._stable, self._canary = Route(stable, Track.PRIMARY), Route(canary, Track.PRIMARY)
        self._baseline = Route(stable, Track.BASELINE)
        self._cluster = cluster
        self._kubectl = weather.namespace.kubectl
        self._service = self._kubectl.read("get", "service", weather.name)
        self.routers: list[Json] = self._kubectl.read("get", "pods", "--selector=serin.dev/component=router")["items"]

    @staticmethod
    @asynccontextmanager
    async def open(weather: Weather) -> "AsyncIterator[WeightsByHand]":
        cluster = KubeClient(await load_configuration(os.environ["KUBECONFIG"]))
        try:
            yield WeightsByHand(weather, cluster)
        finally:
            await cluster.close()

    async def put(self, weights: Weights) -> str:
        """Returns the version that the routers should come to tell."""
        intent = self._make_intent(weights)
        config = render_config(intent)
        await self._cluster.apply(make_config_map(intent, config))
        nudge = {VERSION_ANNOTATION: config.version.split()[0]}
        for pod in self.routers:
            metadata = pod["metadata"]
            await self._cluster.annotate(
                ObjectRef("Pod", metadata["namespace"], metadata["name"]), metadata["uid"], nudge
            )
        return config.version

    def are_followed(self, version: str) -> bool:
        """Whether every router has these routes."""
        return all(self._version_of(pod) == version for pod in self.routers)

    def count_requests(self, track: Mapping[str, str]) -> int:
        """Inference requests that pods with these labels have counted, of whatever outcome."""
        selector = ",".join(f"{name}={value}" for name, value in track.items())
        pods = self._kubectl.read("get", "pods", f"--selector={selector}")["items"]
        return sum(self._count_of(pod["metadata"]["name"]) for pod in pods)

    @property
    def canary_labels(self) -> Mapping[str, str]:
        return {"serin.dev/revision": self._canary.revision}

    def _make_intent(self, weights: Weights) -> TrafficIntent:
        shares = {
            self._stable: 100.0 - weights.canary - weights.baseline,
            self._baseline: weights.baseline,
            self._canary: weights.canary,
        }
        return TrafficIntent(
            service=self._service,
            weights=shares,
            settings=Traffic(provider="Router", sticky=Sticky(header=weights.sticky_header)),
            backends=tuple(Backend(route, HTTP_PORT) for route in sorted(shares)),
            stable=self._stable,
            mirror=Mirror(self._canary, weights.mirrored) if weights.mirrored else None,
            salt=self._canary.revision,
        )

    def _version_of(self, pod: Json) -> str | None:
        state = read_state(json.loads(self._get(pod["metadata"]["name"], 9902, "/state")))
        return None if isinstance(state, Unknown) else state.version

    def _count_of(self, pod: str) -> int:
        lines = self._get(pod, HTTP_PORT, "/metrics").splitlines()
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith("serin_requests_total{"))

    def _get(self, pod: str, port: int, path: str) -> str:
        return self._kubectl.run(
            "get", f"--raw=/api/v1/namespaces/{self._kubectl.namespace}/pods/{pod}:{port}/proxy{path}"
        )
