"""Windows in both directions, headers that come again, time, and farewells."""

from __future__ import annotations

import pytest
from serin_server.http2 import frames
from serin_server.http2.frames import ErrorCode, make_frame, make_settings, make_window_update
from unit.server.fake_http2 import LIMITS, Frame, Http2Wire


def join_data(received: list[Frame], stream_id: int) -> bytes:
    return b"".join(frame.payload for frame in received if (frame.kind, frame.stream_id) == (frames.DATA, stream_id))


def is_ended(received: list[Frame], stream_id: int) -> bool:
    return any(frame.stream_id == stream_id and frame.flags & frames.END_STREAM for frame in received)


def split(stream_id: int, body: bytes) -> list[bytes]:
    pieces = [body[at : at + 16_384] for at in range(0, len(body), 16_384)]
    return [
        make_frame(frames.DATA, frames.END_STREAM if piece is pieces[-1] else 0, stream_id, piece) for piece in pieces
    ]


async def test_an_answer_stops_where_the_stream_s_window_ends_and_goes_on_when_it_opens() -> None:
    wire = Http2Wire()
    wire.send(make_settings({frames.INITIAL_WINDOW_SIZE: 10}))
    received = wire.send(wire.make_request(1, b"0123456789abcdef"))
    assert (join_data(received, 1), is_ended(received, 1)) == (b"0123456789", False)
    assert join_data(wire.send(make_window_update(1, 2)), 1) == b"ab"
    received = wire.send(make_settings({frames.INITIAL_WINDOW_SIZE: 100}))
    assert (join_data(received, 1), is_ended(received, 1)) == (b"cdef", True)


async def test_a_window_that_became_negative_has_to_grow_above_zero_first() -> None:
    wire = Http2Wire()
    wire.send(make_settings({frames.INITIAL_WINDOW_SIZE: 10}), wire.make_request(1, b"x" * 30))
    assert join_data(wire.send(make_settings({frames.INITIAL_WINDOW_SIZE: 5})), 1) == b""
    assert join_data(wire.send(make_window_update(1, 5)), 1) == b""
    assert join_data(wire.send(make_window_update(1, 3)), 1) == b"xxx"


async def test_answers_share_the_connection_s_window_and_take_turns() -> None:
    wire = Http2Wire()
    bodies = {1: b"a" * 60_000, 3: b"b" * 60_000}
    received = [
        frame for number, body in bodies.items() for frame in wire.send(wire.make_headers(number), *split(number, body))
    ]
    assert len(join_data(received, 1)) + len(join_data(received, 3)) == frames.DEFAULT_WINDOW_BYTES
    received += wire.send(make_window_update(0, 1_000_000))
    assert {number: join_data(received, number) for number in bodies} == bodies
    assert is_ended(received, 1)
    assert is_ended(received, 3)


async def test_nothing_is_read_while_the_socket_takes_nothing_and_all_goes_out_afterwards() -> None:
    wire = Http2Wire()
    wire.connection.pause_writing()
    assert wire.transport.is_reading_paused
    assert join_data(wire.send(wire.make_request(1, b"late")), 1) == b""
    wire.connection.resume_writing()
    received = wire.receive()
    assert (join_data(received, 1), is_ended(received, 1)) == (b"late", True)
    assert not wire.transport.is_reading_paused


async def test_an_answer_that_nobody_makes_room_for_ends_the_connection_in_time() -> None:
    wire = Http2Wire()
    wire.send(make_settings({frames.INITIAL_WINDOW_SIZE: 1}), wire.make_request(1, b"xx"))
    wire.pass_time(1)
    assert not wire.transport.is_aborted
    wire.pass_time(LIMITS.write_seconds + 2)
    assert wire.transport.is_aborted


async def test_the_connection_s_window_is_given_back_as_it_is_used() -> None:
    wire = Http2Wire()
    given = 0
    for stream_id in range(1, 401, 2):
        received = wire.send(wire.make_headers(stream_id), *split(stream_id, b"x" * 60_000))
        wire.send(make_window_update(0, 60_000))
        updates = [frame for frame in received if frame.kind == frames.WINDOW_UPDATE]
        given += sum(int.from_bytes(frame.payload, "big") for frame in updates if not frame.stream_id)
    assert given > 200 * 60_000 - LIMITS.connection_window_bytes / 2


async def test_long_messages_are_let_in_as_far_as_the_budget_goes_and_the_others_wait_their_turn() -> None:
    wire = Http2Wire()
    granted: list[int] = []
    for number in (1, 3, 5):
        wire.send(wire.make_headers(number))
        wire.connection.want(wire.connection.streams[number], 100_000)
        granted += [frame.stream_id for frame in wire.receive() if frame.kind == frames.WINDOW_UPDATE]
    assert granted == [1, 3]
    received = wire.send(make_frame(frames.DATA, frames.END_STREAM, 1, b"done"))
    assert [frame.stream_id for frame in received if frame.kind == frames.WINDOW_UPDATE] == [5]


