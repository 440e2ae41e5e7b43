"""The words of HTTP/2: types of frames, flags, settings, error codes, and the frames that this server writes."""

from __future__ import annotations

import enum
import struct
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

HEADER_BYTES: Final = 9
HEADER: Final = struct.Struct(">HBBBL")
"""Length in two pieces (16 and 8 bits), type, flags, stream."""

MAX_FRAME_BYTES: Final = 16_384
"""Of a payload: what every peer must take and this server does not raise for itself."""

MAX_STREAM_ID: Final = 2**31 - 1
MAX_WINDOW_BYTES: Final = 2**31 - 1
DEFAULT_WINDOW_BYTES: Final = 65_535

DATA: Final = 0
HEADERS: Final = 1
PRIORITY: Final = 2
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

ACK: Final = 0x1
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
WITH_PRIORITY: Final = 0x20

ENABLE_PUSH: Final = 2
MAX_CONCURRENT_STREAMS: Final = 3
INITIAL_WINDOW_SIZE: Final = 4
MAX_FRAME_SIZE: Final = 5
MAX_HEADER_LIST_SIZE: Final = 6

SETTING: Final = struct.Struct(">HL")
_NUMBER: Final = struct.Struct(">L")


class ErrorCode(enum.IntEnum):
    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class BrokenRuleError(Exception):
    """The peer broke a rule after which the connection cannot go on; the text goes into GOAWAY."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code


class StreamError(Exception):
    """The peer broke a rule that concerns one stream only."""

    def __init__(self, code: ErrorCode, stream_id: int) -> None:
        super().__init__(f"stream {stream_id}: {code.name}")
        self.code = code
        self.stream_id = stream_id


def make_frame(kind: int, flags: int, stream_id: int, payload: bytes | memoryview = b"") -> bytes:
    size = len(payload)
    return b"".join((HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream_id), payload))


def make_settings(settings: dict[int, int]) -> bytes:
    return make_frame(SETTINGS, 0, 0, b"".join(SETTING.pack(*setting) for setting in settings.items()))


def make_window_update(stream_id: int, more_bytes: int) -> bytes:
    return make_frame(WINDOW_UPDATE, 0, stream_id, _NUMBER.pack(more_bytes))


def make_reset(stream_id: int, code: ErrorCode) -> bytes:
    return make_frame(RST_STREAM, 0, stream_id, _NUMBER.pack(code))


def make_goaway(last_stream_id: int, code: ErrorCode, text: str = "") -> bytes:
    return make_frame(GOAWAY, 0, 0, _NUMBER.pack(last_stream_id) + _NUMBER.pack(code) + text.encode()[:1000])


SETTINGS_ACK: Final = make_frame(SETTINGS, ACK, 0)
