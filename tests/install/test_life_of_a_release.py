"""Helm from the first installation to the last: users are served all the while."""

import re
import shutil
import sys
import time
from pathlib import Path

import pytest
import yaml
from cluster.kubectl import Json, Kubectl, KubectlError
from cluster.namespace import Namespace
from cluster.traffic import Traffic
from cluster.waiting import wait_until
from cluster.weather import EXAMPLE, Weather, a_weather
from install.release import DEFINITIONS, SYSTEM, Release, open_models_namespace
from serin_testkit.helm import CHART, Helm, HelmError

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

REQUESTS_PER_SECOND = 100


def make_next_chart(folder: Path) -> Path:
    """A later chart: its version, its images, and a definition with one field more."""
    chart = folder / "serin"
    shutil.copytree(CHART, chart)
    about = chart / "Chart.yaml"
    about.write_text(about.read_text().replace("version: 0.1.0", "version: 0.2.0", 1))
    definition = chart / "templates" / "crds" / "rollouts.yaml"
    field = r"\1tomorrow: {type: string, description: A field of the next version.}\n\1modelDeployment:\n"
    text, changes = re.subn(r"^( *)modelDeployment:\n", field, definition.read_text(), count=1, flags=re.MULTILINE)
    assert changes == 1
    definition.write_text(text)
    return chart


def get_first_prediction(weather: Weather) -> None:
    weather.add_models()
    weather.serve(a_weather("1"))
    golden = yaml.safe_load((EXAMPLE / "golden.json").read_text())["cases"][0]

    def ask() -> Json | None:
        try:
            return weather.namespace.kubectl.post("weather", golden["path"], golden["request"])
        except KubectlError:
            return None  # a new Service takes a moment

    assert wait_until("the first prediction", ask)["predictions"] == golden["answer"]["predictions"]


def serving_pods(weather: Weather) -> set[str]:
    return set(weather.serving())


def read_specs(kubectl: Kubectl) -> Json:
    found = kubectl.read("get", "rollouts.serin.dev,deployments.apps")["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": item["spec"] for item in found}


def test_helm_installs_upgrades_rolls_back_and_uninstalls_under_load(
    release: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    release.install()
    installed = time.monotonic()
    with open_models_namespace() as namespace:
        weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
        get_first_prediction(weather)
        with capsys.disabled():
            told = f"{installed - began:.1f} s to install, {time.monotonic() - began:.1f} s to the first prediction"
            sys.stderr.write(f"\n[install] {told}\n")
        assert "The operator is ready, and Prometheus answers it." in release.test()
        traffic.start("--url", f"http://{weather.name}", "--rate", str(REQUESTS_PER_SECOND))
        users = traffic.count()

        upgrade_in_the_middle_of_a_rollout(release, weather, make_next_chart(tmp_path))
        roll_back_and_uninstall(release, weather)
        served = traffic.count_after(3.0).since(users)
        assert served.requests > 0 == served.failed, f"user requests failed: {served}"

        # The other Helm takes over the definitions that the first has left, and its operator goes on.
        serving = serving_pods(weather)
        Release(Helm("3")).install()
        weather.until_phase(weather.roll_out(a_weather("3")), "Rejected")
        weather.until_stable_is_alone()
        assert serving_pods(weather) == serving
        namespace.check_oracles()


def upgrade_in_the_middle_of_a_rollout(release: Release, weather: Weather, chart: Path) -> None:
    """Operator and definitions change: nothing starts, and the rollout goes on to its end."""
    rollout = weather.roll_out(a_weather("2"))
    weather.until_judged(rollout)
    operator, known = release.operator_pod()["metadata"]["uid"], weather.rollouts()
    revision = weather.rollout(rollout)["canary"]["revision"]
    judged = {
        pod["metadata"]["uid"] for pod in weather.pods() if pod["metadata"]["labels"]["serin.dev/revision"] == revision
    }
    release.upgrade("--set", "image.tag=next", "--set", "serverImage.tag=next", chart=chart)
    assert release.operator_pod()["metadata"]["uid"] != operator
    definition = weather.namespace.kubectl.read("get", "crd", "rollouts.serin.dev")
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert "tomorrow" in schema["properties"]["spec"]["properties"]
    weather.until_phase(rollout, "Promoted")
    weather.until_told("Healthy")
    assert weather.rollouts() == known
    assert judged
    assert judged <= serving_pods(weather), "the pods that were judged before the upgrade serve after it"


def roll_back_and_uninstall(release: Release, weather: Weather) -> None:
    """Neither touches a model, and its objects outlive the release."""
    weather.until_stable_is_alone()
    kubectl = weather.namespace.kubectl
    before = read_specs(kubectl), serving_pods(weather)
    release.rollback()
    weather.until_told("Healthy")
    assert (read_specs(kubectl), serving_pods(weather)) == before
    release.uninstall()
    assert not Kubectl(SYSTEM).run("get", "deployments", "--output=name")
    assert kubectl.read("get", "modeldeployments.serin.dev", weather.name)["status"]["phase"] == "Healthy"
    assert (read_specs(kubectl), serving_pods(weather)) == before


@pytest.mark.parametrize("major", ["3", "4"])
def test_helm_does_not_say_that_an_operator_without_its_rights_is_there(empty_cluster: None, major: str) -> None:
    release = Release(Helm(major))
    with pytest.raises(HelmError, match=r"deadline|timed out|not ready"):
        release.install("--set", "rbac.create=false", timeout="15s")
    assert "is forbidden" in release.operator_log()


def test_uninstalling_deletes_the_models_only_when_that_was_asked_for(release: Release) -> None:
    release.install("--set", "crds.keep=false")
    release.uninstall()
    assert not Kubectl("default").run("get", "crd", *DEFINITIONS, "--ignore-not-found", "--output=name")


def test_helm_waits_for_the_models_of_a_chart_of_yours(release: Release, namespace: Namespace, tmp_path: Path) -> None:
    """Helm 4 reads the conditions of a ModelDeployment: ready is ready, and what cannot get ready is a failure."""
    release.install("--take-ownership")  # of the definitions, which kubectl has applied
    Weather(namespace).add_models()
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: models, version: 1.0.0}")
    (tmp_path / "templates" / "weather.yaml").write_text(yaml.safe_dump(dict(a_weather("1").with_replicas(1))))
    mine = Release(release.helm, "models", namespace.name)

    mine.install(chart=tmp_path)

    weather = namespace.kubectl.read("get", "modeldeployments.serin.dev", "weather")
    assert weather["status"]["phase"] == "Healthy"
    missing = dict(a_weather("1", name="missing").with_replicas(1))
    missing["spec"]["model"]["uri"] = "configmap://no-such-model/model.onnx"
    (tmp_path / "templates" / "weather.yaml").write_text(yaml.safe_dump(missing))
    with pytest.raises(HelmError):
        Release(release.helm, "missing", namespace.name).install(chart=tmp_path, timeout="15s")