async def test_padding_is_cut_and_its_window_given_back() -> None:
    wire = Http2Wire()
    received = wire.send(wire.make_headers(1), make_frame(frames.DATA, frames.PADDED, 1, b"\x03hello\0\0\0"))
    assert [int.from_bytes(frame.payload, "big") for frame in received if frame.kind == frames.WINDOW_UPDATE] == [4]
    received = wire.send(make_frame(frames.DATA, frames.PADDED | frames.END_STREAM, 1, b"\x01!\0"))
    assert join_data(received, 1) == b"hello!"


async def test_the_same_headers_are_understood_once_as_long_as_the_table_stands() -> None:
    wire = Http2Wire()
    for stream_id in range(1, 21, 2):
        wire.send(wire.make_request(stream_id))
    assert wire.application.interpreted == 2  # The first time they fill the table.
    wire.send(wire.make_headers(21, "/other", frames.END_STREAM), wire.make_request(23))
    assert wire.application.requests[-1].path == b"/echo"
    assert [request.path for request in wire.application.requests].count(b"/other") == 1


async def test_the_same_block_means_something_else_when_the_table_has_changed() -> None:
    """With a table of one entry the index 62 stands for whatever was put there last."""
    wire = Http2Wire()
    start = wire.encoder.encode([(":method", "POST"), (":scheme", "http")])
    for number, path in ((1, b"/a"), (3, b"/b"), (5, b"/a")):
        wire.send(make_frame(frames.HEADERS, 5, number, start + b"\x44\x02" + path))
        for again in (number + 100, number + 200):
            wire.connection.last_stream_id = again - 2
            wire.send(make_frame(frames.HEADERS, 5, again, start + b"\xbe"))
        wire.connection.last_stream_id = number
    assert [request.path for request in wire.application.requests] == [b"/a"] * 3 + [b"/b"] * 3 + [b"/a"] * 3


@pytest.mark.parametrize("sent", [b"", frames.PREFACE[:10], frames.PREFACE])
async def test_a_peer_that_does_not_greet_is_cut_off(sent: bytes) -> None:
    wire = Http2Wire(is_greeted=False)
    wire.send(sent)
    wire.pass_time(LIMITS.preface_seconds - 1)
    assert not wire.transport.is_aborted
    wire.pass_time(LIMITS.preface_seconds + 1)
    assert wire.transport.is_aborted


async def test_a_request_that_does_not_end_is_told_that_it_is_late() -> None:
    wire = Http2Wire()
    wire.send(wire.make_headers(1))
    wire.pass_time(LIMITS.request_seconds + 1)
    assert wire.application.requests[0].ending == "timed out"


async def test_who_shuts_its_side_still_gets_its_answer_and_half_a_request_is_given_up() -> None:
    wire = Http2Wire()
    wire.send(wire.make_request(1, b"whole", "/wait"), wire.make_headers(3))
    assert wire.connection.eof_received()
    assert [request.ending for request in wire.application.requests] == ["", "given up"]
    wire.application.requests[0].answer()
    assert join_data(wire.receive(), 1) == b"whole"
    assert wire.transport.is_closed


async def test_a_peer_that_is_gone_or_resets_takes_its_requests_along() -> None:
    wire = Http2Wire()
    wire.send(wire.make_request(1, path="/wait"), wire.make_request(3, path="/wait"))
    wire.send(make_frame(frames.RST_STREAM, 0, 1, b"\0\0\0\x08"))
    assert [request.ending for request in wire.application.requests] == ["given up", ""]
    wire.connection.connection_lost(None)
    assert [request.ending for request in wire.application.requests] == ["given up", "given up"]


async def test_a_leaving_server_answers_what_has_come_and_looks_at_nothing_else() -> None:
    wire = Http2Wire()
    wire.send(wire.make_request(1, path="/wait"))
    wire.connection.announce_leave()
    (goaway,) = wire.receive()
    assert (goaway.payload[:4], goaway.code) == (b"\x7f\xff\xff\xff", ErrorCode.NO_ERROR)
    assert join_data(wire.send(wire.make_request(3, b"still")), 3) == b"still"
    wire.connection.leave()
    (goaway,) = wire.receive()
    assert int.from_bytes(goaway.payload[:4], "big") == 3
    assert wire.send(wire.make_request(5)) == []
    wire.application.requests[0].answer()
    assert is_ended(wire.receive(), 1)
    assert wire.transport.is_sending_shut


async def test_a_connection_that_has_brought_nothing_is_sent_away_with_its_first_answer() -> None:
    wire = Http2Wire()
    wire.connection.announce_leave()
    assert wire.receive() == []
    assert wire.send(wire.make_request(1))[-1].kind == frames.GOAWAY
