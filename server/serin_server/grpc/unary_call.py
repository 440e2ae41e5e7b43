"""A call with one message in each direction."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

import orjson

from serin_server.grpc.answer_headers import OK_TRAILERS, make_head, make_refusal
from serin_server.grpc.messages import PREFIX, MessageReader, frame_message
from serin_server.grpc.method import CallHead
from serin_server.grpc.service import make_failure
from serin_server.grpc.status import CallError, Status
from serin_server.http2.connection import Connection
from serin_server.http2.stream import Stream
from serin_server.wire.application import PendingResponse
from serin_server.wire.response import Response

if TYPE_CHECKING:
    from serin_server.grpc.application import GrpcApplication

_SAME_MOMENT_SECONDS = 0.1
"""The client's own clock, which started earlier, may run out first: its farewell comes just before our deadline."""

_OK = 200


class UnaryCall:
    __slots__ = (
        "_application",
        "_connection",
        "_deadline",
        "_head",
        "_is_over",
        "_message",
        "_opened_at",
        "_pending",
        "_reader",
        "_received_at",
        "_stream",
    )

    def __init__(self, application: GrpcApplication, stream: Stream, connection: Connection, head: CallHead) -> None:
        self._application = application
        self._stream = stream
        self._connection = connection
        self._head = head
        self._opened_at = stream.began_at
        self._reader: MessageReader | None = None
        self._pending: PendingResponse | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._message = b""
        self._received_at = 0.0
        self._is_over = False

    # -- the request ----------------------------------------------------------------------------------------------

    def receive(self, data: bytes, *, is_end: bool) -> None:
        if self._is_over:
            return
        if is_end and self._reader is None and len(data) >= PREFIX.size:
            flag, size = PREFIX.unpack_from(data)
            if not flag and len(data) == PREFIX.size + size <= self._application.max_message_bytes:
                self._answer(data[PREFIX.size :])
                return
        try:
            message = self._collect(data, is_end=is_end)
        except CallError as error:
            self._refuse(error)
            return
        if message is not None:
            self._answer(message)

    def _collect(self, data: bytes, *, is_end: bool) -> bytes | None:
        """The message when it and the request are complete."""
        is_first = self._reader is None
        if self._reader is None:
            self._reader = MessageReader(self._head.coding, self._application.max_message_bytes)
            self._set_deadline()
        is_known = self._reader.missing_bytes is not None
        self._reader.feed(data)
        missing = self._reader.missing_bytes
        if not is_end:
            if missing is not None and (is_first or not is_known) and missing > self._stream.receive_window:
                self._connection.want(self._stream, missing - self._stream.receive_window)
            if missing is not None and missing < 0:
                raise CallError(Status.INVALID_ARGUMENT, "expected one message, got more")
            return None
        message = self._reader.take()
        self._reader.check_end()
        if message is None:
            raise CallError(Status.INVALID_ARGUMENT, "expected one message, got none")
        return message

    def time_out(self) -> None:
        if not self._is_over:
            self._refuse(CallError(Status.DEADLINE_EXCEEDED, "the request did not arrive in time"))

    def give_up(self) -> None:
        if self._is_over:
            return
        timeout = self._head.timeout_seconds
        elapsed = self._application.loop.time() - self._opened_at
        is_late = timeout is not None and elapsed > timeout - _SAME_MOMENT_SECONDS
        self._finish(Status.DEADLINE_EXCEEDED if is_late else Status.CANCELLED, None)

    # -- the answer -----------------------------------------------------------------------------------------------

    def _answer(self, message: bytes) -> None:
        self._message = message
        self._received_at = perf_counter()
        method = self._head.method
        assert method is not None
        assert method.answer is not None
        try:
            answer = method.answer(message)
        except Exception as error:  # noqa: BLE001 - whatever happens, the client gets an answer
            self._refuse(make_failure(error, method.path, len(message)))
            return
        if isinstance(answer, PendingResponse):
            self._pending = answer
            if self._head.timeout_seconds is not None and self._deadline is None:
                self._set_deadline()
            if not self._is_over:
                answer.when_settled(self._take)
        elif isinstance(answer, Response):
            self._take(answer)
        else:
            self._send(answer)

    def _take(self, response: Response) -> None:
        if self._is_over:
            return
        if response.status == _OK:
            self._send(response.body)
        else:
            self._refuse(CallError(Status(response.status), orjson.loads(response.body)["error"]))

    def _send(self, message: bytes) -> None:
        coding = self._head.coding
        self._connection.sender.send(self._stream, make_head(coding), frame_message(message, coding), OK_TRAILERS)
        self._finish(Status.OK, message)

    def _refuse(self, error: CallError) -> None:
        self._is_over = True  # Resetting the rest of the request comes back here.
        self._connection.sender.send(self._stream, b"", b"", make_refusal(error))
        self._finish(error.status, str(error).encode())

    def _finish(self, status: Status, answer: bytes | None) -> None:
        self._is_over = True
        if self._deadline is not None:
            self._deadline.cancel()
        if self._pending is not None and not self._pending.is_settled:
            self._pending.abandon()
        head = self._head
        if head.method is not None and head.method.is_inference:
            received_at = self._received_at or perf_counter()
            self._application.record.write(head, status, received_at, self._message, answer)

    def _set_deadline(self) -> None:
        timeout = self._head.timeout_seconds
        if timeout is not None:
            left = timeout - (self._application.loop.time() - self._opened_at)
            self._deadline = self._application.loop.call_later(max(0.0, left), self._be_late)

    def _be_late(self) -> None:
        if not self._is_over:
            self._refuse(CallError(Status.DEADLINE_EXCEEDED, "the deadline of the call has passed"))
