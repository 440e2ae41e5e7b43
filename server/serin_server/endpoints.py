"""What each endpoint answers. Paths and methods are in `routes`."""

from __future__ import annotations

from typing import Any

from serin_server import __version__
from serin_server.content_coding import compress
from serin_server.csv_rows import decode_csv
from serin_server.dispatch import Dispatcher
from serin_server.docs_page import make_example, render_docs_page
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
from serin_server.openapi import make_openapi
from serin_server.predictions import make_predictions
from serin_server.request_body import is_csv, take_csv, take_json, take_tensors
from serin_server.rows import decode_rows
from serin_server.served_model import ServedModel
from serin_server.telemetry import CONTENT_TYPE, Telemetry
from serin_server.triton_reports import (
    make_configuration,
    make_repository_index,
    make_statistics,
    wants_only_ready_models,
)
from serin_server.wire.application import Answer
from serin_server.wire.request import Request
from serin_server.wire.response import Response

EXTENSIONS = ("binary_tensor_data", "statistics", "model_configuration")

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
                    "score": "POST /score",
                    "docs": "GET /docs",
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

    def model_statistics(self, _: Request) -> Response:
        self._require_model()
        return _json(make_statistics(self._name, self._version, self._telemetry.observe_totals()))

    def model_configuration(self, _: Request) -> Response:
        return _json(make_configuration(self._name, self._require_model().signature))

    def repository_index(self, request: Request) -> Response:
        phase = self._lifecycle.phase
        index = make_repository_index(self._name, self._version, phase.value, is_ready=phase.is_ready)
        wants_only_ready = wants_only_ready_models(request.body)
        return _json([] if wants_only_ready and not phase.is_ready else index)

    def openapi(self, _: Request) -> Response:
        return _json(make_openapi(self._name, self._version, self._require_model().signature))

    def docs(self, _: Request) -> Response:
        openapi = make_openapi(self._name, self._version, self._require_model().signature)
        rows = openapi["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        return Response(200, render_docs_page(openapi, make_example(rows)), b"text/html; charset=utf-8")

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
        return self._answer_rows(request, model, feeds)

    def score(self, request: Request) -> Answer:
        if not is_csv(request):
            return self.predict(request)
        model = self._require_model()
        feeds = decode_csv(take_csv(request, self._max_body_bytes), model.signature)
        return self._answer_rows(request, model, feeds)

    def _answer_rows(self, request: Request, model: ServedModel, feeds: dict[str, Array]) -> Answer:
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
