"""The chart as Helm 3 and Helm 4 render it: every case, strictly, and the same."""

import shutil
from pathlib import Path

import pytest
import yaml
from serin.adapters.settings import read_settings
from serin_testkit.helm import CHART, MAJORS, ROOT, Helm, find, find_container, read_case, read_env

NAMES_OF_FILES = ("SERIN_PROMETHEUS_TOKEN_FILE", "SERIN_PROMETHEUS_CA_FILE")


def test_lint_has_nothing_to_say(helm: Helm, case: Path) -> None:
    helm.run("lint", "--strict", "--quiet", str(CHART), "--values", str(case))


def test_both_helms_render_the_same(case: Path) -> None:
    three, four = (Helm(major).render(read_case(case)) for major in MAJORS)
    assert three == four


def test_no_two_objects_have_one_name(newest_helm: Helm, case: Path) -> None:
    places = [
        (manifest["kind"], manifest["metadata"].get("namespace"), manifest["metadata"]["name"])
        for manifest in newest_helm.render(read_case(case))
    ]
    assert len(places) == len(set(places))


def test_the_operator_takes_the_settings_that_the_chart_gives_it(newest_helm: Helm, case: Path) -> None:
    env = read_env(newest_helm.render(read_case(case)))
    texts = {name: value for name, value in env.items() if isinstance(value, str) and name not in NAMES_OF_FILES}
    settings = read_settings(texts)
    assert settings.metrics_port == 8080
    assert settings.liveness_port == 8081
    assert settings.server_image == env["SERIN_SERVER_IMAGE"]


def test_the_version_is_that_of_the_package(newest_helm: Helm) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = next(line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version = "))
    assert f'version = "{chart["appVersion"]}"' == version
    assert find_container(newest_helm.render())["image"] == f"serin/operator:{chart['appVersion']}"


def test_the_listing_of_the_chart_names_its_kinds_and_images(newest_helm: Helm) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    manifests = newest_helm.render()
    names = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "CustomResourceDefinition"}
    told = chart["annotations"]
    assert {entry["name"] for entry in yaml.safe_load(told["artifacthub.io/crds"])} == names
    assert {entry["image"] for entry in yaml.safe_load(told["artifacthub.io/images"])} == {
        find_container(manifests)["image"],
        read_env(manifests)["SERIN_SERVER_IMAGE"],
    }


def test_a_digest_decides(newest_helm: Helm) -> None:
    digest = f"sha256:{'a' * 64}"
    manifests = newest_helm.render({"image": {"digest": digest, "tag": "9.9.9"}, "serverImage": {"digest": digest}})
    assert find_container(manifests)["image"] == f"serin/operator@{digest}"
    assert read_env(manifests)["SERIN_SERVER_IMAGE"] == f"serin/server@{digest}"


def test_a_variable_of_yours_takes_the_place_of_the_charts(newest_helm: Helm) -> None:
    source = {"secretKeyRef": {"name": "prometheus", "key": "url"}}
    env = read_env(newest_helm.render({"extraEnv": [{"name": "SERIN_PROMETHEUS_URL", "valueFrom": source}]}))
    assert env["SERIN_PROMETHEUS_URL"] == source


def test_one_operator_ends_before_the_next_begins(newest_helm: Helm) -> None:
    spec = find(newest_helm.render(), "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_kept_definitions_say_so_and_others_do_not(newest_helm: Helm) -> None:
    def annotations(keep: bool) -> list[object]:
        manifests = newest_helm.render({"crds": {"keep": keep}})
        crds = [manifest for manifest in manifests if manifest["kind"] == "CustomResourceDefinition"]
        return [crd["metadata"].get("annotations") for crd in crds]

    assert annotations(keep=True) == [{"helm.sh/resource-policy": "keep"}] * 2
    assert annotations(keep=False) == [None] * 2


def test_monitors_come_only_when_asked_for_whatever_the_cluster_knows(helm: Helm) -> None:
    def kinds(**values: object) -> set[str]:
        rendered = helm.render(values, "--api-versions", "monitoring.coreos.com/v1")
        return {manifest["kind"] for manifest in rendered if manifest["apiVersion"].startswith("monitoring")}

    assert kinds() == set()
    assert kinds(serviceMonitor={"enabled": True}, podMonitor={"enabled": True}) == {"ServiceMonitor", "PodMonitor"}


def test_the_chart_works_inside_of_another_one(helm: Helm, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts" / "serin").symlink_to(CHART)
    dependency = {"name": "serin", "version": "*", "repository": "", "condition": "serin.enabled"}
    chart = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]}
    (parent / "Chart.yaml").write_text(yaml.safe_dump(chart))
    (parent / "values.yaml").write_text("global: {region: north}\nserin: {enabled: true, workers: 4}\n")
    assert 'SERIN_WORKERS, value: "4"' in helm.run("template", "mine", str(parent))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "It watches all namespaces"),
        ({"watchNamespaces": ["a", "b"]}, "It watches: a, b"),
        ({"crds": {"install": False}}, "the operator is not\nready before they are there"),
        ({"crds": {"keep": False}}, "will delete every ModelDeployment"),
        ({"podMonitor": {"enabled": True}}, "the PodMonitor serin-models finds them"),
    ],
)
def test_the_notes_tell_what_this_installation_is_and_what_to_do_next(
    values: dict[str, object], sentence: str, newest_helm: Helm, tmp_path: Path
) -> None:
    # Helm shows notes only to who installs, so here they stand in an object.
    chart = tmp_path / "serin"
    shutil.copytree(CHART, chart)
    notes = (chart / "templates" / "NOTES.txt").read_text()
    (chart / "templates" / "_notes.tpl").write_text(f'{{{{- define "notes" -}}}}{notes}{{{{- end }}}}')
    (chart / "templates" / "notes.yaml").write_text('notes: {{ include "notes" . | quote }}')
    given = ("--show-only", "templates/notes.yaml", "--namespace", "serin-system", "--values", "-")
    shown = newest_helm.run("template", "serin", str(chart), *given, stdin=yaml.safe_dump(values))
    notes = yaml.safe_load(shown)["notes"]
    assert sentence in notes
    assert "helm test serin -n serin-system" in notes
