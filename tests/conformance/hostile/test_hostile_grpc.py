"""Bytes that are nearly HTTP/2, messages that nearly fit, and peers that mean to wear the server out."""

from __future__ import annotations

import gzip
import time

import pytest
from conformance.hostile.conftest import MAX_BODY_BYTES, Target
from conformance.hostile.grpc_frames import (
    GREETING,
    find_farewell,
    find_statuses,
    frame_message,
    make_call,
    make_data,
    make_headers,
    make_message,
)
from conformance.hostile.test_random_input import many, nearly
from hypothesis import given
from hypothesis import strategies as st
from serin_server.http2 import frames
from serin_server.http2.frames import ErrorCode, make_frame, make_reset, make_settings, make_window_update
from serin_server.http2.limits import Limits

REFUSALS = {3, 5, 8, 12, 13, 415, 405}
"""What a peer's own mistake is told: 13 (INTERNAL) only for a message that is framed wrongly, as gRPC wants it."""

CALL = GREETING + make_call()

any_frame = st.builds(
    make_frame,
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 1, 2, 3, 5, 2**31 - 1]),
    st.binary(max_size=40) | st.just(make_call()[9:60]),
)


def check_answers(received: bytes) -> None:
    """Right statuses or a farewell that names a rule, and never the server's own failure."""
    assert {status for _, status in find_statuses(received)} <= REFUSALS | {0}
    assert find_farewell(received) is not ErrorCode.INTERNAL_ERROR


@given(sent=nearly(CALL) | nearly(CALL + make_call(3)) | st.binary(max_size=200))
@many
def test_bytes_that_are_nearly_http2(target: Target, sent: bytes) -> None:
    check_answers(target.exchange_grpc(sent))


@given(sent=st.lists(any_frame, max_size=12))
@many
def test_frames_in_any_order(target: Target, sent: list[bytes]) -> None:
    check_answers(target.exchange_grpc(GREETING + b"".join(sent) + make_call(7)))


@given(block=st.binary(max_size=60))
@many
def test_header_blocks_of_anything(target: Target, block: bytes) -> None:
    sent = GREETING + make_frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, block)
    check_answers(target.exchange_grpc(sent + make_call(3)))


@given(message=nearly(make_message()) | st.binary(max_size=60))
@many
def test_messages_that_are_nearly_protobuf(target: Target, message: bytes) -> None:
    received = target.exchange_grpc(GREETING + make_call(1, message) + make_call(3))
    statuses = dict(find_statuses(received))
    assert statuses[1] in {0, 3, 5}
    assert statuses[3] == 0


@given(data=nearly(frame_message(make_message())), coding=st.sampled_from(["identity", "gzip", "deflate"]))
@many
def test_messages_that_are_framed_nearly_right(target: Target, data: bytes, coding: str) -> None:
    received = target.exchange_grpc(GREETING + make_headers(1, grpc_encoding=coding) + make_data(1, data))
    ((_, status),) = find_statuses(received)
    assert status in {0, 3, 5, 8, 13}


def test_a_gzip_bomb_is_refused_and_takes_no_memory(target: Target) -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * (1 << 30), 9), 9)
    inner = gzip.decompress(bomb)
    assert len(inner) > MAX_BODY_BYTES / 2
    before = target.read_peak_memory_bytes()
    data = frame_message(inner, 1)[:MAX_BODY_BYTES]
    small = gzip.compress(b"\0" * (200 * MAX_BODY_BYTES), 9)
    for body in (data, frame_message(small, 1)):
        received = target.exchange_grpc(GREETING + make_headers(1, grpc_encoding="gzip") + make_data(1, body))
        assert {status for _, status in find_statuses(received)} <= {3, 8}
    assert target.read_peak_memory_bytes() - before < 16 * MAX_BODY_BYTES


