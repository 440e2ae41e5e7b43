"""What each call of the protocol answers: bytes of the request to bytes of the answer, without a socket.

Messages are parsed and written here rather than by grpcio, so that one that cannot be parsed is answered and counted
like any other bad request.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from time import perf_counter
from typing import Any

from google.protobuf.message import DecodeError, Message

from serin_server import __version__
from serin_server.grpc import inference_pb2 as pb
from serin_server.grpc.status import CallError, Status
from serin_server.grpc.tensors import choose_outputs, decode_feeds, encode_outputs
from serin_server.inference.engine import RefusedInputError
from serin_server.lifecycle import Lifecycle
from serin_server.oip.encode import make_model_metadata
from serin_server.oip.errors import InvalidRequestError
from serin_server.served_model import ServedModel
from serin_server.telemetry import Telemetry

_LOG = logging.getLogger(__name__)

SERVICE_NAME: str = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name

Answer = Message | Coroutine[Any, Any, Message]


class InferenceService:
    def __init__(self, name: str, version: str, lifecycle: Lifecycle, telemetry: Telemetry, pool: Executor) -> None:
        self._name = name
        self._version = version
        self._lifecycle = lifecycle
        self._telemetry = telemetry
        self._pool = pool
        self._calls: dict[str, tuple[type[Message], Callable[[Any], Answer]]] = {
            "ServerLive": (pb.ServerLiveRequest, self._server_live),
            "ServerReady": (pb.ServerReadyRequest, self._server_ready),
            "ServerMetadata": (pb.ServerMetadataRequest, self._server_metadata),
            "ModelReady": (pb.ModelReadyRequest, self._model_ready),
            "ModelMetadata": (pb.ModelMetadataRequest, self._model_metadata),
            "ModelInfer": (pb.ModelInferRequest, self._model_infer),
        }
        self.names = tuple(self._calls)

    async def call(self, name: str, request: bytes) -> bytes:
        """Raises nothing but CallError, and CancelledError when the client no longer waits."""
        start = perf_counter()
        status = Status.CANCELLED
        try:
            message, answer = self._calls[name]
            answered = answer(message.FromString(request))
            response = (answered if isinstance(answered, Message) else await answered).SerializeToString()
            status = Status.OK
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

        def run() -> Message:
            outputs = model.engine.run(feeds, wanted)
            response = pb.ModelInferResponse(model_name=model.name, model_version=model.version, id=request.id)
            encode_outputs(outputs, response, wants_raw=bool(request.raw_input_contents))
            return response

        return run() if model.runs_inline(feeds) else self._run_in_pool(run)

    async def _run_in_pool(self, run: Callable[[], Message]) -> Message:
        self._telemetry.record_started()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, run)
        finally:
            self._telemetry.record_finished()

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


def make_failure(error: Exception, name: str, request_bytes: int) -> CallError:
    if isinstance(error, CallError):
        return error
    if isinstance(error, DecodeError):
        return CallError(Status.INVALID_ARGUMENT, f"the message is not a {name} request: {error}")
    if isinstance(error, InvalidRequestError | RefusedInputError):
        return CallError(Status.INVALID_ARGUMENT, str(error))
    error_id = uuid.uuid4().hex[:12]
    facts = {"error_id": error_id, "request": f"<{name} {request_bytes} bytes>"}
    _LOG.error("call failed", exc_info=error, extra={"facts": facts})
    return CallError(
        Status.INTERNAL, f"the model or the server failed; the log has the details under the id {error_id}"
    )
