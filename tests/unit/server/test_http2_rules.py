"""What breaks HTTP/2's rules ends the stream or the connection, with the standard's own code for it."""

from __future__ import annotations

import pytest
from serin_server.http2 import frames
from serin_server.http2.frames import ErrorCode, make_frame, make_settings, make_window_update
from unit.server.fake_http2 import Http2Wire

GREETING = frames.PREFACE + make_settings({})
LONG = b"x" * 20_000


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


BROKEN_CONNECTIONS: dict[str, tuple[bytes, ErrorCode]] = {
    "HTTP/1.1": (b"GET / HTTP/1.1\r\nHost: m\r\n\r\n", ErrorCode.PROTOCOL_ERROR),
    "no settings first": (frames.PREFACE + make_frame(frames.PING, 0, 0, b"12345678"), ErrorCode.PROTOCOL_ERROR),
    "a frame too long": (GREETING + make_frame(frames.DATA, 0, 1, LONG), ErrorCode.FRAME_SIZE_ERROR),
    "data on stream 0": (GREETING + make_frame(frames.DATA, 0, 0, b"x"), ErrorCode.PROTOCOL_ERROR),
    "data before headers": (GREETING + make_frame(frames.DATA, 0, 1, b"x"), ErrorCode.PROTOCOL_ERROR),
    "headers on an even stream": (GREETING + make_frame(frames.HEADERS, 4, 2), ErrorCode.PROTOCOL_ERROR),
    "headers that cannot be decoded": (
        GREETING + make_frame(frames.HEADERS, 4, 1, b"\xff"),
        ErrorCode.COMPRESSION_ERROR,
    ),
    "a name that is not in the table": (
        GREETING + make_frame(frames.HEADERS, 4, 1, b"\xfe"),
        ErrorCode.COMPRESSION_ERROR,
    ),
    "more padding than frame": (GREETING + make_frame(frames.HEADERS, 12, 1, b"\x09abc"), ErrorCode.PROTOCOL_ERROR),
    "a cut-off priority": (GREETING + make_frame(frames.HEADERS, 0x24, 1, b"abc"), ErrorCode.FRAME_SIZE_ERROR),
    "a stream that depends on itself": (
        GREETING + make_frame(frames.HEADERS, 0x24, 1, number(1) + b"\0"),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "continuation of nothing": (GREETING + make_frame(frames.CONTINUATION, 4, 1), ErrorCode.PROTOCOL_ERROR),
    "something else than continuation": (
        GREETING + make_frame(frames.HEADERS, 0, 1) + make_frame(frames.PING, 0, 0, b"12345678"),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a push": (GREETING + make_frame(frames.PUSH_PROMISE, 4, 1), ErrorCode.PROTOCOL_ERROR),
    "a reset of nothing": (GREETING + make_frame(frames.RST_STREAM, 0, 1, number(8)), ErrorCode.PROTOCOL_ERROR),
    "a long reset": (GREETING + make_frame(frames.RST_STREAM, 0, 1, b"12345"), ErrorCode.FRAME_SIZE_ERROR),
    "settings on a stream": (GREETING + make_frame(frames.SETTINGS, 0, 1), ErrorCode.PROTOCOL_ERROR),
    "settings cut off": (GREETING + make_frame(frames.SETTINGS, 0, 0, b"123"), ErrorCode.FRAME_SIZE_ERROR),
    "settings that push": (GREETING + make_settings({frames.ENABLE_PUSH: 2}), ErrorCode.PROTOCOL_ERROR),
    "settings of tiny frames": (GREETING + make_settings({frames.MAX_FRAME_SIZE: 100}), ErrorCode.PROTOCOL_ERROR),
    "settings of a huge window": (
        GREETING + make_settings({frames.INITIAL_WINDOW_SIZE: 2**31}),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
    "a short ping": (GREETING + make_frame(frames.PING, 0, 0, b"1"), ErrorCode.FRAME_SIZE_ERROR),
    "a ping on a stream": (GREETING + make_frame(frames.PING, 0, 1, b"12345678"), ErrorCode.PROTOCOL_ERROR),
    "a short farewell": (GREETING + make_frame(frames.GOAWAY, 0, 0, b"1"), ErrorCode.FRAME_SIZE_ERROR),
    "a window of nothing": (GREETING + make_window_update(0, 0), ErrorCode.PROTOCOL_ERROR),
    "a window of no stream": (GREETING + make_window_update(1, 1), ErrorCode.PROTOCOL_ERROR),
    "a window beyond the largest": (GREETING + make_window_update(0, 2**31 - 1), ErrorCode.FLOW_CONTROL_ERROR),
    "a priority on stream 0": (GREETING + make_frame(frames.PRIORITY, 0, 0, b"12345"), ErrorCode.PROTOCOL_ERROR),
}


@pytest.mark.parametrize(("sent", "code"), BROKEN_CONNECTIONS.values(), ids=BROKEN_CONNECTIONS)
async def test_what_concerns_the_connection_ends_it(sent: bytes, code: ErrorCode) -> None:
    wire = Http2Wire(is_greeted=False)
    last = wire.send(sent)[-1]
    assert (last.kind, last.code) == (frames.GOAWAY, code)
    assert wire.transport.is_sending_shut
    wire.pass_time(10)
    assert wire.transport.is_aborted


@pytest.mark.parametrize("piece", [1, 7])
async def test_a_request_that_comes_in_small_pieces_is_put_together(piece: int) -> None:
    wire = Http2Wire(is_greeted=False)
    sent = GREETING + wire.make_request(1, b"hello")
    answered = wire.send(*(sent[at : at + piece] for at in range(0, len(sent), piece)))
    assert [frame.payload for frame in answered if frame.kind == frames.DATA] == [b"hello"]


MALFORMED = {
    "an upper-case name": [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("A", "b")],
    "a late pseudo-header": [(":method", "POST"), (":scheme", "http"), ("a", "b"), (":path", "/")],
    "an unknown pseudo-header": [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":status", "200")],
    "one twice": [(":method", "POST"), (":method", "POST"), (":scheme", "http"), (":path", "/")],
    "no path": [(":method", "POST"), (":scheme", "http")],
    "an empty path": [(":method", "POST"), (":scheme", "http"), (":path", "")],
    "a header of the connection": [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("connection", "close")],
    "te that is not trailers": [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("te", "gzip")],
    "a line break": [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("a", "b\r\nc: d")],
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_headers_reset_their_stream_and_no_other(headers: list[tuple[str, str]]) -> None:
    wire = Http2Wire()
    (reset,) = wire.send(make_frame(frames.HEADERS, 4, 1, wire.encoder.encode(headers)))
    assert (reset.kind, reset.stream_id, reset.code) == (frames.RST_STREAM, 1, ErrorCode.PROTOCOL_ERROR)
    assert wire.send(wire.make_request(3, b"fine"))[1].payload == b"fine"


async def test_frames_after_the_end_of_a_request_are_refused() -> None:
    wire = Http2Wire()
    wire.send(wire.make_request(1, path="/wait"))
    (reset,) = wire.send(make_frame(frames.DATA, 0, 1, b"x"))
    assert (reset.kind, reset.code) == (frames.RST_STREAM, ErrorCode.STREAM_CLOSED)
    assert wire.application.requests[0].ending == "given up"
    last = wire.send(wire.make_headers(1))[-1]
    assert (last.kind, last.code) == (frames.GOAWAY, ErrorCode.STREAM_CLOSED)


async def test_more_streams_than_allowed_are_refused_until_others_end() -> None:
    wire = Http2Wire()
    for stream_id in (1, 3, 5, 7):
        assert wire.send(wire.make_request(stream_id, path="/wait")) == []
    (refused,) = wire.send(wire.make_headers(9))
    assert (refused.kind, refused.code) == (frames.RST_STREAM, ErrorCode.REFUSED_STREAM)
    wire.application.requests[0].answer()
    wire.receive()
    assert wire.send(wire.make_request(11, b"now"))[1].payload == b"now"


async def test_a_stream_that_sends_more_than_its_window_is_reset() -> None:
    wire = Http2Wire()
    wire.send(wire.make_headers(1))
    chunk = make_frame(frames.DATA, 0, 1, b"x" * 16_384)
    last = wire.send(*[chunk] * 4)[-1]
    assert (last.kind, last.code) == (frames.RST_STREAM, ErrorCode.FLOW_CONTROL_ERROR)


async def test_unknown_frames_and_priorities_are_ignored() -> None:
    wire = Http2Wire()
    ignored = make_frame(0x42, 0xFF, 3, b"?") + make_frame(frames.PRIORITY, 0, 1, number(3) + b"\0")
    assert wire.send(ignored) == []


FLOODS = {
    "pings": make_frame(frames.PING, 0, 0, b"12345678"),
    "settings": make_settings({}),
    "windows": make_window_update(0, 1),
    "unknown frames": make_frame(0x42, 0, 0),
    "priorities": make_frame(frames.PRIORITY, 0, 1, number(3) + b"\0"),
}


@pytest.mark.parametrize("frame", FLOODS.values(), ids=FLOODS)
async def test_a_flood_of_frames_beside_calls_ends_the_connection(frame: bytes) -> None:
    last = Http2Wire().send(frame * 100)[-1]
    assert (last.kind, last.code) == (frames.GOAWAY, ErrorCode.ENHANCE_YOUR_CALM)


async def test_rapid_resets_end_the_connection() -> None:
    wire = Http2Wire()
    for stream_id in range(1, 201, 2):
        wire.send(wire.make_request(stream_id, path="/wait"), make_frame(frames.RST_STREAM, 0, stream_id, number(8)))
    assert not wire.connection.state.is_reading
    assert wire.connection.last_stream_id < 150


async def test_a_flood_of_continuations_ends_the_connection_whether_they_hold_something_or_not() -> None:
    for payload in (b"", b"\0\x01a\x01b" * 1000):
        wire = Http2Wire()
        last = wire.send(make_frame(frames.HEADERS, 0, 1), make_frame(frames.CONTINUATION, 0, 1, payload) * 100)[-1]
        assert (last.kind, last.code) == (frames.GOAWAY, ErrorCode.ENHANCE_YOUR_CALM)


async def test_headers_that_unpack_to_much_more_end_the_connection() -> None:
    wire = Http2Wire()
    wire.send(wire.make_headers(1, blow="x" * 3000))
    # One byte each for the 3,000 that the table of headers holds now.
    bomb = wire.encoder.encode([(":method", "POST")]) + b"\xbe" * 4000
    last = wire.send(make_frame(frames.HEADERS, 4, 3, bomb))[-1]
    assert (last.kind, last.code) == (frames.GOAWAY, ErrorCode.ENHANCE_YOUR_CALM)


async def test_pings_beside_calls_are_answered_for_ever() -> None:
    wire = Http2Wire()
    ping = make_frame(frames.PING, 0, 0, b"12345678")
    for stream_id in range(1, 1001, 2):
        answered = wire.send(ping, wire.make_request(stream_id))
        assert (answered[0].kind, answered[0].flags, answered[0].payload) == (frames.PING, frames.ACK, b"12345678")
    assert wire.connection.state.takes_requests
