"""A cluster on paper: raw objects, and plans carried out on them at once. No API server, no time, no surprise.

A test tells a story and looks at any moment of it:

    cluster = PaperCluster(replicas=2).serving("1").wanting("2").until("Analyzing")
    cluster.compare(canary_failures=50)
    assert cluster.attempt.phase == "Rejected"

Objects are read by the operator's own observation, so that every status goes through JSON as in a real cluster.
Deployments change their pods only in `run_pods`; a plan can be cut off after some actions, like by a kill.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from serin.adapters.traffic.replicas import ReplicasProvider
from serin.api.v1alpha1.model_deployment import ModelDeploymentStatus
from serin.api.v1alpha1.rollout import RolloutStatus
from serin.api.v1alpha1.traffic import Traffic
from serin.core.contract.golden_requests import Answer, GoldenRequest
from serin.core.facts import (
    Facts,
    Key,
    MetricHistory,
    MetricReadings,
    MetricsUnavailable,
    NoAnswer,
    PodFacts,
    PreflightFacts,
    Refusal,
    Route,
    TrafficFacts,
)
from serin.core.model_deployment.decide import decide
from serin.core.model_deployment.names import MODEL_DEPLOYMENT_LABEL, REVISION_LABEL
from serin.core.plan import Action, Apply, CreateRollout, Delete, Emit, Plan, SetTraffic, WriteStatus
from serin.core.rollout.phases import is_terminal
from serin.runtime.observation import (
    observe_deployments,
    observe_model_deployment,
    observe_names,
    observe_pods,
    observe_revisions,
    observe_rollouts,
)
from serin.runtime.ports import TrafficProvider, TrafficView
from unit.core.exact_traffic import ExactTraffic, read_weights
from unit.core.paper_pods import PaperPods

Json = dict[str, Any]

NAME, NAMESPACE, UID = "weather", "ml", "uid-of-weather"
SERVER_IMAGE = "serin-server:test"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
INTERVAL_SECONDS = 10
QUICK_ANALYSIS = {"warmup": "0s", "minDuration": "0s", "maxDuration": "5m"}
KEPT = PreflightFacts("a-pod", (), (), Answer(404), Answer(404))
"""A server that tells nothing of its tensors has no signature to break."""
BROKEN = replace(KEPT, golden=(GoldenRequest("/predict"),), answers=(Answer(500),))
NOT_ASKED = replace(KEPT, stable_metadata=NoAnswer("nobody answered"))
AT_REST = 40
"""So many looks without an end are a circle, not a story."""


class PaperCluster:
    def __init__(self, *, replicas: int = 2, splits_exactly: bool = False, **rollout: Any) -> None:
        plan = {"bake": "0s", "analysis": QUICK_ANALYSIS, **rollout}
        self.now = NOON
        self.traffic: TrafficProvider = ExactTraffic() if splits_exactly else ReplicasProvider()
        self.spec: Json = {"replicas": replicas, "rollout": plan, "model": {}}
        self.generation = 0
        self.status: Json = {}
        self.objects: dict[tuple[str, str], Json] = {}
        self.pods = PaperPods()
        self.events: list[Emit] = []
        self.watchers: list[Callable[[PaperCluster, Action], None]] = []
        self.deleting = False
        self.preflight: PreflightFacts | None = KEPT
        """What the preflight finds, whenever it asks."""
        self._version = 0
        self.wanting("1")

    # What a user does

    def wanting(self, version: str, **spec: Any) -> "PaperCluster":
        return self.applying(model={"uri": f"https://models.test/{version}.onnx", "version": version}, **spec)

    def applying(self, **spec: Any) -> "PaperCluster":
        self.spec = {**self.spec, **spec}
        self.generation += 1
        return self

    def serving(self, version: str = "1") -> "PaperCluster":
        """With that version as the first stable one, and nothing left to do."""
        return self.wanting(version).settled()

    def deciding(self, decision: str) -> "PaperCluster":
        return self._edit_attempt(decision=decision)

    def approving(self, *gates: str) -> "PaperCluster":
        return self._edit_attempt(approvals=list(gates))

    def pausing(self, paused: bool = True) -> "PaperCluster":
        return self._edit_attempt(paused=paused)

    def with_rollout_by_hand(self, name: str, **spec: Any) -> "PaperCluster":
        self._store({"kind": "Rollout", "metadata": {"name": name}, "spec": {"modelDeployment": NAME, **spec}})
        return self

    def _edit_attempt(self, **spec: Any) -> "PaperCluster":
        rollout = self.objects["Rollout", self.attempt_name]
        self._store({**rollout, "spec": {**rollout["spec"], **spec}}, generation=1)
        return self

    # What the operator sees and does

    def facts(
        self, metrics: MetricReadings | MetricsUnavailable | None = None, refusal: Refusal | None = None
    ) -> Facts:
        pods = observe_pods(self.pods.objects(self.now))
        return Facts(
            now=self.now,
            model_deployment=observe_model_deployment(self._model_deployment()),
            default_server_image=SERVER_IMAGE,
            revisions=observe_revisions(self.all("ControllerRevision"), UID),
            deployments=observe_deployments([self.pods.with_status(live) for live in self.all("Deployment")], UID),
            pods=pods,
            rollouts=observe_rollouts(self.all("Rollout"), UID),
            services=frozenset(service["metadata"]["name"] for service in self.all("Service")),
            autoscalers=observe_names(self.all("HorizontalPodAutoscaler"), UID),
            disruption_budgets=observe_names(self.all("PodDisruptionBudget"), UID),
            traffic=self._observe_traffic(pods),
            metrics=metrics,
            preflight=self.preflight if self._is_in_preflight() else None,
            refusal=refusal,
        )

    def _is_in_preflight(self) -> bool:
        attempt = self.attempt_or_none
        return attempt is not None and attempt.phase == "Preflight"

    def _observe_traffic(self, pods: tuple[PodFacts, ...]) -> TrafficFacts:
        view = TrafficView(Key(NAMESPACE, NAME), Traffic(), {"Service": self.all("Service")}, pods)
        observation = self.traffic.observe(view)
        try:
            observation.send(None)
        except StopIteration as observed:
            found: TrafficFacts = observed.value
            return found
        raise AssertionError("on paper nothing is waited for")

    def plan(self, metrics: MetricReadings | MetricsUnavailable | None = None, refusal: Refusal | None = None) -> Plan:
        return decide(self.facts(metrics, refusal))

    def look(
        self,
        metrics: MetricReadings | MetricsUnavailable | None = None,
        refusal: Refusal | None = None,
        killed_after: int | None = None,
        history: MetricHistory | MetricsUnavailable | None = None,
    ) -> Plan:
        """Decide and carry out, whole or only the first actions."""
        plan = decide(replace(self.facts(metrics, refusal), history=history))
        for action in plan.actions[:killed_after]:
            self._carry_out(action)
            for watch in self.watchers:
                watch(self, action)
        return plan

    def settled(self) -> "PaperCluster":
        """Looks and runs pods until both change nothing."""
        return self._go_on(lambda: False)

    def until(self, phase: str) -> "PaperCluster":
        """Looks and runs pods until the newest attempt is in that phase."""
        self._go_on(lambda: self.attempt_or_none is not None and self.attempt.phase == phase)
        assert self.attempt.phase == phase, f"settled in {self.attempt.phase}: {self.attempt.message}"
        return self

    def _go_on(self, is_enough: Callable[[], bool]) -> "PaperCluster":
        for _ in range(AT_REST):
            before = self.written()
            self.look()
            if is_enough():
                return self
            self.pods.run(self.all("Deployment"), self.now)
            if self.written() == before:
                return self
        raise AssertionError("the plans go in a circle")

    def comparing(self) -> "PaperCluster":
        """Version 2 is on trial beside version 1, and the first scrape of each pod is taken."""
        self.serving("1").wanting("2").until("Analyzing").settled()
        self.passing(INTERVAL_SECONDS).look(self.readings())
        return self

    # Time and traffic

    def passing(self, seconds: float) -> "PaperCluster":
        self.now += timedelta(seconds=seconds)
        return self

    def compare(self, *, requests: int = 500, canary_failures: int = 0, baseline_failures: int = 0) -> Plan:
        """One interval: so many requests per pod, then a look at the counters."""
        self.count_requests(requests, canary_failures, baseline_failures)
        return self.passing(INTERVAL_SECONDS).look(self.readings())

    def count_requests(self, requests: int, canary_failures: int = 0, baseline_failures: int = 0) -> None:
        canary = self.attempt.canary.revision if self.attempt.canary else ""
        for pod in self.pods.all:
            failures = canary_failures if pod.route.revision == canary else baseline_failures
            pod.count(requests, failures)

    def readings(self) -> MetricReadings:
        return self.pods.readings(self.now)

    # What is written down

    @property
    def model_deployment(self) -> ModelDeploymentStatus:
        return ModelDeploymentStatus.model_validate(self.status)

    @property
    def attempt_name(self) -> str:
        """The attempt that runs, else the newest."""
        rollouts = sorted(self.all("Rollout"), key=lambda live: live["metadata"]["creationTimestamp"])
        running = [live for live in rollouts if not is_terminal(live.get("status", {}).get("phase"))]
        name: str = (running[:1] or rollouts[-1:])[0]["metadata"]["name"]
        return name

    @property
    def attempt_or_none(self) -> RolloutStatus | None:
        return self.attempt if self.all("Rollout") else None

    @property
    def attempt(self) -> RolloutStatus:
        return self.rollout(self.attempt_name)

    def rollout(self, name: str) -> RolloutStatus:
        return RolloutStatus.model_validate(self.objects["Rollout", name].get("status", {}))

    def route_of(self, version: str, track: str = "primary") -> Route:
        return next(
            found.route
            for found in self.facts().deployments
            if found.route.track == track and self.version_of(found.route.revision) == version
        )

    def version_of(self, revision: str) -> str:
        version: str = self.objects["ControllerRevision", revision]["data"]["content"]["model"]["version"]
        return version

    def weights(self) -> dict[str, float]:
        """Percent of the requests as the last plan asked for, by version and track; of a cluster with exact shares."""
        asked = self.objects["Service", NAME]["metadata"]["annotations"]
        return {f"{self.version_of(of)} {track}": float(weight) for (of, track), weight in read_weights(asked).items()}

    def selected_revision(self) -> str | None:
        """Whose pods get the users' requests; None when all of the ModelDeployment's do."""
        revision: str | None = self.objects["Service", NAME]["spec"]["selector"].get(REVISION_LABEL)
        return revision

    def most_served_revision(self) -> str | None:
        """Whose pods get more than half of the users' requests; None when nobody's do."""
        if isinstance(self.traffic, ReplicasProvider):
            return self.selected_revision()
        asked = read_weights(self.objects["Service", NAME]["metadata"]["annotations"])
        return next((route.revision for route, weight in asked.items() if weight > 50), None)

    def served_revisions(self) -> set[str]:
        """Whose pods the last plan sends requests to."""
        if ("Service", NAME) not in self.objects:
            return set()
        if isinstance(self.traffic, ReplicasProvider):
            selected = self.selected_revision()
            return {selected} if selected else {pod.route.revision for pod in self.pods.all if pod.ready}
        return {route.revision for route in read_weights(self.objects["Service", NAME]["metadata"]["annotations"])}

    def all(self, kind: str) -> list[Json]:
        return [live for (of, _), live in self.objects.items() if of == kind]

    def written(self) -> str:
        """Everything that a write could have changed, to compare."""
        objects = {"/".join(ref): live for ref, live in self.objects.items()}
        return json.dumps([self.status, objects, self.pods.summary()], sort_keys=True)

    # Carrying out

    def _carry_out(self, action: Action) -> None:
        match action:
            case Apply(manifest):
                self._apply(dict(manifest))
            case SetTraffic(intent):
                for rendered in self.traffic.render(intent):
                    assert isinstance(rendered, Apply)
                    self._apply(dict(rendered.manifest))
            case CreateRollout(manifest):
                assert ("Rollout", manifest["metadata"]["name"]) not in self.objects
                self._store(dict(manifest))
            case Delete(kind, name):
                self.objects.pop((kind, name))
                self.pods.forget(name)
            case WriteStatus():
                self._write_status(action)
            case Emit():
                self.events.append(action)

    def _apply(self, manifest: Json) -> None:
        live = self.objects.get((manifest["kind"], manifest["metadata"]["name"]), {})
        merged = {**live, **manifest, "metadata": {**live.get("metadata", {}), **manifest["metadata"]}}
        if merged != live:
            self._store(merged)

    def _write_status(self, action: WriteStatus) -> None:
        status = json.loads(json.dumps(action.status))
        if action.kind == "ModelDeployment":
            assert action.resource_version == self._model_deployment()["metadata"]["resourceVersion"]
            self.status = status
            return
        live = self.objects["Rollout", action.name]
        assert live["metadata"]["resourceVersion"] == action.resource_version, "decided on what is no longer there"
        if live.get("status") != status:
            self._store({**live, "status": status})

    def _store(self, live: Json, generation: int = 0) -> None:
        self._version += 1
        kind, metadata = live["kind"], live["metadata"]
        stored = {
            "uid": f"uid-of-{kind}-{metadata['name']}",
            "creationTimestamp": (self.now + timedelta(milliseconds=self._version)).isoformat(),
            **metadata,
            "labels": {MODEL_DEPLOYMENT_LABEL: NAME, **metadata.get("labels", {})},
            "resourceVersion": str(self._version),
            "generation": metadata.get("generation", 1) + generation,
        }
        self.objects[kind, metadata["name"]] = {**json.loads(json.dumps(live)), "metadata": stored}

    def _model_deployment(self) -> Json:
        metadata = {
            "name": NAME,
            "namespace": NAMESPACE,
            "uid": UID,
            "generation": self.generation,
            "resourceVersion": f"{self.generation}",
            **({"deletionTimestamp": self.now.isoformat()} if self.deleting else {}),
        }
        return {"kind": "ModelDeployment", "metadata": metadata, "spec": self.spec, "status": self.status}
