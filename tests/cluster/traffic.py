"""Users: the demo's load generator in a namespace, and what it counted."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cluster.kubectl import Json, Kubectl, KubectlError
from cluster.waiting import wait_until

DEMO = Path(__file__).parents[2] / "hack" / "demo"
GENERATOR = "serin-load"


@dataclass(frozen=True)
class Requests:
    """Counts since the generator began, or between two moments; `run` tells one start of it from the next."""

    run: str
    seconds: float
    requests: int
    failed: int
    codes: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    timeouts: int = 0

    def since(self, earlier: "Requests") -> "Requests":
        assert self.run == earlier.run, "the load generator was restarted: what users got is unknown"
        return Requests(
            run=self.run,
            seconds=self.seconds - earlier.seconds,
            requests=self.requests - earlier.requests,
            failed=self.failed - earlier.failed,
            codes=Counter(self.codes) - Counter(earlier.codes),
            errors=Counter(self.errors) - Counter(earlier.errors),
            versions=Counter(self.versions) - Counter(earlier.versions),
            timeouts=self.timeouts - earlier.timeouts,
        )


class Traffic:
    """One generator per namespace and name."""

    def __init__(self, kubectl: Kubectl, name: str = GENERATOR) -> None:
        self._kubectl = kubectl
        self._name = name

    def start(self, *arguments: str) -> None:
        """Starts the generator with these arguments and waits for the first answers."""
        script = {"load.py": (DEMO / "load.py").read_text()}
        name = {"name": GENERATOR}
        label = {"app.kubernetes.io/name": self._name}
        self._kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": name, "data": script})
        load: Json = yaml.safe_load((DEMO / "load.yaml").read_text())
        load["metadata"] = {"name": self._name, "labels": label}
        load["spec"]["selector"]["matchLabels"] = load["spec"]["template"]["metadata"]["labels"] = label
        load["spec"]["template"]["spec"]["containers"][0]["args"] = list(arguments)
        self._kubectl.apply(load)
        wait_until("the load generator counts requests", self._read)

    def count(self) -> Requests:
        counted = self._read()
        assert counted is not None, "the load generator has not counted anything"
        return counted

    def count_after(self, seconds: float) -> Requests:
        """The counts so much later, by the generator's own clock: what was on its way has arrived."""
        until = self.count().seconds + seconds

        def look() -> Requests | None:
            counted = self._read()
            return counted if counted is not None and counted.seconds >= until else None

        return wait_until(f"the load generator counts for {seconds:.0f} s longer", look)

    def stop(self) -> None:
        self._kubectl.run("delete", "deployment", self._name, "--wait=false")

    def _read(self) -> Requests | None:
        """None while it waits for its first success. The newest line may be cut, so the one before is read, too."""
        try:
            lines = self._kubectl.run("logs", f"deployment/{self._name}", "--tail=2").splitlines()
        except KubectlError:
            return None  # there is no log before the container has started
        for line in reversed(lines):
            try:
                counts = json.loads(line)
            except ValueError:
                continue
            if "requests" in counts:
                return Requests(**{name: counts[name] for name in Requests.__dataclass_fields__})
        return None
