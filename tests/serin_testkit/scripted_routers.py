"""The Envoys of the provider Router, on paper: each follows its ConfigMap as soon as its pod has been nudged.

What a router does when it does not follow is up to the test: `stuck` ones stay with what they have, `silent` ones do
not answer.
"""

import json
import re
from collections.abc import Mapping

from serin.adapters.traffic.router import RouterState
from serin.adapters.traffic.router_config import read_weights
from serin.adapters.traffic.router_objects import VERSION_ANNOTATION
from serin.runtime.ports import Unknown

from serin_testkit.cluster_user import Json
from serin_testkit.history import History


class ScriptedRouters:
    """The port `RouterReader`; asked from the operator's thread, moved by the test's."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._running: dict[str, str] = {}  # by uid the version that a stuck router has
        self.is_silent = False
        self.is_stuck = False
        self.asked = 0

    def weights(self, model_deployment: str) -> Mapping[str, float]:
        """Percent by Deployment, as the ConfigMap has them."""
        return read_weights(self._wanted(model_deployment))

    def mirror(self, model_deployment: str) -> str | None:
        """The Service that gets copies of requests, as the ConfigMap has it."""
        config_map = self._history.get("ConfigMap", f"{model_deployment}-router")
        found = re.search(
            r'"request_mirror_policies":\[\{"cluster":"([^"]+)"', json.dumps(config_map).replace("\\", "")
        )
        return found[1] if found else None

    async def read(self, address: str) -> RouterState | Unknown:
        self.asked += 1
        pod = next((pod for pod in self._pods() if pod["status"].get("podIP") == address), None)
        if pod is None or self.is_silent:
            return Unknown("nobody answers")
        wanted = self._wanted(pod["metadata"]["labels"]["serin.dev/model-deployment"])
        nudged = (pod["metadata"].get("annotations") or {}).get(VERSION_ANNOTATION)
        uid = pod["metadata"]["uid"]
        has_followed = uid not in self._running or (nudged == wanted.split()[0] and not self.is_stuck)
        if has_followed:
            self._running[uid] = wanted
        return RouterState(self._running[uid], dict.fromkeys(read_weights(self._running[uid]), 1))

    def _pods(self) -> list[Json]:
        return list(self._history.all("Pod"))

    def _wanted(self, model_deployment: str) -> str:
        config_map = self._history.get("ConfigMap", f"{model_deployment}-router")
        assert config_map is not None, f"there is no router of {model_deployment}"
        return str(config_map["metadata"]["annotations"][VERSION_ANNOTATION])
