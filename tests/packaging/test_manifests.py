"""Everything that somebody applies is valid, restricted where it makes pods, and made from its source."""

import json
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from serin_testkit.helm import CASES, CHART, NAMESPACE, ROOT, Helm, Manifest, find, find_program, parse

MANIFESTS = ROOT / "manifests"
KUSTOMIZE = MANIFESTS / "kustomize"
BY_HAND = [ROOT / "hack" / "demo" / "load.yaml", ROOT / "hack" / "cluster" / "prometheus.yaml"]
OWN_GROUP = "serin.dev/"


@cache
def tools() -> Path:
    """The programs of requirements/packaging.lock."""
    command = [ROOT / "hack" / "locked-venv", ROOT / "requirements" / "packaging.lock"]
    return Path(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()).parent


def find_faults(sources: dict[str, list[Manifest]]) -> dict[str, list[str]]:
    """By source. Own kinds are left out: the component rung applies their examples to an API server."""
    foreign = {
        source: [manifest for manifest in manifests if not manifest["apiVersion"].startswith(OWN_GROUP)]
        for source, manifests in sources.items()
    }
    assert all(foreign.values())
    command = [tools() / "python", Path(__file__).parent / "validation.py"]
    done = subprocess.run(command, input=json.dumps(foreign), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return {source: faults for source, faults in found.items() if faults}


def render_with_test(helm: Helm, case: Path) -> list[Manifest]:
    return parse(helm.run("template", "serin", str(CHART), "--namespace", NAMESPACE, "--values", str(case)))


def build(folder: Path) -> list[Manifest]:
    """As `kubectl apply -k` would apply it."""
    command = [find_program("4", "kubectl"), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return parse(done.stdout)


def by_place(manifests: list[Manifest]) -> dict[tuple[str, str], Manifest]:
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in manifests}


def test_everything_that_somebody_applies_is_valid(newest_helm: Helm) -> None:
    # All in one go: reading the schemas takes longer than all of the rest.
    sources = {case.name: render_with_test(newest_helm, case) for case in CASES}
    sources |= {path.name: parse(path.read_text(encoding="utf-8")) for path in [MANIFESTS / "install.yaml", *BY_HAND]}
    sources |= {name: build(KUSTOMIZE / name) for name in ("all-namespaces", "one-namespace", "definitions")}
    assert find_faults(sources) == {}


def test_the_check_finds_a_field_that_does_not_exist() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"port": 80}}
    spec = {"selector": {}, "endpoint": "http"}
    monitor = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "x"}, "spec": spec}
    assert find_faults({"a": [service], "b": [monitor]}).keys() == {"a", "b"}


def test_kustomize_and_the_single_file_are_the_same() -> None:
    built = by_place(build(KUSTOMIZE / "all-namespaces"))
    assert built == by_place(parse((MANIFESTS / "install.yaml").read_text(encoding="utf-8")))


def test_another_namespace_is_one_line_of_kustomize(tmp_path: Path) -> None:
    # Kustomize takes folders by relative paths only.
    base = Path(*[".."] * len(tmp_path.resolve().parts[1:]), *(KUSTOMIZE / "one-namespace").resolve().parts[1:])
    kustomization = {
        "resources": [str(base)],
        "namespace": "mine",
        "images": [{"name": "serin/operator", "newName": "registry.example.com/operator", "newTag": "1.2.3"}],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    built = build(tmp_path)
    assert {manifest["metadata"]["namespace"] for manifest in built} == {"mine"}
    assert find(built, "RoleBinding")["subjects"][0]["namespace"] == "mine"
    (container,) = find(built, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/operator:1.2.3"
    (watched,) = (variable for variable in container["env"] if variable["name"] == "SERIN_NAMESPACES")
    assert watched["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_the_definitions_of_the_chart_are_those_of_crds(newest_helm: Helm) -> None:
    specs = {
        manifest["metadata"]["name"]: manifest["spec"]
        for manifest in newest_helm.render()
        if manifest["kind"] == "CustomResourceDefinition"
    }
    given = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "crds").glob("*.yaml")]
    assert specs == {crd["metadata"]["name"]: crd["spec"] for crd in given}


def pod_specs(manifests: list[Manifest]) -> list[tuple[str, Any]]:
    pods = [(manifest["metadata"]["name"], manifest["spec"]) for manifest in manifests if manifest["kind"] == "Pod"]
    templated = [
        (manifest["metadata"]["name"], manifest["spec"]["template"]["spec"])
        for manifest in manifests
        if "template" in manifest.get("spec", {})
    ]
    return pods + templated


def test_every_pod_of_the_chart_meets_the_restricted_standard(newest_helm: Helm, case: Path) -> None:
    specs = pod_specs(render_with_test(newest_helm, case))
    assert len(specs) == 2, "the operator and the chart's test"
    for name, spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert context["readOnlyRootFilesystem"] is True, name
        assert {kind for volume in spec["volumes"] for kind in volume} <= {"name", "emptyDir", "secret", "configMap"}


def test_what_is_generated_is_what_its_sources_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "hack" / "chart"), *sys.path])
    generation = runpy.run_path(str(ROOT / "hack" / "chart" / "__main__.py"))
    files = list(generation["make_chart_files"]())
    rendered = generation["render_files"](Path(find_program("4")), CHART)
    files += [(MANIFESTS / name, text) for name, text in rendered]
    stale = [str(path) for path, text in files if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run: make generate"


def test_hadolint_has_nothing_to_say_about_the_images() -> None:
    done = subprocess.run(
        [tools() / "hadolint", ROOT / "Dockerfile"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
