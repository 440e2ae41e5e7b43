"""Header blocks out of HEADERS and the CONTINUATION frames behind it."""

from __future__ import annotations

from serin_server.http2 import frames
from serin_server.http2.frames import BrokenRuleError, ErrorCode

_PRIORITY_BYTES = 5

Block = tuple[int, bytes]
"""The flags of HEADERS and the whole block."""


class HeaderBlocks:
    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces = b""
        self._flags = 0
        self.open_stream = 0
        """Whose block is to be continued by the next frame; 0: none."""

    def begin(self, flags: int, stream_id: int, payload: bytes) -> Block | None:
        """None: it is not complete."""
        if not stream_id & 1:
            raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"HEADERS on stream {stream_id}")
        if flags & frames.PADDED:
            payload = cut_padding(payload)
        if flags & frames.WITH_PRIORITY:
            if len(payload) < _PRIORITY_BYTES:
                raise BrokenRuleError(ErrorCode.FRAME_SIZE_ERROR, "HEADERS with a priority that is cut off")
            if int.from_bytes(payload[:4], "big") & frames.MAX_STREAM_ID == stream_id:
                raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, f"stream {stream_id} depends on itself")
            payload = payload[_PRIORITY_BYTES:]
        if flags & frames.END_HEADERS:
            return flags, payload
        self._pieces, self._flags, self.open_stream = payload, flags, stream_id
        return None

    def go_on(self, flags: int, payload: bytes) -> Block | None:
        self._pieces += payload
        if len(self._pieces) > self._max_bytes:
            raise BrokenRuleError(ErrorCode.ENHANCE_YOUR_CALM, "the headers are too large")
        if not flags & frames.END_HEADERS:
            return None
        block, self._pieces, self.open_stream = self._pieces, b"", 0
        return self._flags, block


def cut_padding(payload: bytes) -> bytes:
    if not payload or payload[0] >= len(payload):
        raise BrokenRuleError(ErrorCode.PROTOCOL_ERROR, "more padding than frame")
    return payload[1 : len(payload) - payload[0]]
