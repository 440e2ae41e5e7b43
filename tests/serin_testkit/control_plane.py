"""The real control plane alone, on loopback: etcd, kube-apiserver and kube-controller-manager, without nodes.

What the API server refuses, defaults and merges is the real thing, and so are the controllers: a Deployment gets its
ReplicaSet and Pods, and what an owner leaves behind is collected. No kubelet runs the Pods: they stay Pending until a
test writes their status.

The programs are looked for in SERIN_PROGRAMS, then in the cache that `hack/cluster/programs` fills, then on PATH. A
missing program is an error, never a skipped test.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")

CRDS = Path(__file__).parents[2] / "crds"

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "serin"
GATEWAY_API = CACHE / "gateway-api"
GATEWAY_API_FILES = ("gatewayclasses.yaml", "gateways.yaml", "httproutes.yaml", "vap_safeupgrades.yaml")
"""Of the standard channel what Serin has to do with, and the policy that guards the channel."""

CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "horizontal-pod-autoscaler-controller",
    "disruption-controller",
    "resourcequota-controller",
)

OPERATOR = "operator"
"""Name of the user with the operator's rights."""

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": [OPERATOR]}, {"level": "None"}],
}

START_SECONDS = 30.0
"""A start takes about 2 s; on a machine that also builds images it was seen to take 10 s."""

STOP_SECONDS = 5.0


class ControlPlaneError(RuntimeError):
    """The control plane cannot be had; the message says which program and what to do about it."""


