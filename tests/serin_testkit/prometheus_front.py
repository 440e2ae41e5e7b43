"""The scripted Prometheus behind Prometheus's own HTTP interface, so that real queries reach it and can be counted."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from serin_testkit.scripted_prometheus import SLOW, ScriptedPrometheus

_PODS = re.compile(r'pod=~"([^"]*)"')
_NAMESPACE = re.compile(r'namespace=~"([^"]*)"')


class PrometheusFront:
    """Knows Serin's counters of requests and of latencies; `queries` are those for the latest samples."""

    def __init__(self, script: ScriptedPrometheus) -> None:
        self.queries: list[str] = []
        self._script = script
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(urlsplit(self.path).query)

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def _answer(self, asked: str) -> None:
                found = []
                if urlsplit(self.path).path.endswith("/query"):
                    found = front._find(parse_qs(asked)["query"][0])
                body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": found}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def serve(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _find(self, query: str) -> list[Any]:
        self.queries.append(query)
        pods, namespace = _PODS.search(query), _NAMESPACE.search(query)
        assert pods is not None, query
        assert namespace is not None, query
        found = []
        for pod in pods[1].split("|"):
            reading = self._script._readings.get(pod)
            if reading is None:
                continue
            if query.startswith("serin_requests_total"):
                counts = {"200": reading.total - reading.failed, "500": reading.failed}
                series = [({"code": code}, count) for code, count in counts.items()]
            else:
                slower = {f"{bound:g}": int(reading.total * share) for bound, share in SLOW.items()}
                series = [({"le": le}, reading.total - slow) for le, slow in {**slower, "+Inf": 0}.items()]
            for labels, value in series:
                metric = {"namespace": namespace[1], "pod": pod, **labels}
                found.append({"metric": metric, "values": [[reading.at_seconds, str(value)]]})
        return found
