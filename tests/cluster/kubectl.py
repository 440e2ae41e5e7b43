"""The program kubectl in one namespace, with the KUBECONFIG of the environment: what a user has in hand."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

CALL_SECONDS = 120.0
"""No call takes that long; a machine that does much else at the time may still need its time."""


class KubectlError(AssertionError):
    """A call that failed, with what kubectl said. A test that expects this catches it."""


@dataclass(frozen=True)
class Kubectl:
    namespace: str

    def run(self, *arguments: str, stdin: str | None = None, within_seconds: float = CALL_SECONDS) -> str:
        command = ["kubectl", "--namespace", self.namespace, *arguments]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, text=True, timeout=within_seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"{' '.join(command)}: no answer within {within_seconds:.0f} s") from error
        if done.returncode:
            raise KubectlError(f"{' '.join(command)}: exit code {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def read(self, *arguments: str) -> Json:
        content: Json = json.loads(self.run(*arguments, "--output", "json"))
        return content

    def apply(self, content: Mapping[str, Any]) -> Json:
        """The object as the API server then has it."""
        applied: Json = json.loads(self.run("apply", "--filename=-", "--output=json", stdin=json.dumps(content)))
        return applied

    def apply_files(self, *paths: Path) -> None:
        self.run("apply", *(f"--filename={path}" for path in paths))

    def post(self, service: str, path: str, body: Any) -> Json:
        """A request to a Service by way of the API server, which knows it by the name of its port."""
        address = f"/api/v1/namespaces/{self.namespace}/services/{service}:http/proxy{path}"
        answer: Json = json.loads(self.run("create", f"--raw={address}", "--filename=-", stdin=json.dumps(body)))
        return answer

    def explain(self) -> str:
        """Everything that helps to understand a failure in this namespace."""
        looks = (
            ("get", "modeldeployments.serin.dev,rollouts.serin.dev", "--output=yaml"),
            ("get", "pods,deployments,services,replicasets", "--output=wide", "--show-labels"),
            ("get", "events", "--sort-by=.lastTimestamp"),
        )
        return "\n".join(f"$ kubectl {' '.join(look)}\n{self.try_run(*look)}" for look in looks)

    def try_run(self, *arguments: str) -> str:
        """What it prints, or what went wrong: for the report of a failure."""
        try:
            return self.run(*arguments)
        except KubectlError as error:
            return str(error)
