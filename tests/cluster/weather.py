"""The weather example as one ModelDeployment, and the words in which its rollouts are told.

Versions 1 and 2 are equally good and 3 is broken, so a test takes whichever good one does not serve yet: the tests
share a deployment and may run in any order.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from cluster.kubectl import Json, KubectlError
from cluster.namespace import Namespace
from cluster.recording import PATIENCE_SECONDS
from serin.core.rollout.phases import is_terminal
from serin_testkit.builders import NAME, Manifest
from serin_testkit.history import Seen
from serin_testkit.world import select_ready_pods

EXAMPLE = Path(__file__).parents[2] / "manifests" / "examples" / "weather"

BROKEN = "3"

PLAN: Json = {
    "size": 1,
    "progressDeadline": "4m",
    "bake": "0s",
    "preflight": {"contract": "Warn"},  # version 3 breaks its contract, and traffic shall tell
    "analysis": {
        "interval": "2s",
        "warmup": "4s",
        "minDuration": "10s",
        "maxDuration": "5m",
        "metrics": [{"margin": {"absolute": 0.05}}],
    },
}
"""Decides within some 20 s at 100 requests/s. Ready pods may be late on a busy machine: that is no test's concern."""


def a_weather(version: str, name: str = NAME) -> Manifest:
    """The example's own manifest with a plan for the impatient."""
    manifest = Manifest(yaml.safe_load((EXAMPLE / "modeldeployment.yaml").read_text()))
    manifest["metadata"]["name"] = name
    return manifest.with_spec(model=a_model(version), rollout=PLAN)


def a_model(version: str, **changes: Any) -> Json:
    return {"name": "weather", "version": version, "uri": f"configmap://weather-v{version}/model.onnx", **changes}


