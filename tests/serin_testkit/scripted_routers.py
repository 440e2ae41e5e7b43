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
from serin.adapters.traffic.shared_router import read_ports
from serin.core.model_deployment.names import SHARED_ROUTER
from serin.runtime.ports import Unknown

from serin_testkit.cluster_user import Json
from serin_testkit.history import History


class ScriptedRouters:
    """The port `RouterReader`; asked from the operator's thread, moved by the test's."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._running: dict[tuple[str, str], str] = {}  # by uid and model the version that a stuck router has
        self.is_silent = False
        self.is_stuck = False
        self.asked = 0

    def weights(self, model_deployment: str) -> Mapping[str, float]:
        """Percent by Deployment, as the ConfigMap has them."""
        return read_weights(self._wanted(model_deployment))

    def mirror(self, model_deployment: str) -> str | None:
        """The Service that gets copies of requests, as the ConfigMap has it."""
        config_map = self._history.get("ConfigMap", self._place(model_deployment))
        found = re.search(
            r'"request_mirror_policies":\[\{"cluster":"([^"]+)"', json.dumps(config_map).replace("\\", "")
        )
        return found[1] if found else None

    def ports(self) -> Mapping[str, int]:
        """By model, of the routers that the namespace shares."""
        config_map = self._history.get("ConfigMap", SHARED_ROUTER)
        return dict(read_ports(config_map))

    async def read(self, address: str, model: str | None) -> RouterState | Unknown:
        self.asked += 1
        pod = next((pod for pod in self._pods() if pod["status"].get("podIP") == address), None)
        if pod is None or self.is_silent:
            return Unknown("nobody answers")
        owner = pod["metadata"]["labels"]["serin.dev/model-deployment"]
        files = self._history.get("ConfigMap", f"{owner}-router" if owner else SHARED_ROUTER)
        assert files is not None, f"{pod['metadata']['name']} has no files"
        routes = files["data"].get(f"routes-{model}.json" if model else "routes.json")
        if routes is None:
            return Unknown("it has no routes yet")
        wanted = json.loads(routes)["version_info"]
        meant = files["metadata"]["annotations"][VERSION_ANNOTATION].split()[0]
        nudged = (pod["metadata"].get("annotations") or {}).get(VERSION_ANNOTATION)
        place = (pod["metadata"]["uid"], model or owner)
        if place not in self._running or (nudged == meant and not self.is_stuck):
            self._running[place] = wanted
        return RouterState(self._running[place], dict.fromkeys(read_weights(self._running[place]), 1))

    def _place(self, model_deployment: str) -> str:
        """The ConfigMap that has its weights: where users are, or else where they will be."""
        own, part = f"{model_deployment}-router", f"{model_deployment}-listener"
        service = self._history.get("Service", model_deployment) or {"spec": {}}
        is_own = service["spec"].get("selector", {}).get("serin.dev/model-deployment")
        return part if not is_own or self._history.get("ConfigMap", own) is None else own

    def _pods(self) -> list[Json]:
        return list(self._history.all("Pod"))

    def _wanted(self, model_deployment: str) -> str:
        config_map = self._history.get("ConfigMap", self._place(model_deployment))
        assert config_map is not None, f"there is no router of {model_deployment}"
        return str(config_map["metadata"]["annotations"][VERSION_ANNOTATION])
