"""What each call of the protocol answers: bytes of the request to bytes of the answer, without a socket.

Messages are parsed and written here rather than by grpcio, so that one that cannot be parsed is answered and counted
like any other bad request.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from time import perf_counter
from typing import Any

import orjson
from google.protobuf.message import DecodeError, Message

from serin_server import __version__
from serin_server.dispatch import Dispatcher
from serin_server.grpc import inference_pb2 as pb
from serin_server.grpc.status import CallError, Status
from serin_server.grpc.tensors import choose_outputs, decode_feeds, encode_outputs
from serin_server.job import Job
from serin_server.lifecycle import Lifecycle
from serin_server.oip.datatypes import Array
from serin_server.oip.encode import make_model_metadata
from serin_server.oip.errors import InvalidRequestError
from serin_server.served_model import ServedModel
from serin_server.telemetry import Telemetry
from serin_server.wire.application import PendingResponse
from serin_server.wire.request import Request
from serin_server.wire.response import Response

_LOG = logging.getLogger(__name__)

SERVICE_NAME: str = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name

Answer = Message | Response | PendingResponse
"""The two last come from a run of the model, which does not know who asked for it."""


class InferenceService:
    def __init__(
        self, name: str, version: str, lifecycle: Lifecycle, telemetry: Telemetry, dispatcher: Dispatcher
    ) -> None:
        self._name = name
        self._version = version
        self._lifecycle = lifecycle
        self._telemetry = telemetry
        self._dispatcher = dispatcher
        self._calls: dict[str, tuple[type[Message], Callable[[Any], Answer]]] = {
            "ServerLive": (pb.ServerLiveRequest, self._server_live),
            "ServerReady": (pb.ServerReadyRequest, self._server_ready),
            "ServerMetadata": (pb.ServerMetadataRequest, self._server_metadata),
            "ModelReady": (pb.ModelReadyRequest, self._model_ready),
            "ModelMetadata": (pb.ModelMetadataRequest, self._model_metadata),
            "ModelInfer": (pb.ModelInferRequest, self._model_infer),
        }
        self.names = tuple(self._calls)

    async def call(self, name: str, request: bytes, is_late: Callable[[], bool]) -> bytes:
        """Raises nothing but CallError, and CancelledError when the client no longer waits.

        `is_late`: whether that is because its deadline has passed.
        """
        start = perf_counter()
        status = Status.CANCELLED
        try:
            message, answer = self._calls[name]
            response = await _take(answer(message.FromString(request)))
            status = Status.OK
        except asyncio.CancelledError:
            if is_late():
                status = Status.DEADLINE_EXCEEDED
            raise
        except Exception as error:
            failure = make_failure(error, name, len(request))
            status = failure.status
            raise failure from error
        finally:
            if name == "ModelInfer":
                self._telemetry.record_request("infer", status.value, perf_counter() - start, protocol="grpc")
        return response

    # -- health and metadata --------------------------------------------------------------------------------------

    def _server_live(self, _: pb.ServerLiveRequest) -> Message:
        return pb.ServerLiveResponse(live=True)

    def _server_ready(self, _: pb.ServerReadyRequest) -> Message:
        return pb.ServerReadyResponse(ready=self._lifecycle.phase.is_ready)

    def _server_metadata(self, _: pb.ServerMetadataRequest) -> Message:
        return pb.ServerMetadataResponse(name="serin", version=__version__)

    def _model_ready(self, request: pb.ModelReadyRequest) -> Message:
        self._check_name(request.name, request.version)
        return pb.ModelReadyResponse(ready=self._lifecycle.phase.is_ready)

    def _model_metadata(self, request: pb.ModelMetadataRequest) -> Message:
        self._check_name(request.name, request.version)
        return pb.ModelMetadataResponse(
            **make_model_metadata(self._name, self._version, self._require_model().signature)
        )

    # -- inference ------------------------------------------------------------------------------------------------

    def _model_infer(self, request: pb.ModelInferRequest) -> Answer:
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


async def _take(answer: Answer) -> bytes:
    if isinstance(answer, Message):
        return answer.SerializeToString()
    if isinstance(answer, PendingResponse):
        settled: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        answer.when_settled(lambda response: None if settled.done() else settled.set_result(response))
        answer = await settled
    if answer.status != Status.OK.value:
        raise CallError(Status(answer.status), orjson.loads(answer.body)["error"])
    return answer.body


def _make_origin() -> Request:
    """What a run knows of the request it is for: when it came, and what the log calls it."""
    request = Request()
    request.method, request.path = b"gRPC", b"ModelInfer"
    request.received_at = perf_counter()
    return request


def make_failure(error: Exception, name: str, request_bytes: int) -> CallError:
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
