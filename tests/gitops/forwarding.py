"""A Service of the cluster on a port of this machine's loopback, by `kubectl port-forward`."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def forward(namespace: str, service: str, port: int) -> Iterator[str]:
    """`127.0.0.1:PORT`, as long as the block runs."""
    command = ["kubectl", "--namespace", namespace, "port-forward", f"service/{service}", f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()  # Forwarding from 127.0.0.1:40123 -> 8080
            assert line.startswith("Forwarding from 127.0.0.1:"), f"{' '.join(command)}: {line}"
            yield line.split()[2]
        finally:
            process.terminate()
