"""What the operator reads from its environment."""

import tomllib
from pathlib import Path

import pytest
from serin.adapters.settings import DEFAULT_SERVER_IMAGE, Settings, SettingsError, read_settings

REPOSITORY = Path(__file__).parents[3]


def test_an_empty_environment_means_the_defaults() -> None:
    assert read_settings({}) == Settings()
    assert read_settings({"SERIN_WORKERS": "", "KUBECONFIG": ""}) == Settings()


def test_every_setting_can_be_told(tmp_path: Path) -> None:
    there = tmp_path / "file"
    there.touch()
    told = read_settings(
        {
            "SERIN_PROMETHEUS_URL": "https://prometheus.test/prefix/",
            "SERIN_SERVER_IMAGE": "mine:1",
            "SERIN_ROUTER_IMAGE": "envoy:1",
            "SERIN_NAMESPACES": "ml, shop-eu",
            "SERIN_WORKERS": "4",
            "SERIN_METRICS_PORT": "0",
            "SERIN_LIVENESS_PORT": "9000",
            "SERIN_LOG_FORMAT": "json",
            "SERIN_LOG_LEVEL": "debug",
            "KUBECONFIG": "/a/file",
            "SERIN_PROMETHEUS_TOKEN_FILE": str(there),
            "SERIN_PROMETHEUS_CA_FILE": str(there),
            "SERIN_PROMETHEUS_TENANT": "team-a|team-b",
        }
    )
    prometheus_url = "https://prometheus.test/prefix"
    assert told == Settings(
        *(prometheus_url, "mine:1", "envoy:1", ("ml", "shop-eu"), 4, 0, 9000, "json", "debug", "/a/file"),
        *(there, there, "team-a|team-b"),
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SERIN_PROMETHEUS_URL", "prometheus:9090", "an address such as http://"),
        ("SERIN_PROMETHEUS_TOKEN_FILE", "/not/there", "a file that is there"),
        ("SERIN_PROMETHEUS_CA_FILE", "/not/there", "a file that is there"),
        ("SERIN_PROMETHEUS_TENANT", "tïger", "the name of a tenant"),
        ("SERIN_NAMESPACES", "ml;shop", "names of namespaces separated by commas"),
        ("SERIN_NAMESPACES", "team-*", "names of namespaces separated by commas"),
        ("SERIN_WORKERS", "many", "a whole number from 1 to 256"),
        ("SERIN_WORKERS", "0", "a whole number from 1 to 256"),
        ("SERIN_METRICS_PORT", "70000", "a whole number from 0 to 65535"),
        ("SERIN_LOG_FORMAT", "xml", "one of auto, json, console"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_was_expected(name: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({name: value})
    assert str(refused.value).startswith(f"{name}={value!r}: expected {expected}")


def test_the_default_server_is_of_the_operators_own_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert DEFAULT_SERVER_IMAGE.endswith(":" + project["version"])


def test_the_documentation_names_every_setting() -> None:
    documentation = (REPOSITORY / "docs" / "operator.md").read_text()
    source = (REPOSITORY / "operator" / "serin" / "adapters" / "settings.py").read_text()
    names = {part.split('"')[0] for part in source.split('read("')[1:]}
    assert len(names) >= 8
    assert {name for name in names if f"`{name}`" not in documentation} == set()
