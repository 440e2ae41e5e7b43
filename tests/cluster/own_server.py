"""A ModelDeployment of a server that is not Serin's, with the errors and the slowness that a test wants."""

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from cluster.kubectl import Json, Kubectl
from cluster.weather import PLAN, Weather, a_weather
from serin_testkit.builders import Manifest

SCRIPT = Path(__file__).parent / "own_counters.py"
NAME = "own-server"

ANSWERS: Json = {
    "name": "answers",
    "total": 'asks_total{kind="user"}',
    "failed": "broken_asks_total",
    "margin": {"absolute": 0.1},
}


def add_script(kubectl: Kubectl) -> None:
    script = {"server.py": SCRIPT.read_text()}
    kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": script})


def begin_incident(served: Weather, pods: Sequence[Json], share: float, seconds: int) -> None:
    """These pods fail this share of their requests for so long."""
    query = urlencode({"share": share, "seconds": seconds})
    kubectl = served.namespace.kubectl
    for pod in pods:
        name = pod["metadata"]["name"]
        kubectl.run("get", f"--raw=/api/v1/namespaces/{kubectl.namespace}/pods/{name}:9090/proxy/incident?{query}")


def own_server(
    version: str,
    failed_share: float = 0.0,
    slowness: float = 0.0,
    metrics: Sequence[Json] = (ANSWERS,),
    replicas: int = 1,
    rain_share: float = 0.3,
) -> Manifest:
    """`slowness` 1 takes some 20 ms per answer, 1.5 half as much again, 0 none."""
    options = {"failed_share": failed_share, "slowness": slowness, "rain_share": rain_share}
    return a_weather(version, NAME).with_spec(
        replicas=replicas,
        model={"version": version, "uri": "file:///nowhere"},
        service={"port": 81},
        server={
            "image": "serin/operator:dev",
            "command": ["python3", "/own/server.py"],
            "args": [json.dumps(options)],
            "ports": {"http": 9090},
            "health": {"ready": "/up", "live": "/alive"},
            "metrics": {"path": "/own/counters"},
            "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}},
        },
        pod={
            "volumes": [{"name": "own", "configMap": {"name": NAME}}],
            "volumeMounts": [{"name": "own", "mountPath": "/own", "readOnly": True}],
        },
        rollout={**PLAN, "analysis": {**PLAN["analysis"], "metrics": list(metrics)}},
    )
