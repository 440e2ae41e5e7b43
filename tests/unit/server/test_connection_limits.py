"""Peers that send too much or take too long."""

from __future__ import annotations

import pytest
from unit.server.fake_wire import LIMITS, Wire, make_request

HEAD = b"POST /a HTTP/1.1\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def test_a_body_announced_as_too_large_is_refused_before_it_is_sent() -> None:
    wire = Wire()
    answer = wire.send(HEAD + b"Content-Length: 101\r\nExpect: 100-continue\r\n\r\n")
    assert wire.statuses() == [413]
    assert b"the body may have 100 bytes; this one has 101 bytes" in answer
    assert wire.transport.is_sending_shut


async def test_a_chunked_body_is_refused_where_it_becomes_too_large() -> None:
    wire = Wire()
    wire.send(CHUNKED, b"64\r\n" + b"x" * 100 + b"\r\n")
    assert wire.statuses() == []
    wire.send(b"1\r\nx")
    assert wire.statuses() == [413]


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET /" + b"a" * 1000],
        [b"GET /a HTTP/1.1\r\n", *[b"X-%d: %s\r\n" % (i, b"v" * 90) for i in range(12)]],
        [b"GET /a HTTP/1.1\r\nX-Endless: ", *[b"v" * 100] * 12],
        [b"G" + b"E" * 2000],
        [CHUNKED, b"1\r\nx\r\n0\r\nX-Endless: ", *[b"v" * 100] * 12],
        [CHUNKED, b"1;extension=", *[b"v" * 100] * 12],
    ],
)
async def test_an_endless_head_line_or_trailer_is_refused(pieces: list[bytes]) -> None:
    wire = Wire()
    wire.send(*pieces)
    assert wire.statuses() in ([431], [400])
    assert wire.transport.is_sending_shut


async def test_many_small_chunks_are_no_offence() -> None:
    wire = Wire()
    wire.send(CHUNKED, *[b"1;long=%s\r\nx\r\n" % (b"e" * 90)] * 100, b"0\r\n\r\n")
    assert wire.statuses() == [200]


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    wire = Wire()
    wire.send(make_request())
    wire.pass_time(LIMITS.idle_seconds - 1)
    assert not wire.transport.is_closing()
    wire.pass_time(LIMITS.idle_seconds + 1)
    assert wire.transport.is_closing()
    assert wire.statuses() == [200]


async def test_a_head_that_trickles_in_is_a_408() -> None:
    wire = Wire()
    wire.send(b"GET / HT")
    wire.send(b"TP/1.1\r\n")
    wire.pass_time(LIMITS.head_seconds + 1)
    assert wire.statuses() == [408]
    wire.pass_time(LIMITS.linger_seconds + 1)
    assert wire.transport.is_closing()


async def test_a_body_that_trickles_in_is_a_408() -> None:
    wire = Wire()
    wire.send(make_request(b"/a", b"abc")[:-1])
    wire.pass_time(LIMITS.body_seconds - 1)
    assert wire.statuses() == []
    wire.pass_time(LIMITS.body_seconds + 1)
    assert wire.statuses() == [408]


async def test_a_request_being_worked_on_has_no_deadline() -> None:
    wire = Wire()
    wire.send(make_request(b"/slow"))
    wire.pass_time(100_000)
    await wire.release()
    assert wire.statuses() == [200]


async def test_a_peer_is_not_late_while_its_input_is_not_read() -> None:
    wire = Wire()
    wire.send(make_request(b"/slow") + make_request(b"/b") + b"GET /c HTTP/1.1\r\n")
    wire.pass_time(LIMITS.head_seconds + 1)
    await wire.release()
    assert wire.statuses() == [200, 200]
    wire.pass_time(LIMITS.head_seconds - 1)
    assert wire.statuses() == [200, 200]
    wire.send(b"\r\n")
    assert wire.statuses() == [200, 200, 200]


async def test_a_peer_that_does_not_read_stops_the_work_and_is_cut_off() -> None:
    wire = Wire()
    wire.connection.pause_writing()
    assert wire.send(make_request(b"/a") + make_request(b"/b")) == b""
    assert wire.application.requests == []
    wire.connection.resume_writing()
    assert wire.statuses() == [200, 200]
    wire.connection.pause_writing()
    wire.pass_time(LIMITS.write_seconds + 1)
    assert wire.transport.is_aborted


async def test_a_leaving_server_says_so_on_its_next_answer() -> None:
    wire = Wire()
    wire.send(make_request())
    wire.listener.start_leaving()
    assert b"connection: close" in wire.send(make_request())
    assert wire.transport.is_sending_shut


async def test_a_leaving_server_answers_all_it_has_read() -> None:
    wire = Wire()
    wire.send(make_request(b"/slow") + make_request(b"/b") + make_request(b"/c", b"xyz")[:-1])
    wire.listener.start_leaving()
    await wire.release()
    assert wire.statuses() == [200, 200]
    wire.send(b"z")
    assert wire.statuses() == [200, 200, 200]
    assert wire.transport.written.count(b"connection: close") == 1


async def test_at_the_end_idle_connections_are_closed_and_busy_ones_are_not() -> None:
    idle, busy = Wire(), Wire()
    idle.send(make_request())
    busy.send(make_request(b"/slow"))
    for wire in (idle, busy):
        wire.listener.start_leaving()
        wire.connection.close_when_answered()
    assert idle.transport.is_closing()
    assert not busy.transport.is_closing()


async def test_a_peer_that_has_just_connected_may_still_send_its_first_request() -> None:
    wire = Wire()
    wire.listener.start_leaving()
    wire.connection.close_when_answered()
    assert not wire.transport.is_closing()
    wire.send(make_request())
    assert wire.statuses() == [200]
    late = Wire()
    late.connection.close_when_answered()
    late.pass_time(LIMITS.linger_seconds + 1)
    assert late.transport.is_closing()


async def test_the_name_of_a_connection_tells_its_state() -> None:
    wire = Wire()
    wire.send(make_request(b"/slow") + b"GET ")
    assert repr(wire.connection) == "<Connection head unanswered=1>"
