"""A head that came before is not parsed again; nobody can tell from the answers."""

from __future__ import annotations

import pytest
from serin_server.wire.known_heads import KnownHeads
from serin_server.wire.request import Request
from unit.server.fake_wire import Wire, make_request


async def test_the_same_head_with_another_body_is_another_request() -> None:
    wire = Wire()
    answers = [wire.send(make_request(b"/a", body)) for body in (b"abc", b"xyz", b"xyz")]
    assert [answer[-6:] for answer in answers] == [b"/a|abc", b"/a|xyz", b"/a|xyz"]
    first, second, _ = wire.application.requests
    assert second.headers is first.headers
    assert (second.method, second.path) == (b"POST", b"/a")


async def test_a_known_head_may_come_in_pieces_or_with_the_next_request_behind_it() -> None:
    wire = Wire()
    request = make_request(b"/a", b"abc")
    wire.send(request)
    assert wire.send(request[:-1], request[-1:]).endswith(b"/a|abc")
    assert wire.send(request + request[:10]).endswith(b"/a|abc")
    assert wire.send(request[10:]).endswith(b"/a|abc")
    assert wire.statuses() == [200] * 4


async def test_a_known_head_gets_around_no_limit() -> None:
    wire = Wire()
    wire.send(make_request(b"/a", b"abc"))
    wire.connection.connection_lost(None)
    assert wire.send(make_request(b"/a", b"abc")) == b""
    busy = Wire()
    busy.send(make_request(b"/a"))
    busy.send(make_request(b"/slow"), make_request(b"/a"), make_request(b"/a"))
    assert busy.transport.is_reading_paused
    await busy.release()
    assert busy.statuses() == [200] * 4


@pytest.mark.parametrize(
    "header",
    [b"Connection: close", b"Expect: 100-continue", b"Connection: Upgrade\r\nUpgrade: x", b"X: " + b"x" * 1100],
)
def test_a_head_that_leaves_a_question_open_is_never_known(header: bytes) -> None:
    heads = KnownHeads()
    data = b"POST /a HTTP/1.1\r\n" + header + b"\r\n\r\n"
    name = header.partition(b":")[0].lower()
    heads.remember(data, Request(b"POST", b"/a", {name: b""}))
    assert heads.find(data) is None


def test_bytes_that_only_look_like_the_end_of_a_head_are_not_taken_for_it() -> None:
    heads = KnownHeads()
    heads.remember(b"\r\n\r\nGET /a HTTP/1.1\r\n\r\n", Request(b"GET", b"/a", {}))
    assert heads.find(b"\r\n\r\n") is None


def test_endless_new_heads_do_not_fill_the_memory() -> None:
    heads = KnownHeads()
    for number in range(10_000):
        heads.remember(b"GET /%d HTTP/1.1\r\n\r\n" % number, Request(b"GET", b"/%d" % number, {}))
    known = sum(heads.find(b"GET /%d HTTP/1.1\r\n\r\n" % number) is not None for number in range(10_000))
    assert known <= 256
