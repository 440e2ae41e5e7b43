"""`make demo`, without the part that brings the cluster up."""

import subprocess
import sys

import pytest
from cluster.installation import ROOT, Operator
from cluster.namespace import open_namespace

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

WITHIN_SECONDS = 1500.0


def test_the_demo_promotes_the_good_version_and_rejects_the_broken_one(operator: Operator) -> None:
    with open_namespace("demo") as namespace:
        demo = subprocess.run(
            [sys.executable, str(ROOT / "hack" / "demo"), "--namespace", namespace.name],
            capture_output=True,
            text=True,
            timeout=WITHIN_SECONDS,
            check=False,
        )
        assert demo.returncode == 0, f"{demo.stdout}\n{demo.stderr}"
        namespace.check_oracles()
