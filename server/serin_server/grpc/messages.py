"""Messages of gRPC in the data of a stream: a flag (1: compressed), the length in four bytes, the message."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from serin_server.grpc.method import IDENTITY
from serin_server.grpc.status import CallError, Status

PREFIX: Final = struct.Struct(">BL")

_WINDOW_BITS: Final = {b"gzip": 31, b"deflate": 15}
_LEAST_BYTES: Final = 1400
"""About one packet: what fits into it travels no faster when it is shorter."""
_LEVEL: Final = 1
"""Numbers hardly shrink further with more effort."""


class MessageReader:
    def __init__(self, coding: bytes, max_bytes: int) -> None:
        self._coding = coding
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._size: int | None = None
        """Of the message that is coming, with its prefix; None: not known yet."""

    @property
    def missing_bytes(self) -> int | None:
        """Of the message that is coming; None: not known."""
        return None if self._size is None else self._size - len(self._buffer)

    def feed(self, data: bytes) -> None:
        self._buffer += data
        self._look()

    def take(self) -> bytes | None:
        """The next message, inflated; None: it is not complete. CallError."""
        if self._size is None or len(self._buffer) < self._size:
            return None
        flag, message = self._buffer[0], bytes(memoryview(self._buffer)[PREFIX.size : self._size])
        del self._buffer[: self._size]
        self._size = None
        self._look()
        return self.inflate(message) if flag else message

    def check_end(self) -> None:
        if self._buffer:
            raise CallError(Status.INVALID_ARGUMENT, "the request ends in the middle of a message")

    def inflate(self, message: bytes) -> bytes:
        if self._coding == IDENTITY:
            raise CallError(Status.INTERNAL, "a message is compressed, but grpc-encoding does not say how")
        stream = zlib.decompressobj(_WINDOW_BITS[self._coding])
        try:
            inflated = stream.decompress(message, self._max_bytes + 1)
        except zlib.error as error:
            raise CallError(Status.INVALID_ARGUMENT, f"a message is not {self._coding.decode()}: {error}") from error
        if len(inflated) > self._max_bytes:
            raise CallError(Status.TOO_LARGE, f"a message may have {self._max_bytes} bytes; inflated it has more")
        if not stream.eof or stream.unused_data:
            raise CallError(Status.INVALID_ARGUMENT, f"a message is not {self._coding.decode()}: it ends elsewhere")
        return inflated

    def _look(self) -> None:
        if self._size is not None or len(self._buffer) < PREFIX.size:
            return
        flag, size = PREFIX.unpack_from(self._buffer)
        if flag > 1:
            raise CallError(Status.INTERNAL, f"expected a message, which begins with 0 or 1, got {flag}")
        if size > self._max_bytes:
            raise CallError(Status.TOO_LARGE, f"received message larger than max ({size} vs. {self._max_bytes})")
        self._size = PREFIX.size + size


def frame_message(message: bytes, coding: bytes = IDENTITY) -> bytes:
    if coding == IDENTITY or len(message) < _LEAST_BYTES:
        return PREFIX.pack(0, len(message)) + message
    stream = zlib.compressobj(_LEVEL, wbits=_WINDOW_BITS[coding])
    compressed = stream.compress(message) + stream.flush()
    return PREFIX.pack(1, len(compressed)) + compressed
