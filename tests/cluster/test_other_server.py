"""Any HTTP server can be rolled out: its own paths, its own port, its own counters."""

from pathlib import Path

import pytest
from cluster.namespace import Namespace
from cluster.traffic import Traffic
from cluster.weather import PLAN, Weather, a_weather
from serin_testkit.builders import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SCRIPT = Path(__file__).parent / "own_counters.py"
NAME = "own-server"


def test_a_server_with_counters_of_its_own_is_promoted_and_rejected_by_them(namespace: Namespace) -> None:
    script = {"server.py": SCRIPT.read_text()}
    namespace.kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": script})
    served, traffic = Weather(namespace, NAME), Traffic(namespace.kubectl)
    served.serve(own_server(version="1"))
    traffic.start("--url", f"http://{NAME}:81", "--dialect", "predict", "--rate", "60")
    users = traffic.count()

    promoted = served.roll_out(own_server(version="2"))
    assert served.until_phase(promoted, "Promoted")["message"].startswith("Promoted: with 95 % confidence")
    served.until_told("Healthy")

    rejected = served.roll_out(own_server(version="3", failed_share="0.5"))
    (metric,) = served.until_phase(rejected, "Rejected")["metrics"]
    assert metric["name"] == "answers"
    assert 0 < metric["canary"]["failures"] < metric["canary"]["requests"]
    assert metric["baseline"]["failures"] == 0 < metric["baseline"]["requests"]
    # To its users every answer was a 200: nothing but its own counters can have told.
    assert traffic.count_after(1.0).since(users).failed == 0


def own_server(version: str, failed_share: str = "0") -> Manifest:
    metric = {
        "name": "answers",
        "total": 'asks_total{kind="user"}',
        "failed": "broken_asks_total",
        "margin": {"absolute": 0.1},
    }
    return a_weather(version, NAME).with_spec(
        replicas=1,
        model={"version": version, "uri": "file:///nowhere"},
        service={"port": 81},
        server={
            "image": "serin/operator:dev",
            "command": ["python3", "/own/server.py"],
            "args": [failed_share],
            "ports": {"http": 9090},
            "health": {"ready": "/up", "live": "/alive"},
            "metrics": {"path": "/own/counters"},
            "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}},
        },
        pod={
            "volumes": [{"name": "own", "configMap": {"name": NAME}}],
            "volumeMounts": [{"name": "own", "mountPath": "/own", "readOnly": True}],
        },
        rollout={**PLAN, "analysis": {**PLAN["analysis"], "metrics": [metric]}},
    )
