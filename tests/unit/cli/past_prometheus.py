"""A Prometheus on loopback that answers range queries of `kubectl serin judge` with what two pods had counted."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BEGIN, STEP = 1795334400, 10
"""2026-11-22T08:00Z."""

LONG_AGO = BEGIN - 100_000
"""When the pods began to count."""


class PastPrometheus:
    """Of each role's 100 events a step and pod the `share` has one value of a label, the others have the other."""

    def __init__(self, label: str, values: tuple[str, str], share: Mapping[str, float]) -> None:
        """`share` by role, of the first of the two values."""
        self.queries: list[str] = []
        self.warnings: list[str] = []
        self.share = dict(share)
        self._label = label
        self._values = values
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> "Iterator[PastPrometheus]":
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def answer(self, asked: Mapping[str, str]) -> dict[str, Any]:
        self.queries.append(asked["query"])
        moments = range(round(float(asked["start"])), round(float(asked["end"])) + 1, STEP)
        roles = [role for role in self.share if role in asked["query"]]
        result = [series for role in roles[:1] for series in self._count(role, moments)]
        return {"status": "success", "warnings": self.warnings, "data": {"resultType": "matrix", "result": result}}

    def _count(self, role: str, moments: Iterable[int]) -> Iterator[dict[str, Any]]:
        shares = (self.share[role], 1 - self.share[role])
        for number in (1, 2):
            for value, share in zip(self._values, shares, strict=True):
                counted = [[at, str(round(100 * share) * (at - LONG_AGO) // STEP)] for at in moments]
                yield {"metric": {"pod": f"{role}-{number}", self._label: value}, "values": counted}


def _make_handler(prometheus: PastPrometheus) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = json.dumps(prometheus.answer(asked)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
