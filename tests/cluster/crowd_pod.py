"""The pod from which `crowd.py` asks, and what it tells."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from cluster.kubectl import Json, Kubectl
from cluster.traffic import DEMO

NAME = "crowd"
SCRIPT = Path(__file__).parent / "crowd.py"
CALL_SECONDS = 400.0
WAIT = ["python3", "-c", "import signal; signal.pause()"]


class Crowd:
    """Started once per namespace; then it asks as often as it is told."""

    def __init__(self, kubectl: Kubectl, url: str) -> None:
        self._kubectl = kubectl
        self._url = url

    def start(self) -> None:
        scripts = {"load.py": (DEMO / "load.py").read_text(), "crowd.py": SCRIPT.read_text()}
        self._kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": scripts})
        self._kubectl.apply(_make_deployment())
        self._kubectl.run("rollout", "status", f"deployment/{NAME}", "--timeout=100s")

    def count(self, requests: int, *, is_named: bool = False, asks_anew: bool = False) -> Json:
        options = {"--named": is_named, "--anew": asks_anew}
        return self._ask("count", str(requests), *(option for option, is_set in options.items() if is_set))

    def watch(self, seconds: float) -> Json:
        return self._ask("watch", str(seconds))

    def _ask(self, order: str, *arguments: str) -> Json:
        script = ("python3", "/load/crowd.py", order, self._url, *arguments)
        told = self._kubectl.run("exec", f"deployment/{NAME}", "--", *script, within_seconds=CALL_SECONDS)
        answer: Json = json.loads(told)
        return answer


def _make_deployment() -> Mapping[str, Any]:
    """The load generator's, which waits for orders."""
    deployment: Json = yaml.safe_load((DEMO / "load.yaml").read_text().replace("serin-load", NAME))
    deployment["spec"]["template"]["spec"]["containers"][0] |= {"command": WAIT, "args": []}
    return deployment
