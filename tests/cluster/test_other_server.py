"""Any HTTP server can be rolled out: its own paths, its own port, its own counters."""

import pytest
from cluster.namespace import Namespace
from cluster.own_server import NAME, add_script, own_server
from cluster.traffic import Traffic
from cluster.weather import Weather

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_a_server_with_counters_of_its_own_is_promoted_and_rejected_by_them(namespace: Namespace) -> None:
    add_script(namespace.kubectl)
    served, traffic = Weather(namespace, NAME), Traffic(namespace.kubectl)
    served.serve(own_server(version="1"))
    traffic.start("--url", f"http://{NAME}:81", "--dialect", "predict", "--rate", "60")
    users = traffic.count()

    promoted = served.roll_out(own_server(version="2"))
    assert served.until_phase(promoted, "Promoted")["message"].startswith("Promoted: with 95 % confidence")
    served.until_told("Healthy")

    rejected = served.roll_out(own_server(version="3", failed_share=0.5))
    (metric,) = served.until_phase(rejected, "Rejected")["metrics"]
    assert metric["name"] == "answers"
    assert 0 < metric["canary"]["failures"] < metric["canary"]["requests"]
    assert metric["baseline"]["failures"] == 0 < metric["baseline"]["requests"]
    # To its users every answer was a 200: nothing but its own counters can have told.
    assert traffic.count_after(1.0).since(users).failed == 0
