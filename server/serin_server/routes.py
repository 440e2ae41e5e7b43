"""Path and method to endpoint.

One process serves one model, so all paths are known at the start and finding one is a single look into a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from serin_server.access import BearerToken
from serin_server.endpoints import Endpoints
from serin_server.failures import HttpError, make_failure
from serin_server.request_log import RequestLog
from serin_server.telemetry import Telemetry
from serin_server.wire.application import Answer
from serin_server.wire.request import Request
from serin_server.wire.response import Response

_MODEL_PATH = re.compile(
    rb"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?(?P<verb>/infer|/ready|/stats|/config)?"
)


@dataclass(frozen=True, slots=True)
class Route:
    method: bytes
    endpoint: Callable[[Request], Answer]
    is_open: bool = False
    """Answered without a token: probes and scrapes come from the cluster, which has none."""
    counted_as: str | None = None
    """The `method` label of the request counter; None for what is not inference."""

    def takes(self, method: bytes) -> bool:
        return method == self.method or (method == b"HEAD" and self.method == b"GET")

    @property
    def allowed(self) -> str:
        return "GET, HEAD" if self.method == b"GET" else self.method.decode()


class Router:
    def __init__(
        self,
        endpoints: Endpoints,
        telemetry: Telemetry,
        names: tuple[str, str],
        token: BearerToken | None = None,
        request_log: RequestLog | None = None,
        scrape: Callable[[Request], Answer] | None = None,
    ) -> None:
        """`names`: of the model and its version. `scrape`: the metrics of more than this process."""
        model, version = names
        self._token = token
        self._request_log = request_log
        self._telemetry = telemetry
        self._model = model
        self._version = version
        self._table = make_table(endpoints, model, version)
        if scrape is not None:
            self._table[b"/metrics"] = Route(b"GET", scrape, is_open=True)

    def handle(self, request: Request) -> Answer:
        try:
            route = self._find(request)
            if self._token is not None and not route.is_open:
                self._token.check(request)
            return route.endpoint(request)
        except Exception as error:  # noqa: BLE001 - whatever happens, the client gets an answer
            return make_failure(error, request)

    def record(self, request: Request, status: int, seconds: float, response: Response | None) -> None:
        route = self._table.get(request.path)
        counted_as = route.counted_as if route is not None else _name_of_unknown_inference(request.path)
        if counted_as is not None:
            self._telemetry.record_request(counted_as, status, seconds)
            if self._request_log is not None:
                self._request_log.maybe_write(request, status, seconds, response)

    def _find(self, request: Request) -> Route:
        route = self._table.get(request.path)
        if route is None:
            raise HttpError(404, self._explain_unknown(request.path))
        if not route.takes(request.method):
            allowed = route.allowed
            raise HttpError(
                405, f"expected {allowed}, got {request.method.decode('latin-1')}", b"allow: %s\r\n" % allowed.encode()
            )
        return route

    def _explain_unknown(self, path: bytes) -> str:
        found = _MODEL_PATH.fullmatch(path)
        if found is None:
            return f"nothing is at {_show(path)}; GET / lists what is"
        if found["model"] != self._model.encode():
            return f"Request for unknown model: {_show(found['model'])} is not served here, {self._model!r} is"
        return f"unknown version {_show(found['version'])} of model {self._model!r}: here it is {self._version!r}"


def make_table(endpoints: Endpoints, model: str, version: str) -> dict[bytes, Route]:
    table = {
        b"/": Route(b"GET", endpoints.welcome),
        b"/metrics": Route(b"GET", endpoints.metrics, is_open=True),
        b"/docs": Route(b"GET", endpoints.docs),
        b"/openapi.json": Route(b"GET", endpoints.openapi),
        b"/predict": Route(b"POST", endpoints.predict, counted_as="predict"),
        b"/score": Route(b"POST", endpoints.score, counted_as="predict"),
        b"/v2": Route(b"GET", endpoints.server_metadata),
        b"/v2/health/live": Route(b"GET", endpoints.live, is_open=True),
        b"/v2/health/ready": Route(b"GET", endpoints.ready, is_open=True),
        b"/v2/models": Route(b"GET", endpoints.models),
        b"/v2/models/stats": Route(b"GET", endpoints.model_statistics),
        b"/v2/repository/index": Route(b"POST", endpoints.repository_index),
    }
    for path in (f"/v2/models/{model}".encode(), f"/v2/models/{model}/versions/{version}".encode()):
        table[path] = Route(b"GET", endpoints.model_metadata)
        table[path + b"/stats"] = Route(b"GET", endpoints.model_statistics)
        table[path + b"/config"] = Route(b"GET", endpoints.model_configuration)
        table[path + b"/ready"] = Route(b"GET", endpoints.model_ready, is_open=True)
        table[path + b"/infer"] = Route(b"POST", endpoints.infer, counted_as="infer")
    return table


def _name_of_unknown_inference(path: bytes) -> str | None:
    found = _MODEL_PATH.fullmatch(path)
    return "infer" if found is not None and found["verb"] == b"/infer" else None


def _show(name: bytes) -> str:
    return repr(name.decode("utf-8", "replace"))
