"""Every way to install runs a whole rollout: for some namespaces, by kubectl, by Kustomize, as the README says."""

import json
import re
from pathlib import Path

import pytest
import yaml
from cluster.kubectl import Kubectl, KubectlError
from cluster.namespace import Namespace
from cluster.traffic import Traffic
from cluster.weather import Weather, a_weather
from install.release import SYSTEM, Release, run_shell
from serin_testkit.helm import CHART, ROOT, Helm, find_program

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

KUSTOMIZE = ROOT / "manifests" / "kustomize"
INSTALLER = "platform-team"


def run_a_whole_rollout(namespace: Namespace) -> None:
    """A version that serves, and one that takes its place because users' requests say so."""
    weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
    weather.add_models()
    weather.serve(a_weather("1").with_replicas(1))
    traffic.start("--url", f"http://{weather.name}", "--rate", "100")
    weather.until_phase(weather.roll_out(a_weather("2").with_replicas(1)), "Promoted")
    weather.until_told("Healthy")
    assert weather.stable_version == "2"


def make_kubeconfig(folder: Path, token: str) -> Path:
    """As KUBECONFIG, but for somebody else."""
    given = Kubectl("default").read("config", "view", "--raw", "--minify")
    given["users"] = [{"name": INSTALLER, "user": {"token": token}}]
    given["contexts"][0]["context"]["user"] = INSTALLER
    path = folder / "kubeconfig"
    path.write_text(json.dumps(given))
    return path


def test_who_administers_a_namespace_installs_an_operator_for_it_that_has_no_right_in_the_cluster(
    namespace: Namespace, tmp_path: Path
) -> None:
    kubectl = namespace.kubectl
    # Once, by whoever runs the cluster: what administrators of a namespace may do.
    cluster = Helm("4").render({"rbac": {"create": False}})
    once = [it for it in cluster if it["kind"] == "ClusterRole"]
    kubectl.run("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump_all(once))
    kubectl.run("create", "serviceaccount", INSTALLER)
    kubectl.run(
        "create", "rolebinding", INSTALLER, "--clusterrole=admin", f"--serviceaccount={namespace.name}:{INSTALLER}"
    )
    token = kubectl.run("create", "token", INSTALLER).strip()
    release = Release(Helm("3"), namespace=namespace.name, kubeconfig=make_kubeconfig(tmp_path, token))

    given = ("crds.install=false", "rbac.aggregate=false", f"watchNamespaces={{{namespace.name}}}")
    release.install(*(argument for setting in given for argument in ("--set", setting)))

    run_a_whole_rollout(namespace)
    assert "is forbidden" not in release.operator_log()
    operator = f"--as=system:serviceaccount:{namespace.name}:serin"
    kubectl.run("auth", "can-i", "create", "deployments", operator)
    with pytest.raises(KubectlError, match="exit code 1: no"):
        kubectl.run("auth", "can-i", "list", "pods", operator, "--all-namespaces")
    release.uninstall()


def test_an_operator_of_some_namespaces_leaves_all_others_alone(release: Release, namespace: Namespace) -> None:
    other = Kubectl("default")
    release.install("--set", "crds.install=false", "--set", f"watchNamespaces={{{namespace.name},serin-system}}")
    other.apply(dict(a_weather("1", name="not-watched")))
    run_a_whole_rollout(namespace)
    assert other.read("get", "modeldeployments.serin.dev", "not-watched")["status"] == {"observedGeneration": -1}
    other.run("delete", "modeldeployments.serin.dev", "not-watched")


def test_one_file_by_kubectl_installs_everything(namespace: Namespace) -> None:
    Kubectl(SYSTEM).run("apply", f"--filename={ROOT / 'manifests' / 'install.yaml'}")
    Kubectl(SYSTEM).run("rollout", "status", "deployment/serin", "--timeout=110s")
    run_a_whole_rollout(namespace)


def test_kustomize_moves_an_operator_of_one_namespace_into_yours(namespace: Namespace, tmp_path: Path) -> None:
    base = Path(*[".."] * len(tmp_path.resolve().parts[1:]), *KUSTOMIZE.resolve().parts[1:])
    kustomization = {"resources": [str(base / "definitions"), str(base / "one-namespace")], "namespace": namespace.name}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    namespace.kubectl.run("apply", "--server-side", f"--kustomize={tmp_path}")
    namespace.kubectl.run("rollout", "status", "deployment/serin", "--timeout=110s")
    weather = Weather(namespace)
    weather.add_models()
    weather.serve(a_weather("1").with_replicas(1))


@pytest.mark.parametrize("way", ["Helm", "kubectl"])
def test_the_commands_of_the_readme_work(empty_cluster: None, way: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- install by {way} -->\n```sh\n(.*?)```", readme, re.DOTALL)
    assert found, f"README.md: expected commands below the mark <!-- install by {way} -->"
    done = run_shell(found[1], path=str(Path(find_program("4")).parent))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    pods = Kubectl(SYSTEM).read("get", "deployment", "serin")["status"]
    assert pods["readyReplicas"] == 1


def test_the_chart_that_is_packed_is_the_whole_chart(tmp_path: Path) -> None:
    packed = Helm("4")
    packed.run("package", str(CHART), "--destination", str(tmp_path))
    (archive,) = tmp_path.glob("*.tgz")
    assert packed.run("template", "serin", str(archive)) == packed.run("template", "serin", str(CHART))
