"""Manifests of the two kinds, naming only what matters to a test.

a_model_deployment(version="2").with_replicas(3).with_plan(onInconclusive="Reject")
"""

import copy
from typing import Any

from serin_testkit.cluster_user import Json

NAME = "weather"

QUICK_PLAN: Json = {
    "progressDeadline": "2m",
    "bake": "0s",
    "preflight": {"contract": "Off"},
    "analysis": {"interval": "10s", "warmup": "0s", "minDuration": "0s", "maxDuration": "10m"},
}
"""No preflight, warm-up, least duration and bake: with the test kit's traffic two or three intervals are all."""


class Manifest(dict[str, Any]):
    """A manifest that makes changed copies of itself."""

    def with_spec(self, **fields: Any) -> "Manifest":
        """Fields of the spec; None takes one away."""
        changed = copy.deepcopy(self)
        for name, value in fields.items():
            if value is None:
                changed["spec"].pop(name, None)
            else:
                changed["spec"][name] = value
        return changed

    def with_replicas(self, replicas: int) -> "Manifest":
        return self.with_spec(replicas=replicas)

    def with_plan(self, **fields: Any) -> "Manifest":
        """Fields of the plan; those of `analysis` are added to what is there."""
        place = "rollout" if self["kind"] == "ModelDeployment" else "plan"
        plan = copy.deepcopy(self["spec"].get(place, {}))
        analysis = {**plan.get("analysis", {}), **fields.pop("analysis", {})}
        return self.with_spec(**{place: {**plan, **fields, **({"analysis": analysis} if analysis else {})}})

    def with_strategy(self, strategy: str, **fields: Any) -> "Manifest":
        """The quick plan of another strategy, without what only a comparison before the promotion has."""
        plan = {"strategy": strategy, "progressDeadline": "2m", "preflight": {"contract": "Off"}}
        bake = {"bake": "10m", "analysis": {"warmup": "0s"}} if strategy == "BlueGreen" else {}
        return self.with_spec(rollout={**plan, **bake, **fields})

    def with_server(self, **fields: Any) -> "Manifest":
        return self.with_spec(server={**self["spec"].get("server", {}), **fields})

    def with_annotation(self, name: str, value: str) -> "Manifest":
        changed = copy.deepcopy(self)
        changed["metadata"].setdefault("annotations", {})[name] = value
        return changed


def a_model_deployment(version: str = "1", name: str = NAME) -> Manifest:
    """With the provider that has no pods of its own: routers are what some tests are about."""
    model = {"uri": f"https://models.test/weather-{version}.onnx", "version": version}
    return Manifest(
        apiVersion="serin.dev/v1alpha1",
        kind="ModelDeployment",
        metadata={"name": name},
        spec={"model": model, "replicas": 2, "rollout": copy.deepcopy(QUICK_PLAN), "traffic": {"provider": "Replicas"}},
    )


def a_rollout(name: str, model_deployment: str = NAME) -> Manifest:
    """Made by hand, as a person or a pipeline does to try again."""
    return Manifest(
        apiVersion="serin.dev/v1alpha1",
        kind="Rollout",
        metadata={"name": name},
        spec={"modelDeployment": model_deployment},
    )
