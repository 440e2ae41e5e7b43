"""What each call of the protocol answers: bytes of the request to bytes of the answer, without a socket."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from time import perf_counter

from google.protobuf.message import DecodeError

from serin_server import __version__
from serin_server.dispatch import Dispatcher
from serin_server.grpc import inference_pb2 as pb
from serin_server.grpc.method import Answer, Method
from serin_server.grpc.status import CallError, Status
from serin_server.grpc.tensors import choose_outputs, decode_feeds, encode_outputs
from serin_server.job import Job
from serin_server.lifecycle import Lifecycle
from serin_server.oip.datatypes import Array
from serin_server.oip.encode import make_model_metadata
from serin_server.oip.errors import InvalidRequestError
from serin_server.served_model import ServedModel
from serin_server.wire.request import Request
from serin_server.wire.response import Response

_LOG = logging.getLogger(__name__)

SERVICE_NAME: str = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name


class InferenceService:
    def __init__(self, name: str, version: str, lifecycle: Lifecycle, dispatcher: Dispatcher) -> None:
        self._name = name
        self._version = version
        self._lifecycle = lifecycle
        self._dispatcher = dispatcher

    @property
    def methods(self) -> Iterable[Method]:
        path = f"/{SERVICE_NAME}/".encode()
        yield Method(path + b"ServerLive", self._server_live, is_open=True)
        yield Method(path + b"ServerReady", self._server_ready, is_open=True)
        yield Method(path + b"ModelReady", self._model_ready, is_open=True)
        yield Method(path + b"ServerMetadata", self._server_metadata)
        yield Method(path + b"ModelMetadata", self._model_metadata)
        yield Method(path + b"ModelInfer", self._model_infer, is_inference=True)

    # -- health and metadata --------------------------------------------------------------------------------------

    def _server_live(self, _: bytes) -> bytes:
        return pb.ServerLiveResponse(live=True).SerializeToString()

    def _server_ready(self, _: bytes) -> bytes:
        return pb.ServerReadyResponse(ready=self._lifecycle.phase.is_ready).SerializeToString()

    def _server_metadata(self, _: bytes) -> bytes:
        return pb.ServerMetadataResponse(name="serin", version=__version__).SerializeToString()

    def _model_ready(self, message: bytes) -> bytes:
        request = pb.ModelReadyRequest.FromString(message)
        self._check_name(request.name, request.version)
        return pb.ModelReadyResponse(ready=self._lifecycle.phase.is_ready).SerializeToString()

    def _model_metadata(self, message: bytes) -> bytes:
        request = pb.ModelMetadataRequest.FromString(message)
        self._check_name(request.name, request.version)
        metadata = make_model_metadata(self._name, self._version, self._require_model().signature)
        return pb.ModelMetadataResponse(**metadata).SerializeToString()

    # -- inference ------------------------------------------------------------------------------------------------

    def _model_infer(self, message: bytes) -> Answer:
        request = pb.ModelInferRequest.FromString(message)
        self._check_name(request.model_name, request.model_version)
        model = self._require_model()
        feeds = decode_feeds(request, model.signature)
        wanted = choose_outputs(request, model.signature)

        def render(outputs: dict[str, Array]) -> Response:
            response = pb.ModelInferResponse(model_name=model.name, model_version=model.version, id=request.id)
            encode_outputs(outputs, response, wants_raw=bool(request.raw_input_contents))
            return Response(200, response.SerializeToString())

        return self._dispatcher.submit(model, Job(_make_origin(), feeds, wanted, render))

    def _check_name(self, name: str, version: str) -> None:
        if name != self._name:
            raise CallError(
                Status.NOT_FOUND, f"Request for unknown model: {name!r} is not served here, {self._name!r} is"
            )
        if version not in ("", self._version):
            raise CallError(
                Status.NOT_FOUND, f"unknown version {version!r} of model {name!r}: here it is {self._version!r}"
            )

    def _require_model(self) -> ServedModel:
        if self._lifecycle.model is None:
            raise CallError(Status.UNAVAILABLE, self._lifecycle.phase.value)
        return self._lifecycle.model


def _make_origin() -> Request:
    """What a run knows of the request it is for: when it came, and what the log calls it."""
    request = Request()
    request.method, request.path = b"gRPC", b"ModelInfer"
    request.received_at = perf_counter()
    return request


def make_failure(error: Exception, path: bytes, request_bytes: int) -> CallError:
    """`path`: of the method that was called."""
    name = path.decode("latin-1").rpartition("/")[2]
    if isinstance(error, CallError):
        return error
    if isinstance(error, DecodeError):
        return CallError(Status.INVALID_ARGUMENT, f"the message is not a {name} request: {error}")
    if isinstance(error, InvalidRequestError):
        return CallError(Status.INVALID_ARGUMENT, str(error))
    error_id = uuid.uuid4().hex[:12]
    facts = {"error_id": error_id, "request": f"<{name} {request_bytes} bytes>"}
    _LOG.error("call failed", exc_info=error, extra={"facts": facts})
    return CallError(
        Status.INTERNAL, f"the model or the server failed; the log has the details under the id {error_id}"
    )
