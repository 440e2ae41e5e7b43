"""Objects as the API server prints them, and a cluster that answers kubectl like one with a good operator."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REVISIONS = {"1": "weather-aaaa", "2": "weather-bbbb", "3": "weather-cccc"}
PREPARING_SECONDS, TRIAL_SECONDS = 5, 45
Json = dict[str, Any]


def a_model_deployment(version: str, stable: str, ready: bool = True, **status: Any) -> Json:
    return {
        "kind": "ModelDeployment",
        "metadata": {"name": "weather", "generation": 4},
        "spec": {"replicas": 2, "model": {"version": version}},
        "status": {
            "observedGeneration": 4,
            "phase": "Healthy",
            "stable": {"version": stable, "revision": REVISIONS[stable]},
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            **status,
        },
    }


def a_rollout(number: int, phase: str, stable: str = "1", canary: str = "2", **status: Any) -> Json:
    return {
        "kind": "Rollout",
        "metadata": {"name": f"weather-{number}"},
        "spec": {"modelDeployment": "weather"},
        "status": {
            "phase": phase,
            "message": f"{phase}: a sentence.",
            "stable": {"version": stable, "revision": REVISIONS[stable], "replicas": 2, "readyReplicas": 2},
            "baseline": {"version": stable, "revision": REVISIONS[stable], "replicas": 1, "readyReplicas": 1},
            "canary": {"version": canary, "revision": REVISIONS[canary], "replicas": 1, "readyReplicas": 1},
            "weights": {"effective": {"stable": 50, "baseline": 25, "canary": 25}},
            "verdict": {"state": "Analyzing", "good": "60%", "bad": "0%", "eta": "1m10s"},
            "metrics": [{"baseline": {"requests": 1204, "failures": 2}, "canary": {"requests": 1198, "failures": 3}}],
            **status,
        },
    }


def a_pod(uid: str, version: str, track: str = "primary", restarts: int = 0, leaving: bool = False) -> Json:
    labels = {
        "serin.dev/model-deployment": "weather",
        "serin.dev/revision": REVISIONS[version],
        "serin.dev/track": track,
    }
    return {
        "kind": "Pod",
        "metadata": {"uid": uid, "labels": labels} | ({"deletionTimestamp": "2030-01-01T00:00:00Z"} if leaving else {}),
        "status": {
            "containerStatuses": [{"restartCount": restarts}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def two_pods(version: str) -> list[Json]:
    """The first of them is the one that was on trial."""
    return [a_pod(f"pod-{version}-{number}", version) for number in (1, 2)]


@dataclass
class FakeClock:
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds


@dataclass
class FakeCluster:
    """A trial of a version takes 45 s and ends as `outcomes` says; users send 100 requests per second."""

    clock: FakeClock = field(default_factory=FakeClock)
    outcomes: Json = field(default_factory=lambda: {"2": "Promoted", "3": "Rejected"})
    failing_versions: frozenset[str] = frozenset({"3"})
    leftovers: list[Json] = field(default_factory=list)
    restarts_load: bool = False
    namespace: str = "demo"
    calls: list[str] = field(default_factory=list)
    applied: list[Json] = field(default_factory=list)
    _stable: str = ""
    _candidate: str = ""
    _patched_at: float = 0.0
    _load_since: float | None = None
    _failed: int = 0
    _finished: list[Json] = field(default_factory=list)

    def apply_files(self, *paths: Path) -> None:
        assert all(path.exists() for path in paths)
        self._stable = "1"
        self._finished = [a_rollout(1, "Promoted", canary="1")]

    def apply_object(self, content: Json) -> None:
        self.applied.append(content)
        if content["kind"] == "Deployment":
            self._load_since = self.clock.now

    def run(self, *arguments: str) -> str:
        self.calls.append(" ".join(arguments))
        verb = arguments[0]
        if verb == "patch":
            self._candidate = json.loads(arguments[-1])["spec"]["model"]["version"]
            self._patched_at = self.clock.now
        if verb == "create":
            return json.dumps(yaml.safe_load(Path(arguments[-1]).read_text(encoding="utf-8")))
        return self._log() if verb == "logs" else ""

    def _log(self) -> str:
        if self._load_since is None:
            return ""
        seconds = self.clock.now - self._load_since
        run = str(len(self._finished)) if self.restarts_load else "one"
        counts = {"run": run, "requests": round(100 * seconds), "failed": self._failed, "p99_ms": 4.0}
        return f'{json.dumps(counts)}\n{{"run": "o'

    def read(self, *_: str) -> Json:
        if self.leftovers:
            return {"items": [self.leftovers.pop()]}
        if not self._stable:
            return {"items": []}
        trial_seconds = self.clock.now - self._patched_at
        if self._candidate and trial_seconds >= TRIAL_SECONDS and self._candidate in self.outcomes:
            self._finish()
        trial = self._trial(trial_seconds) if self._candidate else [a_model_deployment(self._stable, self._stable)]
        return {"items": [*self._finished, *two_pods(self._stable), *trial]}

    def _trial(self, seconds: float) -> list[Json]:
        candidate, stable = self._candidate, self._stable
        phase = "Preparing" if seconds < PREPARING_SECONDS else "Analyzing"
        self._failed += candidate in self.failing_versions and phase == "Analyzing"
        return [
            a_model_deployment(candidate, stable, ready=False),
            a_rollout(int(candidate), phase, stable, candidate),
            a_pod(f"pod-{candidate}-1", candidate),
            a_pod("pod-baseline", stable, track="baseline"),
        ]

    def _finish(self) -> None:
        outcome, candidate = self.outcomes[self._candidate], self._candidate
        self._finished.append(a_rollout(int(candidate), outcome, self._stable, candidate))
        self._stable = candidate if outcome == "Promoted" else self._stable
        self._candidate = ""
