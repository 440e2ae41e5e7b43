"""A call with several messages, in either direction: health watches and reflection. All of them are small."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from serin_server.grpc.answer_headers import make_head, make_refusal, make_trailers
from serin_server.grpc.messages import MessageReader, frame_message
from serin_server.grpc.method import CallHead
from serin_server.grpc.service import make_failure
from serin_server.grpc.status import CallError, Status
from serin_server.http2.connection import Connection
from serin_server.http2.stream import Stream

if TYPE_CHECKING:
    from serin_server.grpc.application import GrpcApplication

_MAX_MESSAGE_BYTES = 64 * 1024
_MAX_BACKLOG_BYTES = 1024 * 1024


class StreamingCall:
    def __init__(self, application: GrpcApplication, stream: Stream, connection: Connection, head: CallHead) -> None:
        assert head.method is not None
        assert head.method.converse is not None
        self._stream = stream
        self._connection = connection
        self._head = head
        self._path = head.method.path
        self._reader = MessageReader(head.coding, _MAX_MESSAGE_BYTES)
        self._has_sent = False
        self._is_over = False
        self._deadline: asyncio.TimerHandle | None = None
        self._conversation = head.method.converse(self)
        if head.timeout_seconds is not None:
            self._deadline = application.loop.call_later(head.timeout_seconds, self._be_late)

    def receive(self, data: bytes, *, is_end: bool) -> None:
        if self._is_over:
            return
        try:
            self._reader.feed(data)
            while (message := self._reader.take()) is not None and not self._is_over:
                self._conversation.receive(message)
            if is_end and not self._is_over:
                self._reader.check_end()
                self._conversation.end()
        except Exception as error:  # noqa: BLE001 - whatever happens, the client gets an answer
            self.finish(make_failure(error, self._path, len(data)))
        else:
            if data and not is_end:
                self._stream.began_at = float("inf")  # It may stay open as long as the client likes.
                self._connection.give_window(self._stream, len(data))

    def send(self, message: bytes) -> None:
        if self._is_over:
            return
        if len(self._stream.backlog) > _MAX_BACKLOG_BYTES:
            self.finish(CallError(Status.RESOURCE_EXHAUSTED, "the answers are not being read"))
            return
        head = b"" if self._has_sent else make_head(self._head.coding)
        self._has_sent = True
        self._connection.sender.send(self._stream, head, frame_message(message, self._head.coding), None)

    def finish(self, error: CallError | None = None) -> None:
        if self._is_over:
            return
        self.give_up()
        if self._has_sent:
            self._connection.sender.send(self._stream, b"", b"", make_trailers(error))
        elif error is not None:
            self._connection.sender.send(self._stream, b"", b"", make_refusal(error))
        else:
            self._connection.sender.send(self._stream, make_head(self._head.coding), b"", make_trailers(None))

    def give_up(self) -> None:
        self._is_over = True
        if self._deadline is not None:
            self._deadline.cancel()
        self._conversation.give_up()

    def time_out(self) -> None:
        self.finish(CallError(Status.DEADLINE_EXCEEDED, "the request did not arrive in time"))

    def _be_late(self) -> None:
        self.finish(CallError(Status.DEADLINE_EXCEEDED, "the deadline of the call has passed"))
