"""Helm 3 and 4 from the cache, and the chart as they render it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "serin"
CASES = sorted((CHART / "ci").glob("*-values.yaml"))
MAJORS = ("3", "4")
NAMESPACE = "serin-system"

Manifest = dict[str, Any]


class HelmError(AssertionError):
    """A refusal, with what Helm said."""


@cache
def find_program(major: str, name: str = "helm") -> str:
    found = subprocess.run([ROOT / "hack" / "helm", major, name], stdout=subprocess.PIPE, text=True, check=True)
    return found.stdout.strip()


@dataclass(frozen=True)
class Helm:
    major: str

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        command = [find_program(self.major), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode:
            raise HelmError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def render(
        self,
        values: Mapping[str, Any] | None = None,
        *arguments: str,
        release: str = "serin",
        namespace: str = NAMESPACE,
    ) -> list[Manifest]:
        """The objects of the chart with these values; tests are left out."""
        stdin = yaml.safe_dump(dict(values or {}))
        given = ("--namespace", namespace, "--values", "-", "--no-hooks", *arguments)
        return parse(self.run("template", release, str(CHART), *given, stdin=stdin))


def parse(text: str) -> list[Manifest]:
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def read_case(case: Path) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(case.read_text(encoding="utf-8"))
    return values


def find(manifests: list[Manifest], kind: str) -> Manifest:
    """The one object of its kind."""
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


def find_container(manifests: list[Manifest]) -> Manifest:
    (container,) = find(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    made: Manifest = container
    return made


def read_env(manifests: list[Manifest]) -> dict[str, Any]:
    """Variables of the operator; a value that comes from elsewhere as its source. A name that is there twice fails."""
    variables = find_container(manifests)["env"]
    names = [variable["name"] for variable in variables]
    assert len(names) == len(set(names)), names
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in variables}