def test_a_message_beyond_the_limit_is_refused_before_it_has_come(target: Target) -> None:
    announced = (0).to_bytes(1, "big") + (2**32 - 1).to_bytes(4, "big")
    received = target.exchange_grpc(GREETING + make_headers(1) + make_data(1, announced, is_end=False) + make_call(3))
    assert dict(find_statuses(received)) == {1: 8, 3: 0}


def test_hundreds_that_never_finish_are_cut_off_and_others_are_served_meanwhile(target: Target) -> None:
    slow = []
    for index in range(300):
        connection = target.connect_grpc()
        connection.sendall(GREETING[: index % (len(GREETING) - 1)])
        slow.append(connection)
    assert dict(find_statuses(target.exchange_grpc(CALL))) == {1: 0}
    for connection in slow:
        with connection:
            try:
                while connection.recv(1 << 16):
                    pass
            except ConnectionResetError:
                pass


FLOODS = {
    "rapid resets": b"".join(make_headers(n) + make_reset(n, ErrorCode.CANCEL) for n in range(1, 20_001, 2)),
    "pings": make_frame(frames.PING, 0, 0, b"12345678") * 10_000,
    "settings": make_settings({frames.INITIAL_WINDOW_SIZE: 1}) * 10_000,
    "windows": make_window_update(0, 1) * 10_000,
    "empty data": make_headers(1) + make_frame(frames.DATA, 0, 1) * 10_000,
    "empty continuations": make_frame(frames.HEADERS, 0, 1) + make_frame(frames.CONTINUATION, 0, 1) * 10_000,
    "full continuations": make_frame(frames.HEADERS, 0, 1)
    + make_frame(frames.CONTINUATION, 0, 1, b"\0\x01a\x01b" * 3000) * 1000,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_is_ended_and_costs_little(target: Target, flood: bytes) -> None:
    before = target.read_peak_memory_bytes()
    began = target.read_cpu_seconds()
    received = target.exchange_grpc(GREETING + flood)
    assert find_farewell(received) in {ErrorCode.ENHANCE_YOUR_CALM, None}  # None: the reset was faster than the words.
    assert target.read_cpu_seconds() - began < 2
    assert target.read_peak_memory_bytes() - before < 8 * MAX_BODY_BYTES


def test_a_peer_that_never_reads_its_answers_is_soon_not_read_from(target: Target) -> None:
    """What it holds are at most the calls that may be open at once, each with some copies of its message.

    Some 50 to 60 MB were seen, 8 to 10 copies from the frames to the answer; all calls together would be 200 MB.
    """
    text = b"x" * 50_000
    calls = b"".join(make_call(number, make_message(text)) for number in range(1, 4000, 2))
    wide = make_settings({frames.INITIAL_WINDOW_SIZE: 2**31 - 1}) + make_window_update(0, 2**31 - 1 - 65_535)
    waiting = memoryview(frames.PREFACE + wide + calls)
    before = target.read_peak_memory_bytes()
    with target.connect_grpc() as connection:
        connection.setblocking(False)
        for _ in range(100):  # Turns of the server in which it takes nothing any more: the kernel's buffers are full.
            try:
                while waiting:
                    waiting = waiting[connection.send(waiting[: 1 << 20]) :]
            except BlockingIOError:
                assert target.process.get("/v2/health/live").status == 200
        assert len(waiting) > 50 * MAX_BODY_BYTES
    assert target.read_peak_memory_bytes() - before < 14 * Limits().max_streams * len(text)


def test_a_peer_that_gives_no_window_holds_no_more_than_its_streams(target: Target) -> None:
    narrow = make_settings({frames.INITIAL_WINDOW_SIZE: 0})
    with target.connect_grpc() as connection:
        connection.sendall(frames.PREFACE + narrow + b"".join(make_call(number) for number in range(1, 401, 2)))
        time.sleep(0.1)
        connection.shutdown(1)
        received = b""
        try:
            connection.settimeout(2)
            while data := connection.recv(1 << 16):
                received += data
        except TimeoutError:
            pass
    assert list(find_statuses(received)) == []
    assert received.count(make_reset(399, ErrorCode.REFUSED_STREAM)) == 1
