"""Requests of HTTP/2 to calls of gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import perf_counter

from serin_server.access import BearerToken
from serin_server.grpc.answer_headers import make_http_refusal, make_refusal
from serin_server.grpc.call_record import CallRecord
from serin_server.grpc.method import CallHead, HeadReader, Method
from serin_server.grpc.streaming_call import StreamingCall
from serin_server.grpc.unary_call import UnaryCall
from serin_server.http2.connection import Connection
from serin_server.http2.headers import Headers
from serin_server.http2.limits import Limits
from serin_server.http2.stream import Stream


class GrpcApplication:
    def __init__(
        self, methods: Iterable[Method], limits: Limits, record: CallRecord, token: BearerToken | None = None
    ) -> None:
        table = {method.path: method for method in methods}
        self._reader = HeadReader(table, token, limits.max_header_list_bytes)
        self.max_message_bytes = limits.max_message_bytes
        self.record = record
        self.loop = asyncio.get_running_loop()

    def interpret(self, headers: Headers) -> CallHead:
        return self._reader.read(headers)

    def open(self, stream: Stream, connection: Connection, head: CallHead) -> None:
        if head.method is None or head.refusal is not None:
            self._refuse(stream, connection, head)
        elif head.method.answer is not None:
            stream.receiver = UnaryCall(self, stream, connection, head)
        else:
            stream.receiver = StreamingCall(self, stream, connection, head)

    def _refuse(self, stream: Stream, connection: Connection, head: CallHead) -> None:
        """Before anything of the request but its head has been looked at."""
        if head.refusal is None:
            block = make_http_refusal(head.http_status)
        else:
            block = make_refusal(head.refusal)
            if head.method is not None and head.method.is_inference:
                self.record.write(head, head.refusal.status, perf_counter())
        connection.sender.send(stream, b"", b"", block)
