"""What each endpoint answers. Paths and methods are in `routes`."""

from __future__ import annotations

from typing import Any

from serin_server import __version__
from serin_server.content_coding import compress
from serin_server.dispatch import Dispatcher
from serin_server.failures import HttpError
from serin_server.job import Job
from serin_server.lifecycle import Lifecycle
from serin_server.oip.datatypes import Array
from serin_server.oip.decode import InferRequest
from serin_server.oip.encode import (
    encode_binary_infer_response,
    encode_infer_response,
    encode_json,
    make_model_metadata,
)
from serin_server.predictions import make_predictions
from serin_server.request_body import take_json, take_tensors
from serin_server.rows import decode_rows
from serin_server.served_model import ServedModel
from serin_server.telemetry import CONTENT_TYPE, Telemetry
from serin_server.wire.application import Answer
from serin_server.wire.request import Request
from serin_server.wire.response import Response

EXTENSIONS = ("binary_tensor_data",)

_RETRY_SOON = b"retry-after: 1\r\n"


class Endpoints:
    def __init__(
        self,
        name: str,
        version: str,
        lifecycle: Lifecycle,
        telemetry: Telemetry,
        dispatcher: Dispatcher,
        max_body_bytes: int,
    ) -> None:
        self._name = name
        self._version = version
        self._lifecycle = lifecycle
        self._telemetry = telemetry
        self._dispatcher = dispatcher
        self._max_body_bytes = max_body_bytes

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
        return _json({"name": "serin", "version": __version__, "extensions": list(EXTENSIONS)})

    def models(self, _: Request) -> Response:
        return _json({"models": [self._name]})

    def model_metadata(self, _: Request) -> Response:
        return _json(make_model_metadata(self._name, self._version, self._require_model().signature))

    def metrics(self, _: Request) -> Response:
        return Response(200, self._telemetry.render(), CONTENT_TYPE)

    # -- inference ------------------------------------------------------------------------------------------------

    def infer(self, request: Request) -> Answer:
        model = self._require_model()
        wanted = model.decoder.decode(*take_tensors(request, self._max_body_bytes))

        def render(outputs: dict[str, Array]) -> Response:
            if wanted.binary_outputs:
                return compress(request, _make_binary_response(model, wanted, outputs))
            body = encode_infer_response(model.name, model.version, wanted.id, outputs)
            return compress(request, Response(200, body))

        return self._dispatcher.submit(model, Job(request, wanted.feeds, wanted.outputs, render))

    def predict(self, request: Request) -> Answer:
        model = self._require_model()
        feeds = decode_rows(take_json(request, self._max_body_bytes), model.signature)

        def render(outputs: dict[str, Array]) -> Response:
            predictions = make_predictions(model.roles, outputs, model.class_labels)
            answer = {"model_name": model.name, "model_version": model.version, **predictions}
            return compress(request, _json(answer))

        return self._dispatcher.submit(model, Job(request, feeds, model.signature.output_names, render))

    def _require_model(self) -> ServedModel:
        if self._lifecycle.model is None:
            raise HttpError(503, self._lifecycle.phase.value, _RETRY_SOON)
        return self._lifecycle.model

    def _readiness(self, body: dict[str, Any]) -> Response:
        phase = self._lifecycle.phase
        if phase.is_ready:
            return _json({**body, "ready": True})
        return Response(503, encode_json({**body, "ready": False, "error": phase.value}), headers=_RETRY_SOON)


def _make_binary_response(model: ServedModel, wanted: InferRequest, outputs: dict[str, Array]) -> Response:
    body, json_bytes = encode_binary_infer_response(model.name, model.version, wanted, outputs)
    headers = b"inference-header-content-length: %d\r\n" % json_bytes
    return Response(200, body, b"application/octet-stream", headers)


def _json(body: object) -> Response:
    return Response(200, encode_json(body))
