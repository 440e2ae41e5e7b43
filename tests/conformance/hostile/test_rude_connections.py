"""Peers that are slow, many, impatient or gone."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack

from conformance.hostile.conftest import MAX_BODY_BYTES, Target, find_statuses

HEAD = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: m\r\n"
CONNECTIONS = 300


def test_hundreds_that_never_finish_their_request_are_a_408_each_and_others_are_served_meanwhile(
    target: Target,
) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(target.process.connect_raw()) for _ in range(CONNECTIONS)]
        for index, connection in enumerate(slow):
            connection.sendall(HEAD[: 1 + index % len(HEAD)])
        assert target.process.get("/v2/health/ready").status == 200
        received = [read_to_end(connection) for connection in slow]
    assert {status for answer in received for status in find_statuses(answer)} == {408}
    assert all(received)


def test_a_thousand_pipelined_requests_are_answered_in_their_order(target: Target) -> None:
    sent = b"".join(make_request(index) for index in range(1000))
    received = target.exchange(sent)
    ids = [int(piece.split(b'"', 1)[0]) for piece in received.split(b'"id":"')[1:]]
    assert find_statuses(received) == [200] * 1000
    assert ids == list(range(1000))


def test_a_thousand_peers_that_leave_in_the_middle_leave_no_descriptor_behind(target: Target) -> None:
    target.process.get("/metrics")
    before = target.process.read_metric("\nprocess_open_fds")
    request = make_request(0)
    for index in range(1000):
        with target.process.connect_raw() as connection:
            connection.sendall(request[: index % len(request)])
            if index % 2:  # Half of them end by a reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    for _ in range(1000):
        if target.process.read_metric("\nprocess_open_fds") == before:
            return
    raise AssertionError(f"{before} descriptors became {target.process.read_metric('process_open_fds')}")


def test_a_peer_that_never_reads_its_answers_is_soon_not_read_from_and_takes_no_more_memory(target: Target) -> None:
    waiting = memoryview(make_request(0, "x" * 500_000) * 200)
    before = target.read_peak_memory_bytes()
    with target.process.connect_raw() as connection:
        connection.setblocking(False)
        for _ in range(200):  # Turns of the server in which it takes nothing any more: the kernel's buffers are full.
            try:
                while waiting:
                    waiting = waiting[connection.send(waiting[: 1 << 20]) :]
            except BlockingIOError:
                assert target.process.get("/v2/health/live").status == 200
        unsent_bytes = len(waiting)
    assert unsent_bytes > 50 * MAX_BODY_BYTES
    assert target.read_peak_memory_bytes() - before < 16 * MAX_BODY_BYTES


def make_request(index: int, text: str = "x") -> bytes:
    tensors = [
        {"name": f"in_{datatype}", "datatype": datatype, "shape": [1, 1], "data": [value]}
        for datatype, value in (("FP32", 0.5), ("INT64", 7), ("BYTES", text))
    ]
    body = json.dumps({"id": str(index), "inputs": tensors}).encode()
    return HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(1 << 16):
        received += data
    return received
