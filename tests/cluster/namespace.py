"""A namespace that belongs to a test, with everything that happens in it on record."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from cluster.kubectl import Kubectl
from cluster.recording import Recording, record
from serin_testkit.oracles import find_outages
from serin_testkit.status_contract import find_breaches


@dataclass
class Namespace:
    kubectl: Kubectl
    recording: Recording

    @property
    def name(self) -> str:
        return self.kubectl.namespace

    def check_oracles(self) -> None:
        """The rules that hold at every moment of every story: the status contract, and users always served in full."""
        seen = self.recording.seen()
        breaches = find_breaches(seen)
        assert not breaches, "\n".join(["the status contract was broken:", *breaches])
        outages = find_outages(seen)
        assert not outages, "\n".join(["users were not served in full:", *outages])


OPEN: list[Namespace] = []
"""Those that exist now: a test that fails shows them."""


@contextmanager
def open_namespace(purpose: str, labels: Mapping[str, str] | None = None) -> Iterator[Namespace]:
    kubectl = Kubectl(f"serin-test-{purpose}-{secrets.token_hex(2)}")
    metadata = {"name": kubectl.namespace, "labels": dict(labels or {})}
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        with record(kubectl) as recording:
            namespace = Namespace(kubectl, recording)
            OPEN.append(namespace)
            try:
                yield namespace
            except Exception as error:
                error.add_note(kubectl.explain())  # a fixture failed: the namespace is gone before its report is made
                raise
            finally:
                OPEN.remove(namespace)
    finally:
        kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")
