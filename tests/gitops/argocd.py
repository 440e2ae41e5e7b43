"""Argo CD, as a team uses it: the sample of manifests/argocd with the team's own addresses, and its command line."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import yaml
from cluster.kubectl import Json, Kubectl
from cluster.waiting import wait_until
from gitops.guide import run_guide

SAMPLE = Path(__file__).parents[2] / "manifests" / "argocd" / "application.yaml"
REFRESH = "argocd.argoproj.io/refresh"
CALL_SECONDS = 180.0


class ArgoCd:
    """One Application, which puts what the repository holds into a namespace."""

    def __init__(self, name: str, repository: str, folder: Path) -> None:
        """`name` is the Application's and its namespace's; `folder` is for the command line's own files."""
        self.name = name
        self._page = f"127.0.0.1:{_find_free_port()}"
        self._kubectl = Kubectl("argocd")
        self._environment = {**os.environ, "KUBECONFIG": str(self._write_kubeconfig(folder)), "HOME": str(folder)}
        application = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
        application["metadata"]["name"] = name
        application["spec"]["source"]["repoURL"] = repository
        application["spec"]["destination"]["namespace"] = name
        self._kubectl.apply(application)

    def remove(self) -> None:
        """The Application alone: its namespace goes by itself."""
        self._kubectl.run("delete", "application", self.name, "--wait=false")

    @contextmanager
    def page(self) -> Iterator[None]:
        """What the buttons speak to, as long as the block runs: Argo CD's API server on this machine."""
        host, _, port = self._page.partition(":")
        command = ["argocd", "admin", "dashboard", "--core", f"--address={host}", f"--port={port}"]
        with subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                wait_until("Argo CD's API server answers", self._answers)
                yield
            finally:
                process.terminate()

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://{self._page}/api/version", timeout=CALL_SECONDS):
                return True
        except OSError:
            return False

    def refresh(self) -> None:
        """As the button does: looks at Git and at the cluster once more. Returns when that is done."""
        run_guide("argocd-now", {"application/models": f"application/{self.name}"})
        wait_until(f"Argo CD has refreshed {self.name}", lambda: REFRESH not in self._annotations())

    def until(self, revision: str, health: str, sync: str = "Synced") -> None:
        def look() -> bool:
            status = self._read().get("status") or {}
            now = status.get("sync", {})
            return (now.get("revision"), now.get("status"), self.health) == (revision, sync, health)

        wait_until(f"{self.name} is {sync} at {revision} and {health}", look)

    @property
    def health(self) -> str:
        status = self._read().get("status") or {}
        return str(status.get("health", {}).get("status"))

    @property
    def sync(self) -> str:
        status = self._read().get("status") or {}
        return str(status.get("sync", {}).get("status"))

    def tree(self) -> str:
        """What a person sees: every object below the Application with its health and the sentence to it."""
        return self._run_guide("argocd-look", {})

    def retry(self, model_deployment: str) -> None:
        """As the guide does it, by the command line."""
        self._run_guide("argocd-retry", {"--resource-name weather": f"--resource-name {model_deployment}"})

    def _run_guide(self, block: str, names: Mapping[str, str]) -> str:
        own = {"argocd app": "argocd --core app", " models ": f" {self.name} ", **names}
        return run_guide(block, own, environment=self._environment)

    def actions(self, kind: str, name: str) -> dict[str, bool]:
        """Action -> whether its button may be pressed now."""
        listed = self._call("GET", f"/actions?{urlencode(self._place(kind, name))}")["actions"]
        return {entry["name"]: not entry.get("disabled", False) for entry in listed}

    def press(self, action: str, kind: str, name: str) -> None:
        """The button in the menu of an object."""
        self._call("POST", "/actions/v2", {**self._place(kind, name), "action": action})

    def sync_again(self) -> None:
        self.cli("app", "sync", self.name)

    def cli(self, *arguments: str) -> str:
        """The program argocd, which answers by itself what elsewhere Argo CD's API server does."""
        done = subprocess.run(
            ["argocd", "--core", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"argocd {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _place(self, kind: str, name: str) -> dict[str, str]:
        return {
            "namespace": self.name,
            "resourceName": name,
            "group": "serin.dev",
            "version": "v1alpha1",
            "kind": kind,
        }

    def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Json:
        """A request as the page in the browser sends it."""
        request = Request(
            f"http://{self._page}/api/v1/applications/{self.name}/resource{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=CALL_SECONDS) as answer:
            content: Json = json.load(answer)
        return content

    def _read(self) -> Json:
        return self._kubectl.read("get", "application", self.name)

    def _annotations(self) -> Json:
        return dict(self._read()["metadata"].get("annotations") or {})

    def _write_kubeconfig(self, folder: Path) -> Path:
        """It takes Argo CD's namespace from the context."""
        path = folder / "kubeconfig"
        path.write_text(Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"), encoding="utf-8")
        path.chmod(0o600)
        self._kubectl.run("config", "set-context", "--current", "--namespace=argocd", f"--kubeconfig={path}")
        return path


def _find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