class Weather:
    """A ModelDeployment in a namespace. Waiting is bounded, and what was seen is told where it was in vain."""

    def __init__(self, namespace: Namespace, name: str = NAME) -> None:
        self.namespace = namespace
        self.name = name
        self._kubectl = namespace.kubectl
        self._recording = namespace.recording
        self._generation = 0

    # What people do.

    def add_models(self) -> None:
        self._kubectl.apply_files(EXAMPLE / "models")

    def apply(self, manifest: Mapping[str, Any]) -> Json:
        applied = self._kubectl.apply(manifest)
        self._generation = applied["metadata"]["generation"]
        return applied

    def serve(self, manifest: Mapping[str, Any]) -> None:
        """Applies it and waits until it serves all traffic."""
        self.apply(manifest)
        self.until_told("Healthy")

    def roll_out(self, manifest: Mapping[str, Any]) -> str:
        """Applies a new revision; the name of the Rollout that this starts."""
        known = self.rollouts()
        self.apply(manifest)
        return self._recording.until("a new Rollout begins", lambda: next(iter(self.rollouts() - known), None))

    def settle(self) -> None:
        """Before a test: stable serves alone, and whatever an earlier test has left unfinished is over."""
        if self.now().get("spec", {}).get("model", {}).get("version") != self.stable_version:
            self.apply(a_weather(self.stable_version, self.name))
        self.until_told("Healthy")
        self.until_stable_is_alone()

    def wait_for_ready(self, timeout: str) -> str:
        """`kubectl wait` as a pipeline calls it, on the spec that was applied last."""
        target = f"modeldeployments.serin.dev/{self.name}"
        return self._kubectl.run(
            "wait", "--for=condition=Ready", target, f"--timeout={timeout}", within_seconds=2 * PATIENCE_SECONDS
        )

    # What people see.

    def now(self) -> Json:
        found = self._recording.get("ModelDeployment", self.name)
        return found if found is not None else {}

    @property
    def status(self) -> Json:
        return dict(self.now().get("status") or {})

    @property
    def stable_version(self) -> str:
        return str(self.status["stable"]["version"])

    @property
    def good_version(self) -> str:
        """The other good one."""
        return {"1": "2", "2": "1"}[self.stable_version]

    def rollouts(self) -> set[str]:
        found = self._recording.all("Rollout")
        return {rollout["metadata"]["name"] for rollout in found if rollout["spec"]["modelDeployment"] == self.name}

    def rollout(self, name: str) -> Json:
        """Its status."""
        return dict((self._recording.get("Rollout", name) or {}).get("status") or {})

    def condition(self, status: Json, kind: str) -> tuple[str, str] | None:
        """Status and reason of a condition, None when it is not there."""
        conditions = status.get("conditions") or ()
        return next(((c["status"], c["reason"]) for c in conditions if c["type"] == kind), None)

    def pods(self) -> list[Json]:
        """All, those on their way out among them."""
        return [
            pod
            for pod in self._recording.all("Pod")
            if pod["metadata"].get("labels", {}).get("serin.dev/model-deployment") == self.name
        ]

    def serving(self) -> dict[str, int]:
        """Ready pods behind the user Service: UID and restarts of each."""
        service = self._recording.get("Service", self.name)
        pods = select_ready_pods(service, self.pods()) if service else []
        return {pod["metadata"]["uid"]: count_restarts(pod) for pod in pods}

    def events_of(self, *kinds: str, since: int = 0) -> list[Seen]:
        return [seen for seen in self._recording.seen(since) if seen.place[0] in kinds]

    def restarted_pods(self, since: int) -> set[str]:
        """Pods of which a container was started again, at any moment since that version of the store."""
        events = self.events_of("Pod", since=since)
        return {seen.place[1] for seen in events if count_restarts(seen.object)}

    # Waiting.

    def until_told(self, phase: str) -> None:
        """Until the ModelDeployment is in this phase, for the spec that was applied last."""

        def look() -> bool:
            status = self.status
            return status.get("observedGeneration", -1) >= self._generation and status.get("phase") == phase

        self._recording.until(f"ModelDeployment {self.name} is {phase}", look)

    def until_phase(self, rollout: str, *phases: str) -> Json:
        """Until the Rollout is in one of these phases; another end than one of them is a failure at once."""

        def look() -> Json | None:
            status = self.rollout(rollout)
            phase = status.get("phase", "Pending")
            if phase in phases:
                return status
            assert not is_terminal(phase), f"{rollout} ended as {phase}, expected {phases}: {status.get('message')}"
            return None

        return self._recording.until(f"Rollout {rollout} is {' or '.join(phases)}", look)

    def until_past(self, rollout: str, phase: str) -> None:
        """Until the Rollout has reached this phase, or ended without."""

        def look() -> bool:
            status = self.rollout(rollout)
            reached = {stage["phase"] for stage in status.get("stages") or ()}
            return phase in reached or is_terminal(status.get("phase", "Pending"))

        self._recording.until(f"Rollout {rollout} reaches {phase}", look)

    def until_judged(self, rollout: str) -> Json:
        """Until the comparison has counted requests of both, and has not decided yet."""

        def look() -> Json | None:
            status = self.until_phase(rollout, "Analyzing")
            judged = any(metric["canary"].get("requests") for metric in status.get("metrics") or ())
            return status if judged else None

        return self._recording.until(f"requests of {rollout} are compared", look)

    def until_condition(self, rollout: str, kind: str, status: str) -> Json:
        def look() -> Json | None:
            now = self.rollout(rollout)
            found = self.condition(now, kind)
            return now if found and found[0] == status else None

        return self._recording.until(f"Rollout {rollout} has {kind}={status}", look)

    def until_stable_is_alone(self) -> None:
        """Until no other pods are left than those of the stable revision."""

        def look() -> bool:
            revision = self.status["stable"]["revision"]
            wanted = {"serin.dev/revision": revision, "serin.dev/track": "primary"}
            return all(wanted.items() <= pod["metadata"]["labels"].items() for pod in self.pods())

        self._recording.until("only pods of the stable revision are left", look)

    def until_no_version_is_left_but_stable(self) -> None:
        """Pods of routers may be there."""

        def look() -> bool:
            every = [pod["metadata"]["labels"].get("serin.dev/revision") for pod in self.pods()]
            return {revision for revision in every if revision} == {self.status["stable"]["revision"]}

        self._recording.until("only pods of the stable revision are left", look)

    def until_serving(self, count: int) -> None:
        """Until so many ready pods are behind the user Service."""
        self._recording.until(f"{count} pods serve", lambda: len(self.serving()) >= count)


def count_restarts(pod: Json) -> int:
    return sum(container["restartCount"] for container in (pod.get("status") or {}).get("containerStatuses") or ())


def wait_is_in_vain(weather: Weather, timeout: str) -> bool:
    try:
        weather.wait_for_ready(timeout)
    except KubectlError as error:
        return "timed out" in str(error)
    return False