class ControlPlane:
    """One control plane with a store of its own, alive between `with` and the end of its block.

    The custom resource definitions in `crds` are installed before the controller manager starts: its garbage collector
    looks for new kinds only now and then. Measured from the owner's end to its child's: 0.4 s, with a late kind 41 s.
    """

    token = "admin"
    operator_token = "operator"
    """Of a user who may do what somebody grants it; every request of it is in `audit_log`."""

    def __init__(self, crds: Path | None = None, *, has_gateway_api: bool = False) -> None:
        self._crds = crds
        self._has_gateway_api = has_gateway_api
        self._programs = {name: find_program(name) for name in PROGRAMS}
        self._folder = Path()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.server_url = ""

    @property
    def ca(self) -> Path:
        """The certificate authority of the API server's certificate, as a PEM file."""
        return self._folder / "certificates" / "apiserver.crt"

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig file whose only user may do everything."""
        return self._folder / "kubeconfig"

    @property
    def operator_kubeconfig(self) -> Path:
        """The same for the user of `operator_token`."""
        return self._folder / "operator-kubeconfig"

    @property
    def audit_log(self) -> Path:
        """One JSON object per line."""
        return self._folder / "audit.log"

    def log(self, program: str) -> str:
        """What a program of the control plane has written so far."""
        return (self._folder / f"{program}.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="control-plane-"))
        try:
            self._start_store_and_api_server()
            if self._crds is not None:
                self._install(self._crds)
            if self._has_gateway_api:
                self.install_gateway_api()
            self._start_controllers()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start_store_and_api_server(self) -> None:
        store_port, peer_port, server_port = find_free_ports(3)
        store_url, peer_url = f"http://127.0.0.1:{store_port}", f"http://127.0.0.1:{peer_port}"
        self.server_url = f"https://127.0.0.1:{server_port}"
        self._start(
            "etcd",
            "--data-dir", str(self._folder / "store"),
            "--listen-client-urls", store_url, "--advertise-client-urls", store_url,
            "--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url,
            "--initial-cluster", f"default={peer_url}",
            "--unsafe-no-fsync",
            "--log-level", "error",
        )  # fmt: skip
        tokens = self._folder / "tokens.csv"
        tokens.write_text(f'{self.token},admin,admin,"system:masters"\n{self.operator_token},{OPERATOR},{OPERATOR}\n')
        audited = self._folder / "audited.json"
        audited.write_text(json.dumps(AUDIT_POLICY))
        # The API server makes this key for its own certificate before it asks for the key of the tokens it signs.
        signing_key = self.ca.with_suffix(".key")
        self._start(
            "kube-apiserver",
            "--etcd-servers", store_url,
            "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", str(server_port),
            "--cert-dir", str(self.ca.parent),
            "--token-auth-file", str(tokens),
            "--authorization-mode", "RBAC",
            "--audit-policy-file", str(audited), "--audit-log-path", str(self.audit_log),
            "--service-account-issuer", self.server_url,
            "--service-account-key-file", str(signing_key), "--service-account-signing-key-file", str(signing_key),
            "--service-cluster-ip-range", "10.96.0.0/16",
            # A Pod made at once in a fresh namespace would be refused until the namespace has its default account.
            "--disable-admission-plugins", "ServiceAccount",
            "--endpoint-reconciler-type", "none",
        )  # fmt: skip
        self.kubeconfig.write_text(json.dumps(self._make_kubeconfig(self.token)))
        self.operator_kubeconfig.write_text(json.dumps(self._make_kubeconfig(self.operator_token)))
        self._wait_until_ready()

    def _start_controllers(self) -> None:
        self._start(
            "kube-controller-manager",
            "--kubeconfig", str(self.kubeconfig),
            "--controllers", ",".join(CONTROLLERS),
            "--leader-elect=false",
            "--secure-port", "0",
            # The defaults (20 and 30) delay the tests that make many objects at once.
            "--kube-api-qps", "500", "--kube-api-burst", "1000",
            "--horizontal-pod-autoscaler-sync-period", "1s",  # the first look is one period late: 15 s
        )  # fmt: skip

    def _start(self, program: str, *arguments: str) -> None:
        with (self._folder / f"{program}.log").open("wb") as log:
            # setpriv: the kernel ends the program when the test run is killed and no clean-up can run. It watches the
            # thread that starts the program, so a control plane belongs to the main thread. The session of its own
            # keeps Ctrl-C from the programs: they must outlive the tests' own clean-up.
            self._processes[program] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", str(self._programs[program]), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            for program, process in self._processes.items():
                if process.poll() is not None:
                    raise ControlPlaneError(self._failure(f"{program} ended with code {process.returncode}", program))
            if time.monotonic() > deadline:
                late = f"kube-apiserver is not ready after {START_SECONDS:.0f} s"
                raise ControlPlaneError(self._failure(late, "kube-apiserver"))
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        if not self.ca.exists():
            return False
        request = urllib.request.Request(f"{self.server_url}/readyz", headers={"Authorization": f"Bearer {self.token}"})
        try:
            trust = ssl.create_default_context(cafile=self.ca)
            with urllib.request.urlopen(request, context=trust, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def _install(self, crds: Path) -> None:
        if not any(crds.glob("*.yaml")):
            return
        self._kubectl("apply", "--server-side", "-f", str(crds))
        self._kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(crds))

    def install_gateway_api(self) -> None:
        """The standard channel, as its own documentation says."""
        if not GATEWAY_API.is_dir():
            raise ControlPlaneError(f"{GATEWAY_API} is missing: run hack/cluster/gateway-api, which makes it.")
        files = [f"--filename={GATEWAY_API}/gateway.networking.k8s.io_{name}" for name in GATEWAY_API_FILES]
        self._kubectl("apply", "--server-side", *files)
        self._kubectl("wait", "--for=condition=Established", "--timeout=30s", *files[:3])

    def _kubectl(self, *arguments: str) -> None:
        command = [str(self._programs["kubectl"]), "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ControlPlaneError(f"kubectl {' '.join(arguments)} failed: {done.stderr.strip()}")

    def _stop(self) -> None:
        for process in reversed(self._processes.values()):
            process.kill()  # nothing of the store is kept, so nobody has to leave in good order
        for process in self._processes.values():
            process.wait(STOP_SECONDS)
        self._processes.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _failure(self, what: str, program: str) -> str:
        last_lines = "\n".join(self.log(program).splitlines()[-5:])
        return f"The control plane did not start: {what}. Its last lines:\n{last_lines}"

    def _make_kubeconfig(self, token: str) -> dict[str, object]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "control-plane",
            "clusters": [
                {
                    "name": "control-plane",
                    "cluster": {"server": self.server_url, "certificate-authority": str(self.ca)},
                }
            ],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "control-plane", "context": {"cluster": "control-plane", "user": "user"}}],
        }


def find_program(name: str) -> Path:
    """The program of this name: from SERIN_PROGRAMS when set, else from the cache, else from PATH."""
    told = os.environ.get("SERIN_PROGRAMS")
    cache = CACHE / "programs"
    folders = [Path(told)] if told else [cache, *map(Path, os.get_exec_path())]
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            return folder / name
    looked = f"SERIN_PROGRAMS={told}" if told else f"{cache} and PATH"
    raise ControlPlaneError(f"{name} is missing in {looked}: run hack/cluster/programs, which puts it into {cache}.")


def find_free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on; all are held until the last is found, so they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One control plane with the definitions of Serin and of the Gateway API for the whole test run.

    Tests keep apart by their namespaces.
    """
    with ControlPlane(crds=CRDS, has_gateway_api=True) as running:
        yield running
