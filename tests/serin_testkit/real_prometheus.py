"""A real Prometheus, or a VictoriaMetrics, on loopback that scrapes pods which a test has made up.

Each pod is a page of one small exporter, found by a file of targets. The pods' labels are those that a Prometheus in a
cluster gives. Scrapes come every second, so a test waits for them and never for the clock.
"""

import asyncio
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import requests
from serin.adapters.prometheus_session import TENANT_HEADER

PATIENCE_SECONDS = 60.0
"""For a machine that has better things to do."""

CONFIGURATION = """
global: {scrape_interval: 1s, scrape_timeout: 1s, external_labels: {cluster: test}}
scrape_configs:
- job_name: pods
  file_sd_configs: [{files: [targets.json]REFRESH}]
"""


class RealPrometheus:
    """`url` answers; `pages` is what each pod shows when it is scraped, by namespace and name."""

    program = "prometheus"
    refresh = ", refresh_interval: 1s"
    options: tuple[str, ...] = ("--config.file=prometheus.yml", "--storage.tsdb.path=data")
    address_option = "--web.listen-address"
    more_configuration = ""
    tenant: str | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.pages: dict[tuple[str, str], str] = {}
        self.address = f"127.0.0.1:{find_free_port()}"
        self.url = f"http://{self.address}"
        self._exporter = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self.pages))
        self._processes: list[subprocess.Popen[bytes]] = []

    @classmethod
    @contextmanager
    def run(cls, folder: Path) -> "Iterator[Self]":
        prometheus = cls(folder)
        exporter = threading.Thread(target=prometheus._exporter.serve_forever, kwargs={"poll_interval": 0.05})
        exporter.start()
        configuration = CONFIGURATION.replace("REFRESH", cls.refresh) + prometheus.more_configuration
        (folder / "prometheus.yml").write_text(configuration)
        (folder / "targets.json").write_text("[]")
        try:
            prometheus.start()
            yield prometheus
        finally:
            prometheus.stop()
            prometheus._exporter.shutdown()
            prometheus._exporter.server_close()
            exporter.join()

    def start(self) -> None:
        self._begin(self.program, *self.options, f"{self.address_option}={self.address}")
        self._until(f"{self.program} is ready", lambda: requests.get(f"http://{self.address}/-/ready", timeout=5).ok)

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(PATIENCE_SECONDS)
        self._processes.clear()

    def _begin(self, program: str, *arguments: str) -> None:
        with (self._folder / f"{program}.log").open("ab") as log:
            command = [find_program(program), *arguments]
            self._processes.append(subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log))

    def show(self, namespace: str, pod: str, page: str) -> None:
        """The pod shows this page from now on; a new pod is a new target."""
        is_new = (namespace, pod) not in self.pages
        self.pages[namespace, pod] = page
        if is_new:
            self._write_targets()

    def remove(self, namespace: str, pod: str) -> None:
        """The pod is gone from the cluster, and so from the targets."""
        del self.pages[namespace, pod]
        self._write_targets()

    def _write_targets(self) -> None:
        host, port = self._exporter.server_address[:2]
        targets = [
            {
                "targets": [f"{host!s}:{port}"],
                "labels": {"__metrics_path__": f"/{namespace}/{pod}", "namespace": namespace, "pod": pod},
            }
            for namespace, pod in self.pages
        ]
        new = self._folder / "targets.json.new"
        new.write_text(json.dumps(targets))
        new.replace(self._folder / "targets.json")

    async def until_scraped(self, namespace: str, *pods: str, after: float | None = None) -> None:
        """Until each of these pods has been scraped since `after`, a Unix time; now when left out."""
        since = time.time() if after is None else after

        def look() -> bool:
            self._make_scrapes_visible()
            wanted = "|".join(pods)
            # The samples themselves, as Serin asks for them: VictoriaMetrics hides the newest 30 s from other queries.
            found = self.query(f'up{{namespace="{namespace}",pod=~"{wanted}"}}[1m]')
            return len(found) == len(pods) and all(float(series["values"][-1][0]) > since for series in found)

        await asyncio.to_thread(self._until, f"scrapes of {namespace}: {pods}", look)

    def _make_scrapes_visible(self) -> None:
        """What has been scraped can be asked for, as far as this program needs to be told."""

    def query(self, query: str) -> Any:
        headers = {TENANT_HEADER: self.tenant} if self.tenant else {}
        answer = requests.get(f"{self.url}/api/v1/query", {"query": query}, headers=headers, timeout=10)
        return answer.json()["data"]["result"]

    def _until(self, what: str, look: Any) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if look():
                    return
            except (requests.ConnectionError, requests.Timeout):
                pass
            time.sleep(0.1)
        raise AssertionError(f"not within {PATIENCE_SECONDS:.0f} s: {what}; see the logs in {self._folder}")


class RealVictoriaMetrics(RealPrometheus):
    program = "victoria-metrics"
    refresh = ""
    options = ("-promscrape.config=prometheus.yml", "-promscrape.fileSDCheckInterval=1s", "-storageDataPath=data")
    address_option = "-httpListenAddr"

    def _make_scrapes_visible(self) -> None:
        requests.get(f"{self.url}/internal/force_flush", timeout=10)  # else it does so now and then: 10 s a test


def find_program(name: str) -> str:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    program = cache / "serin/extras" / name
    assert program.exists(), f"there is no {program}: run hack/cluster/extra {name}"
    return str(program)


def find_free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _make_handler(pages: dict[tuple[str, str], str]) -> type[BaseHTTPRequestHandler]:
    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            namespace, _, pod = self.path.strip("/").partition("/")
            page = pages.get((namespace, pod))
            body = (page or "").encode()
            self.send_response(200 if page is not None else 503)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Exporter
