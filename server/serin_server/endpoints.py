"""What each endpoint answers. Paths and methods are in `routes`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any

from serin_server import __version__
from serin_server.lifecycle import Lifecycle
from serin_server.oip.datatypes import Array
from serin_server.oip.decode import decode_infer_request
from serin_server.oip.encode import encode_infer_response, encode_json, make_model_metadata
from serin_server.predictions import make_predictions
from serin_server.rows import decode_rows
from serin_server.served_model import ServedModel
from serin_server.telemetry import CONTENT_TYPE, Telemetry
from serin_server.wire.request import Request
from serin_server.wire.response import Response

Answer = Response | Coroutine[Any, Any, Response]

_RETRY_SOON = b"retry-after: 1\r\n"


class HttpError(Exception):
    """An answer other than 200, raised where it is found."""

    def __init__(self, status: int, message: str, headers: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class Endpoints:
    def __init__(self, name: str, version: str, lifecycle: Lifecycle, telemetry: Telemetry, pool: Executor) -> None:
        self._name = name
        self._version = version
        self._lifecycle = lifecycle
        self._telemetry = telemetry
        self._pool = pool

    # -- health and metadata --------------------------------------------------------------------------------------

    def welcome(self, _: Request) -> Response:
        return _json(
            {
                "about": "Serin model server: ONNX models over the Open Inference Protocol V2",
                "model": self._name,
                "version": self._version,
                "state": self._lifecycle.phase.value,
                "endpoints": {
                    "predict": "POST /predict",
                    "infer": f"POST /v2/models/{self._name}/infer",
                    "metadata": f"GET /v2/models/{self._name}",
                    "ready": "GET /v2/health/ready",
                    "metrics": "GET /metrics",
                },
            }
        )

    def live(self, _: Request) -> Response:
        return _json({"live": True})

    def ready(self, _: Request) -> Response:
        return self._readiness({})

    def model_ready(self, _: Request) -> Response:
        return self._readiness({"name": self._name})

    def server_metadata(self, _: Request) -> Response:
        return _json({"name": "serin", "version": __version__, "extensions": []})

    def models(self, _: Request) -> Response:
        return _json({"models": [self._name]})

    def model_metadata(self, _: Request) -> Response:
        return _json(make_model_metadata(self._name, self._version, self._require_model().signature))

    def metrics(self, _: Request) -> Response:
        return Response(200, self._telemetry.render(), CONTENT_TYPE)

    # -- inference ------------------------------------------------------------------------------------------------

    def infer(self, request: Request) -> Answer:
        model = self._require_model()
        require_json(request)
        wanted = decode_infer_request(request.body, model.signature)

        def run() -> Response:
            outputs = model.engine.run(wanted.feeds, wanted.outputs)
            return Response(200, encode_infer_response(model.name, model.version, wanted.id, outputs))

        return self._run(model, wanted.feeds, run)

    def predict(self, request: Request) -> Answer:
        model = self._require_model()
        require_json(request)
        feeds = decode_rows(request.body, model.signature)

        def run() -> Response:
            outputs = model.engine.run(feeds, [spec.name for spec in model.signature.outputs])
            predictions = make_predictions(model.roles, outputs, model.class_labels)
            return _json({"model_name": model.name, "model_version": model.version, **predictions})

        return self._run(model, feeds, run)

    def _run(self, model: ServedModel, feeds: dict[str, Array], run: Callable[[], Response]) -> Answer:
        return run() if model.runs_inline(feeds) else self._run_in_pool(run)

    async def _run_in_pool(self, run: Callable[[], Response]) -> Response:
        self._telemetry.record_started()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, run)
        finally:
            self._telemetry.record_finished()

    def _require_model(self) -> ServedModel:
        if self._lifecycle.model is None:
            raise HttpError(503, self._lifecycle.phase.value, _RETRY_SOON)
        return self._lifecycle.model

    def _readiness(self, body: dict[str, Any]) -> Response:
        phase = self._lifecycle.phase
        if phase.is_ready:
            return _json({**body, "ready": True})
        return Response(503, encode_json({**body, "ready": False, "error": phase.value}), headers=_RETRY_SOON)


def require_json(request: Request) -> None:
    headers = request.headers
    if b"content-length" not in headers and b"transfer-encoding" not in headers:
        raise HttpError(411, "expected a body with Content-Length or Transfer-Encoding: chunked, got neither")
    if b"inference-header-content-length" in headers:
        raise HttpError(415, "expected tensors as JSON, got binary tensor data")
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding != b"identity":
        raise HttpError(415, f"expected a body without Content-Encoding, got {encoding.decode('latin-1')!r}")
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if not _is_taken_for_json(media_type):
        raise HttpError(415, f"expected Content-Type application/json, got {media_type.decode('latin-1')!r}")


def _is_taken_for_json(media_type: bytes) -> bool:
    """`curl -d` says it sends a form unless told otherwise; who posts JSON that way means JSON."""
    return media_type in (b"application/json", b"", b"application/x-www-form-urlencoded") or media_type.endswith(
        b"+json"
    )


def _json(body: object) -> Response:
    return Response(200, encode_json(body))
