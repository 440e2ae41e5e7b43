"""The only way to the cluster: the program kubectl, with the KUBECONFIG of the environment."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CALL_TIMEOUT_SECONDS = 60


class KubectlError(Exception):
    """A call that failed, with what kubectl said."""


@dataclass(frozen=True)
class Kubectl:
    namespace: str
    program: str = "kubectl"

    def run(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = CALL_TIMEOUT_SECONDS) -> str:
        command = [self.program, "--namespace", self.namespace, *arguments]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, text=True, timeout=timeout_seconds, check=False
            )
        except FileNotFoundError as error:
            raise KubectlError(f"{self.program}: no such program; name it with --kubectl") from error
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"{' '.join(command)}: no answer within {timeout_seconds:.0f} s") from error
        if done.returncode:
            raise KubectlError(f"{' '.join(command)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
        return done.stdout

    def read(self, *arguments: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.run(*arguments, "--output", "json"))
        return content

    def apply_object(self, content: Mapping[str, Any]) -> None:
        self.run("apply", "--filename", "-", stdin=json.dumps(content))

    def apply_files(self, *paths: Path) -> None:
        self.run("apply", *(f"--filename={path}" for path in paths))
