"""The HTTP/1.1 connection, byte by byte, without sockets."""

from __future__ import annotations

import pytest
from unit.server.fake_wire import Wire, make_request


async def test_one_request_one_answer_and_the_connection_stays() -> None:
    wire = Wire()
    assert wire.send(make_request(b"/a?q=1", b"xyz")) == (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\n/a|xyz"
    )
    assert wire.connection.is_idle
    assert not wire.transport.is_closing()


async def test_a_request_may_arrive_one_byte_at_a_time() -> None:
    wire = Wire()
    wire.send(*(bytes([byte]) for byte in make_request(b"/%61/", b"xyz")))
    assert wire.transport.written.endswith(b"\r\n\r\n/a|xyz")


async def test_the_absolute_form_of_a_target_is_taken() -> None:
    assert Wire().send(make_request(b"http://host:80/a/b?c")).endswith(b"/a/b|")


async def test_chunks_are_one_body_and_trailers_are_no_headers() -> None:
    wire = Wire()
    head = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = wire.send(head + b"2\r\nab\r\n", b"1;x=y\r\nc\r\n", b"0\r\nX-Late: 1\r\n\r\n")
    assert answer.endswith(b"/a|abc")
    assert b"x-late" not in wire.application.requests[0].headers


async def test_pipelined_requests_are_answered_in_their_order_even_when_the_first_is_slow() -> None:
    wire = Wire()
    assert wire.send(make_request(b"/slow") + make_request(b"/b") + make_request(b"/c")) == b""
    assert wire.transport.is_reading_paused
    await wire.release()
    assert [part[-3:] for part in wire.transport.written.split(b"HTTP/1.1")[1:]] == [b"ow|", b"/b|", b"/c|"]
    assert not wire.transport.is_reading_paused


async def test_head_gets_the_length_without_the_body() -> None:
    answer = Wire().send(make_request(b"/a", method=b"HEAD"))
    assert answer.endswith(b"content-length: 3\r\n\r\n")


async def test_connection_close_ends_with_half_a_close_and_throws_later_input_away() -> None:
    wire = Wire()
    answer = wire.send(make_request(b"/a", b"", b"Connection: close") + make_request(b"/b"))
    assert b"connection: close\r\n" in answer
    assert wire.transport.is_sending_shut
    assert wire.send(make_request(b"/c")) == b""
    wire.pass_time(1)
    assert not wire.transport.is_closing()
    wire.pass_time(3)
    assert wire.transport.is_closing()


async def test_http_1_0_closes_unless_asked_to_stay() -> None:
    wire = Wire()
    wire.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert not wire.transport.is_sending_shut
    wire.send(b"GET /a HTTP/1.0\r\n\r\n")
    assert wire.transport.is_sending_shut


async def test_an_offer_to_upgrade_is_declined_by_answering() -> None:
    wire = Wire()
    answer = wire.send(b"GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nwhatever")
    assert answer.startswith(b"HTTP/1.1 200")
    assert wire.transport.is_sending_shut


async def test_an_upgrade_with_a_body_is_refused() -> None:
    wire = Wire()
    wire.send(make_request(b"/a", b"abc", b"Connection: Upgrade", b"Upgrade: h2c"))
    assert wire.statuses() == [400]


async def test_expect_100_continue_is_answered_before_the_body() -> None:
    wire = Wire()
    request = make_request(b"/a", b"abc", b"Expect: 100-continue")
    assert wire.send(request[:-3]) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert wire.send(request[-3:]).endswith(b"/a|abc")


async def test_the_100_waits_for_the_answers_before_it() -> None:
    wire = Wire()
    assert wire.send(make_request(b"/slow") + make_request(b"/b", b"abc", b"Expect: 100-continue")[:-3]) == b""
    written = await wire.release()
    assert written.endswith(b"/slow|HTTP/1.1 100 Continue\r\n\r\n")


async def test_another_expectation_is_a_417() -> None:
    wire = Wire()
    wire.send(make_request(b"/a", b"abc", b"Expect: a-miracle"))
    assert wire.statuses() == [417]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"GET /a HTTP/1.1\r\nbad header\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_400_and_the_end(garbage: bytes) -> None:
    wire = Wire()
    wire.send(garbage)
    assert wire.statuses() == [400]
    assert wire.transport.is_sending_shut


async def test_garbage_after_a_good_request_leaves_its_answer_alone() -> None:
    wire = Wire()
    wire.send(make_request(b"/slow") + b"\x00\x01")
    await wire.release()
    assert wire.statuses() == [200, 400]


async def test_a_peer_that_shuts_its_side_still_gets_its_answer() -> None:
    wire = Wire()
    wire.send(make_request(b"/slow"))
    assert wire.connection.eof_received() is True
    await wire.release()
    assert wire.statuses() == [200]
    assert wire.transport.is_closing()


async def test_a_peer_that_shuts_its_side_without_a_request_is_let_go() -> None:
    assert Wire().connection.eof_received() is False


async def test_a_request_whose_client_went_away_is_recorded_as_499_once() -> None:
    wire = Wire()
    wire.send(make_request(b"/slow") + make_request(b"/b"))
    wire.connection.connection_lost(None)
    await wire.release()
    assert wire.application.records == [(b"/slow", 499), (b"/b", 499)]


async def test_a_client_that_goes_away_while_sending_its_body_is_recorded_as_499() -> None:
    wire = Wire()
    wire.send(make_request(b"/a", b"abc")[:-1])
    wire.connection.connection_lost(None)
    assert wire.application.records == [(b"/a", 499)]


async def test_every_answer_is_recorded_with_its_code() -> None:
    wire = Wire()
    wire.send(make_request(b"/a") + make_request(b"/b", b"x" * 101))
    assert wire.application.records == [(b"/a", 200), (b"/b", 413)]
