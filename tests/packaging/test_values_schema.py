"""What a value may be: Helm refuses the rest before anything reaches a cluster."""

from typing import Any

import pytest
from serin_testkit.helm import Helm, HelmError

MISTAKES: list[tuple[str, dict[str, Any]]] = [
    ("watchNamespace", {"watchNamespace": ["a"]}),
    ("pullpolicy", {"image": {"pullpolicy": "Always"}}),
    ("watchNamespaces", {"watchNamespaces": "team-a"}),
    ("watchNamespaces", {"watchNamespaces": ["Team_A"]}),
    ("watchNamespaces", {"watchNamespaces": ["a", "a"]}),
    ("pullPolicy", {"image": {"pullPolicy": "Sometimes"}}),
    ("repository", {"image": {"repository": ""}}),
    ("digest", {"serverImage": {"digest": "sha256:beef"}}),
    ("url", {"prometheus": {"url": "prometheus:9090"}}),
    ("install", {"crds": {"install": "yes"}}),
    ("workers", {"workers": 0}),
    ("workers", {"workers": "many"}),
    ("logLevel", {"logLevel": "chatty"}),
    ("interval", {"podMonitor": {"interval": "soon"}}),
    ("prometheusPorts", {"networkPolicy": {"egress": {"prometheusPorts": [70000]}}}),
    ("extraEnv", {"extraEnv": {"A": "b"}}),
]


@pytest.mark.parametrize(("name", "values"), MISTAKES, ids=str)
def test_a_mistake_is_refused_by_its_name(helm: Helm, name: str, values: dict[str, Any]) -> None:
    with pytest.raises(HelmError, match=name):
        helm.render(values)


def test_an_account_that_is_there_already_has_to_be_named(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"serviceAccount\.name: expected the name"):
        helm.render({"serviceAccount": {"create": False}})
