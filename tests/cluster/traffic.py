"""Users: the demo's load generator in a namespace, and what it counted."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cluster.kubectl import Json, Kubectl, KubectlError
from cluster.recording import PATIENCE_SECONDS

DEMO = Path(__file__).parents[2] / "hack" / "demo"
GENERATOR = "serin-load"
POLL_SECONDS = 0.5


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
    """One generator per namespace."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl

    def start(self, *arguments: str) -> None:
        """Starts the generator with these arguments and waits for the first answers."""
        script = {"load.py": (DEMO / "load.py").read_text()}
        name = {"name": GENERATOR}
        self._kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": name, "data": script})
        load: Json = yaml.safe_load((DEMO / "load.yaml").read_text())
        load["spec"]["template"]["spec"]["containers"][0]["args"] = list(arguments)
        self._kubectl.apply(load)
        self._until("the load generator counts requests", lambda counted: counted is not None)

    def count(self) -> Requests:
        counted = self._read()
        assert counted is not None, "the load generator has not counted anything"
        return counted

    def count_after(self, seconds: float) -> Requests:
        """The counts so much later, by the generator's own clock: what was on its way has arrived."""
        earlier = self.count().seconds
        return self._until(
            f"the load generator runs {seconds:.0f} s longer",
            lambda counted: counted is not None and counted.seconds >= earlier + seconds,
        )

    def _until(self, what: str, is_there: Callable[[Requests | None], bool]) -> Requests:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            counted = self._read()
            if counted is not None and is_there(counted):
                return counted
            assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s: {what}; last: {counted}"
            time.sleep(POLL_SECONDS)

    def _read(self) -> Requests | None:
        """None while it waits for its first success. The newest line may be cut, so the one before is read, too."""
        try:
            lines = self._kubectl.run("logs", f"deployment/{GENERATOR}", "--tail=2").splitlines()
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
